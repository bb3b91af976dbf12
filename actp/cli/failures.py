"""Says what went wrong: one line of cause, one of remedy, and an exit code; never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from actp.checkout import IS_CHECKOUT
from actp.cli.output import one_line
from actp.errors import (
    ActpError,
    ExitCode,
    InvalidInput,
    NotFound,
    StoreRefused,
    StoreUnavailable,
    WrongState,
)
from actp.settings.host import base_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["explain"]

DEBUG_VARIABLE: Final = "ACTP_DEBUG"
LONGEST_LINE: Final = 500

_REMEDIES: Final[tuple[tuple[type[ActpError], str], ...]] = (
    (NotFound, "See what there is: bin/history, or bin/history --status pending."),
    (WrongState, "See what happened to it: bin/show ID."),
    (InvalidInput, "See what is possible: {program} --help."),
    (StoreRefused, "See the database's own log; bin/db migrate brings its functions up to date."),
    (ActpError, "Run it with ACTP_DEBUG=1 to see more."),
)


def explain(error: Exception, program: str) -> int:
    """Write cause and remedy to standard error and return the exit code."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    if isinstance(error, click.UsageError):
        _write(program, error.format_message(), _usage_remedy(error, program))
        return ExitCode.USAGE
    if isinstance(error, click.ClickException):
        _write(program, error.format_message(), f"See {program} --help.")
        return error.exit_code
    if isinstance(error, StoreUnavailable):
        # libpq goes on with a line of advice for each address it tried.
        _write(program, str(error).partition("\n")[0], error.remedy)
        return int(error.exit_code)
    if isinstance(error, ActpError):
        _write(program, str(error), error.remedy or _remedy(error, program))
        return int(error.exit_code)
    _write(program, f"unexpected {type(error).__name__}: {one_line(error, 200)}", _logged(error))
    return ExitCode.SOFTWARE


def _write(program: str, cause: str, remedy: str) -> None:
    # A cause may be a list, one mistake a line: settings and batches report all at once.
    first, *rest = [one_line(line, LONGEST_LINE) for line in cause.splitlines() if line.strip()]
    click.echo("\n".join([f"{program}: {first}", *(f"  {line}" for line in rest)]), err=True)
    for line in remedy.splitlines():
        # An installed package has one command and no launchers.
        said = line if IS_CHECKOUT else line.replace("bin/", "actp ")
        click.echo(f"  {said.rstrip()}", err=True)


def _remedy(error: ActpError, program: str) -> str:
    remedy = next(remedy for kind, remedy in _REMEDIES if isinstance(error, kind))
    return remedy.format(program=program)


def _usage_remedy(error: click.UsageError, program: str) -> str:
    where = error.ctx.command_path if error.ctx else program
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        return f"Put -- before values that begin with a dash; see {where} --help."
    return f"See {where} --help."


def _logged(error: Exception) -> str:
    path = _log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()}\n")
            log.writelines(traceback.format_exception(error))
    except OSError:
        return f"Run it again with {DEBUG_VARIABLE}=1 to see where."
    return f"The details are in {path}: please report them."


def _log_path() -> Path:
    # The settings themselves may be what failed, so only the variable is read.
    return (
        base_folder(sys.platform, os.environ)
        / os.environ.get("ACTP_HOME", "var")
        / "logs"
        / "cli.log"
    )
