"""``up`` and ``down``: the supervised tree of this host."""

from __future__ import annotations

import click

from actp.cli.options import json_option
from actp.cli.output import emit_json, say
from actp.settings import load_settings
from actp.tree import Tree

__all__ = ["down", "up"]


@click.command()
@click.option("--foreground", is_flag=True, help="Become supervisord, as launchd or systemd want.")
@json_option
def up(*, foreground: bool, as_json: bool) -> None:
    """Bring the database up to date and start every process, supervised."""
    settings = load_settings()
    tree = Tree(settings)
    tree.refuse_second()
    tree.prepare()
    if foreground:
        tree.become()
    tree.start()
    programs = [process["name"] for process in tree.processes()]
    if as_json:
        emit_json({"programs": programs, "logs": str(tree.log_folder)})
        return
    say(f"The tree is up on the {settings.store_kind} database: {', '.join(programs)}.")
    say(f"Logs: {tree.log_folder}")
    say("bin/status --watch looks at it, bin/down ends it.")


@click.command()
@json_option
def down(*, as_json: bool) -> None:
    """End every process in order: what is on the wire is finished, the rest stays in the queue."""
    tree = Tree(load_settings())
    tree.stop()
    if as_json:
        emit_json({"stopped": True})
    else:
        say("The tree is down; the queue waits.")
