"""Prints an error as one line of cause and one of remedy, and chooses the exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click
from click.exceptions import NoArgsIsHelpError

from actp.checkout import spelled
from actp.cli.output import one_line
from actp.cli.platforms import PAUSABLE
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
_OUTPUT_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EROFS})
# Of a file or folder that is there, and not for us.
_ACCESS_ERRORS: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
)
_FILE_ERRORS: Final = _OUTPUT_ERRORS | _ACCESS_ERRORS | {errno.ENOENT}

_REMEDIES: Final[tuple[tuple[type[ActpError], str], ...]] = (
    (InvalidInput, "See what is possible: {program} --help."),
    (StoreRefused, "See the database's own log; bin/db migrate brings its functions up to date."),
    (ActpError, "Run it with ACTP_DEBUG=1 to see more."),
)
# Where to look for a thing that was not found, or is in another state, by the word in the message.
_LISTS: Final = (
    ("campaign", "bin/campaign status lists them."),
    ("contact", "Give platform:handle, a profile, or the beginning of a contact's ID."),
    ("draft", "bin/review lists them."),
    ("mail", "strategic_outreach.py --email-queue lists it."),
    ("video job", "remotion_content_producer.py --queue lists them."),
    ("command", "bin/history lists commands; bin/show ID shows the timeline of one."),
)
# Quotation marks and dashes that chats and web pages make of plain ones.
_TYPOGRAPHIC: Final = frozenset(
    "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
)
_CLICKS_TYPES: Final = (
    ("is not a valid integer range", "is not a whole number"),
    ("is not a valid integer", "is not a whole number"),
    ("is not a valid float range", "is not a number"),
)


def explain(error: Exception, program: str) -> int:
    """Write cause and remedy to standard error and return the exit code."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    if isinstance(error, NoArgsIsHelpError):
        click.echo(error.format_message(), file=sys.stdout)
        return ExitCode.OK
    cause, remedy, code = _parts(error, program)
    _write(program, cause, remedy)
    return int(code)


def _parts(error: Exception, program: str) -> tuple[str, str, int]:
    match error:
        case click.UsageError():
            return _plain(error.format_message()), _usage_remedy(error, program), ExitCode.USAGE
        case click.ClickException():
            return error.format_message(), f"See {program} --help.", error.exit_code
        case StoreUnavailable():
            # libpq adds a line of advice for each address it tried.
            return str(error).partition("\n")[0], error.remedy, error.exit_code
        case ActpError():
            return str(error), error.remedy or _remedy(error, program), error.exit_code
        case OSError() if error.errno in _FILE_ERRORS:
            cause, remedy = _file_parts(error)
            return cause, remedy, ExitCode.FAILED
        case _:
            cause = f"unexpected {type(error).__name__}: {one_line(error, 200)}"
            return cause, _logged(error), ExitCode.SOFTWARE


def _file_parts(error: OSError) -> tuple[str, str]:
    where = f" {one_line(error.filename, 200)}" if error.filename else ""
    if error.errno == errno.ENOENT:
        return f"cannot use{where}: {error.strerror}", "Name a path that exists."
    if error.errno in _ACCESS_ERRORS:
        remedy = (
            "Check its kind, owner and rights; ACTP_HOME and ACTP_LOCK_DIR choose other folders."
        )
        return f"cannot use{where}: {error.strerror}", remedy
    return f"cannot write{where}: {error.strerror}", "Free space, or write elsewhere."


def _write(program: str, cause: str, remedy: str) -> None:
    # A cause may be a list, one mistake a line: settings and batches report all at once.
    first, *rest = [one_line(line, LONGEST_LINE) for line in cause.splitlines() if line.strip()]
    said = "\n".join([f"{program}: {first}", *(f"  {line}" for line in rest)])
    click.echo(spelled(said), file=sys.stderr)
    for line in remedy.splitlines():
        click.echo(f"  {spelled(line).rstrip()}", file=sys.stderr)


def _remedy(error: ActpError, program: str) -> str:
    if isinstance(error, (NotFound, WrongState)):
        message = str(error)
        listed = (remedy for word, remedy in _LISTS if word in message)
        return next(listed, f"See {program} --help.")
    remedy = next(remedy for kind, remedy in _REMEDIES if isinstance(error, kind))
    return remedy.format(program=program)


def _usage_remedy(error: click.UsageError, program: str) -> str:
    where = error.ctx.command_path if error.ctx else program
    if not _TYPOGRAPHIC.isdisjoint(error.format_message()):
        return f'Type plain " and -- in place of copied typographic signs; see {where} --help.'
    word = error.format_message().rstrip(".)'").rpartition(" ")[2].strip("('")
    if word.lower() in PAUSABLE:
        options = [opt for it in error.ctx.command.params for opt in it.opts] if error.ctx else []
        if "--platform" in options:
            return f"Write --platform {word}; see {where} --help."
        return f"{word} is a platform, not a command; see {where} --help."
    if isinstance(error, click.NoSuchOption) and not error.option_name.startswith("--"):
        return f"Put -- before values that begin with a dash; see {where} --help."
    return f"See {where} --help."


def _plain(message: str) -> str:
    for clicks, ours in _CLICKS_TYPES:
        message = message.replace(clicks, ours)
    # click puts each choice on a line of its own.
    return " ".join(message.split())


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
