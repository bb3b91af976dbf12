"""``report``: writes one page of charts."""

from __future__ import annotations

import socket
import webbrowser
from pathlib import Path

import click

from actp.cli.database import database
from actp.cli.output import say, warn
from actp.errors import InvalidInput
from actp.private_file import write_private
from actp.settings import load_settings
from actp.status_words import attention, status_report

__all__ = ["report"]


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Output file; default: var/report.html.",
)
@click.option("--open", "is_opening", is_flag=True, help="Open the report in the browser.")
def report(*, out: Path | None, is_opening: bool) -> None:
    """Write one page of charts: queue, limits, campaigns, funnel, hours, tests, content.

    The page needs no network and is readable by you alone.
    """
    # Imported late, as every other command would load it too.
    from actp.report.page import page  # noqa: PLC0415

    settings = load_settings()
    path = (out or settings.actp_home / "report.html").absolute()
    with database(settings) as store:
        data = store.call("agent_report")
        lines = [str(line) for line in attention(status_report(store))]
    _write(path, page(data, attention=lines, host=socket.gethostname()))
    say(f"Written: {path}")
    if is_opening and not webbrowser.open(path.as_uri()):
        warn("No browser was found: open the file yourself.")


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInput(f"{path}: {reason}", remedy="Name another file: --out FILE.") from None
