"""``install-service``: starts the tree at each login."""

from __future__ import annotations

import shlex
import sys

import click

from actp import boot
from actp.cli.output import say
from actp.settings import load_settings
from actp.tree import Tree

__all__ = ["install_service"]


@click.command("install-service")
@click.option("--uninstall", is_flag=True, help="Stop the tree and remove the service.")
@click.option(
    "--dry-run", is_flag=True, help="Print what would be written and run; change nothing."
)
def install_service(*, uninstall: bool, dry_run: bool) -> None:
    """Start the tree at each login: a launchd agent on macOS, a systemd user unit on Linux.

    The tree starts now; bin/down and bin/up keep working.
    """
    settings = load_settings()
    made = boot.service(settings)
    if dry_run:
        say(f"# {made.path}")
        if not uninstall:
            click.echo(made.text.rstrip("\n"))
        for command in made.unload if uninstall else made.load:
            say(shlex.join(command))
        return
    if uninstall:
        boot.uninstall(made)
        say(f"The tree is down and no longer starts at login; removed {made.path}.")
        return
    # launchd makes the log, but not its folder.
    Tree(settings).log_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    boot.install(made)
    say(f"The tree is starting, and starts at each login: {made.path}")
    if sys.platform != "darwin":
        say("To start it without a login: loginctl enable-linger")
