"""``bin/console``: prints a link that opens the console once, and serves it where no tree does."""

from __future__ import annotations

import webbrowser
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

import click

from actp.cli.main import run
from actp.cli.output import say, warn
from actp.errors import WrongState
from actp.settings import load_settings
from console.doors import doors_of
from console.serve import HOST, serve
from console.site import FOLDER

if TYPE_CHECKING:
    from actp.settings import Settings

__all__ = ["console", "link_to"]

USUAL_PORT: Final = 8700
# A console that has just been started listens before it answers.
ANSWER_TIMEOUT_SECONDS: Final = 5.0
SIGN: Final = "static/icon.svg"


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), help="Port on the loopback address.")
@click.option("--open", "is_opening", is_flag=True, help="Open the link in the browser.")
@click.option(
    "--idle",
    "idle_minutes",
    type=click.IntRange(0),
    default=0,
    metavar="MINUTES",
    help="Stop after this many minutes without an open page; 0: never.",
)
def console(*, port: int | None, is_opening: bool, idle_minutes: int) -> None:
    """Open the live console: queue, search, unknown outcomes, limits, campaigns, charts.

    With CONSOLE_PORT the tree serves it and this prints a link; else it is served here until
    Ctrl-C. The link works once, for ten minutes. CONSOLE_WRITE=true allows actions.
    """
    settings = load_settings()
    wanted = port or settings.console_port or USUAL_PORT
    is_served = _is_served(wanted)
    link = link_to(settings, wanted)
    if is_served:
        _show(link, is_opening=is_opening)
        return
    serve(
        settings,
        wanted,
        idle_seconds=idle_minutes * 60.0,
        started=lambda: _show(link, is_opening=is_opening),
    )


def link_to(settings: Settings, port: int) -> str:
    """Return a new link that opens the console on this port once."""
    return f"http://{HOST}:{port}/enter?link={doors_of(settings).new_link()}"


def _is_served(port: int) -> bool:
    """Return whether a console answers there; raises WrongState for another program.

    It would be given a link that opens a session.
    """
    with closing(HTTPConnection(HOST, port, timeout=ANSWER_TIMEOUT_SECONDS)) as connection:
        try:
            connection.request("GET", f"/{SIGN}")
            shown = connection.getresponse().read()
        except ConnectionRefusedError:
            return False
        except (OSError, HTTPException):
            shown = b""
    if shown != (FOLDER / SIGN).read_bytes():
        raise WrongState(
            f"port {port} is taken by another program", remedy="Set another CONSOLE_PORT."
        )
    return True


def _show(link: str, *, is_opening: bool) -> None:
    say(f"Console: {link}")
    say("The link works once and expires after ten minutes.")
    if is_opening and not webbrowser.open(link):
        warn("No browser was found: open the link yourself.")


if __name__ == "__main__":
    import sys

    sys.exit(run(console, sys.argv[1:], "bin/console"))
