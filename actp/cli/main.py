"""Runs one command line to its exit code."""

from __future__ import annotations

import codecs
import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import click

from actp.launch import raise_on_interrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "run"]

INTERRUPTED: Final = 130  # 128 + SIGINT, as in shells
BROKEN_PIPE: Final = 141  # 128 + SIGPIPE
LONGEST_NAME: Final = 40
DASHED_OPTION: Final = re.compile("-?[\u2010-\u2015\u2212]-?[a-z][a-z-]*(=|$)")
PLAIN: Final = "actp.plain"
# One sign for one, so that columns stay aligned.
PLAIN_SIGNS: Final = {
    **dict.fromkeys("█■", "#"),
    **dict.fromkeys("░·…", "."),
    **dict.fromkeys("–—─‑", "-"),  # noqa: RUF001
    **dict.fromkeys("→›▸", ">"),  # noqa: RUF001
}


def main(arguments: Sequence[str]) -> int:
    """Run a command of the group; one with a launcher in bin/ goes by the launcher's name."""
    # Imported late: the scripts of the agents need neither, and pay for what they import.
    from actp.checkout import IS_CHECKOUT  # noqa: PLC0415
    from actp.cli.group import actp  # noqa: PLC0415

    name, *rest = arguments or ["--help"]
    command = actp.get_command(None, name)
    if command is not None and IS_CHECKOUT:
        return run(command, rest, f"bin/{name}")
    return run(actp, [name, *rest], "python -m actp.cli" if IS_CHECKOUT else "actp")


def run(command: click.Command, arguments: Sequence[str], program: str) -> int:
    """Run a click command and return its exit code; an error prints its cause and a remedy."""
    _open_streams()
    raise_on_interrupt()
    output = sys.stdout
    try:
        _refuse_miscopied(arguments)
        code = command.main(list(arguments), prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return _close_output()
    except SystemExit as leaving:
        code = leaving.code
        # click leaves this way when the reader of our output has gone, and wraps the stream.
        if sys.stdout is not output or isinstance(leaving.__context__, BrokenPipeError):
            return _close_output()
    except Exception as error:  # noqa: BLE001  # the last handler: no user sees a traceback
        from actp.cli.failures import explain  # noqa: PLC0415  # it reads the settings

        code = explain(error, program)
        try:
            sys.stdout.flush()
        except OSError:
            _discard_output()
        return code
    return code if isinstance(code, int) else 0


def _refuse_miscopied(arguments: Sequence[str]) -> None:
    """Refuse an empty value, such as that of an unset shell variable, and a typographic dash.

    An empty value would be no filter: ``--account ""`` would stand for all accounts. An option
    with a dash that a web page or chat changed would be taken for the text of a message.
    """
    before = ""
    for argument in arguments:
        if not argument.strip():
            raise click.UsageError(f"There is an empty value{before and f' after {before}'}.")
        if argument == "--":
            return
        name, is_given, value = argument.partition("=")
        if name.startswith("--") and is_given and not value.strip():
            raise click.UsageError(f"{name} has an empty value.")
        if DASHED_OPTION.match(argument):
            raise click.UsageError(f"{name[:LONGEST_NAME]} begins with a dash that is no hyphen.")
        before = argument[:LONGEST_NAME]


def _open_streams() -> None:
    # Closed by the shell, as in >&- and <&-.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115,PTH123 - for the whole run
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            closed = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115,PTH123 - as above
            setattr(sys, name, closed)
    codecs.register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        # Under LC_ALL=C the handler is surrogateescape, which fails on a letter just the same.
        if isinstance(stream, TextIOWrapper) and stream.errors in {"strict", "surrogateescape"}:
            stream.reconfigure(errors=PLAIN)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what a terminal shows in place of letters that its encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(PLAIN_SIGNS.get(sign, "?") for sign in lost), error.end


def _close_output() -> int:
    _discard_output()
    return BROKEN_PIPE


def _discard_output() -> None:
    # The interpreter flushes once more when it ends and would complain about the same pipe or disk.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
