"""``python -m actp.cli.reference``: generates docs/cli.md from the commands' help."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from actp.checkout import PROJECT_ROOT
from actp.cli.agents.crm import crm_brain
from actp.cli.agents.dispatch import multi_agent_dispatch
from actp.cli.entry_point import safari_cloud_agent
from actp.cli.group import COMMANDS, actp
from actp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["reference", "script_commands"]

INTRODUCTION: Final = """\
# Commands

Every command has `--help`; nearly all have `--json`. This page is generated from the commands by
`.venv/bin/python -m actp.cli.reference > docs/cli.md`.
"""
_AGENTS: Final = ("abtest", "growth", "outreach", "prospect", "remotion", "trends", "youtube")
_MEANINGS: Final = {
    ExitCode.OK: "Done",
    ExitCode.FAILED: "Failed, for example an unhealthy service",
    ExitCode.USAGE: "Invalid flag, argument or command",
    ExitCode.WRONG_STATE: "The current state does not allow this",
    ExitCode.NOT_FOUND: "No such command, campaign, service or file",
    ExitCode.UNAVAILABLE: "The database cannot be reached",
    ExitCode.SOFTWARE: "Internal error, or an unexpected response from the database",
    ExitCode.TEMPORARY: "Another process already owns these services",
    ExitCode.SCHEMA: "The database lacks tables or functions",
    ExitCode.DENIED: "The database rejected the key or password",
    ExitCode.CONFIG: "Invalid setting, or an unsupported Python",
    ExitCode.TIMED_OUT: "Timed out",
}


def script_commands() -> dict[str, click.Command]:
    """Return the command of each script at the root, by the name of its file."""
    scripts = [import_module(f"actp.cli.agents.{name}").script for name in _AGENTS]
    commands: dict[str, click.Command] = {script.name: script.command for script in scripts}
    commands["crm_brain.py"] = crm_brain
    commands["multi_agent_dispatch.py"] = multi_agent_dispatch
    commands["safari_cloud_agent.py"] = safari_cloud_agent
    return dict(sorted(commands.items()))


def reference() -> str:
    """Return the page."""
    launchers = [path for path in sorted((PROJECT_ROOT / "bin").iterdir()) if path.name[0] != "_"]
    rows = [row for launcher in launchers for row in _launcher(launcher)]
    scripts = [row for name, it in script_commands().items() for row in _script(name, it)]
    return "\n".join(
        [
            INTRODUCTION,
            _table("Launchers", ("Command", "What it does", "Options"), rows),
            _table("Scripts", ("Command", "What it does"), scripts),
            "`service_registry.py` is for programs: `dispatch(TOPIC, PARAMS)`; on the command line",
            "`list` and `call TOPIC [PARAMS]`.",
            "",
            _exit_codes(),
        ]
    )


def _table(heading: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    titles = tuple(columns)
    lines = (titles, tuple("---" for _ in titles), *rows)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {heading}\n\n{table}\n"


def _launcher(launcher: Path) -> Iterator[tuple[str, str, str]]:
    command = actp.get_command(None, launcher.name) if launcher.name in COMMANDS else None
    if command is None:
        usage, *words = _usage(launcher)
        name, _, options = usage.partition(" ")
        yield f"`{name}`", " ".join(words), f"`{_cell(options)}`" if options else ""
        return
    yield from _commands(f"bin/{launcher.name}", command)


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, str, str]]:
    """Yield a row for a command, or for each of those below it."""
    below: Mapping[str, click.Command] = getattr(command, "commands", {})
    if below and not getattr(command, "invoke_without_command", False):
        for inner, each in sorted(below.items()):
            yield from _commands(f"{name} {inner}", each)
        return
    arguments = [
        it.make_metavar(click.Context(command))
        for it in command.params
        if isinstance(it, click.Argument)
    ]
    options = [
        it.opts[-1] for it in command.params if isinstance(it, click.Option) and not it.hidden
    ]
    yield (
        f"`{_cell(' '.join([name, *arguments]))}`",
        _words(command.help),
        ", ".join(f"`{option}`" for option in options),
    )
    for inner, each in sorted(below.items()):
        yield from _commands(f"{name} {inner}", each)


def _script(name: str, command: click.Command) -> Iterator[tuple[str, str]]:
    """Yield a row for each option: a script is its options."""
    context = click.Context(command, info_name=name)
    for param in command.params:
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record is not None:
            yield f"`{name} {_cell(record[0])}`", _cell(record[1])


def _words(text: str | None) -> str:
    return " ".join((text or "").replace("\b", "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _usage(launcher: Path) -> list[str]:
    """Return the lines at the head of a launcher, the command line first."""
    said = []
    for line in launcher.read_text(encoding="utf-8").splitlines()[1:]:
        if not line.startswith("#"):
            break
        said.append(line.removeprefix("#").strip())
    first, separator, words = said[0].removeprefix("Usage: ").partition(" - ")
    return [first.partition("   ")[0], *([words] if separator else []), *said[1:]]


def _exit_codes() -> str:
    rows = [(str(int(code)), words) for code, words in _MEANINGS.items()]
    rows.append(("130, 143", "Interrupted by Ctrl-C, terminated by SIGTERM"))
    return _table("Exit codes", ("Code", "Meaning"), rows)


if __name__ == "__main__":
    sys.stdout.write(reference())
