"""The flags of multi_agent_dispatch.py."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from actp.cli.main import run
from actp.cli.output import console, emit_json
from actp.dispatch.agents import AGENTS, DESCRIPTIONS
from actp.dispatch.arguments import find, parse_params
from actp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from actp.dispatch.running import Dispatcher
    from actp.dispatch.sweep import Line

__all__ = ["main", "multi_agent_dispatch"]

PROGRAM: Final = "multi_agent_dispatch.py"
RUNS_SHOWN: Final = 20
TERMINATED: Final = 143  # 128 + SIGTERM, as shells say it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flags and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    return run(multi_agent_dispatch, given or ["--help"], PROGRAM)


@click.command()
@click.option("--list", "listed", is_flag=True, help="Show every domain with its tasks.")
@click.option("--all", "swept", is_flag=True, help="Run the daily sweep: one task of each domain.")
@click.option("--status", is_flag=True, help=f"Show the last {RUNS_SHOWN} runs.")
@click.option("--domain", help="With --task: the domain of the task.")
@click.option("--task", help="With --domain: the task to run.")
@click.option("--params", metavar="JSON", help="With --task: its parameters, a JSON object.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def multi_agent_dispatch(*, as_json: bool, **flags: Any) -> int:
    """Run the tasks of the domain agents, and log each run in actp_agent_tasks."""
    mode = _mode(flags)
    if mode == "listed":
        return _list(as_json=as_json)
    if mode == "task":
        domain, task = str(flags["domain"]), str(flags["task"])
        find(AGENTS, domain, task)
        return _run(domain, task, parse_params(flags["params"]), as_json=as_json)
    return _sweep(as_json=as_json) if mode == "swept" else _status(as_json=as_json)


def _mode(flags: dict[str, Any]) -> str:
    modes = [name for name in ("listed", "swept", "status") if flags[name]]
    if flags["domain"] or flags["task"] or flags["params"] is not None:
        if not (flags["domain"] and flags["task"]):
            raise click.UsageError(
                "--domain and --task require each other; --params requires both."
            )
        modes.append("task")
    if len(modes) != 1:
        raise click.UsageError("Give one of --list, --all, --status, or --domain with --task.")
    return modes[0]


def _list(*, as_json: bool) -> int:
    if as_json:
        shown = {
            domain: {
                "description": DESCRIPTIONS[domain],
                "tasks": {task: [each.script, each.flag] for task, each in tasks.items()},
            }
            for domain, tasks in AGENTS.items()
        }
        emit_json(shown)
        return ExitCode.OK
    width = max(map(len, AGENTS))
    for domain, tasks in AGENTS.items():
        click.echo(f"{domain:<{width}}  {', '.join(tasks)}")
    return ExitCode.OK


def _run(domain: str, task: str, params: dict[str, Any], *, as_json: bool) -> int:
    from actp.cli.agents.dispatch_view import show_run  # noqa: PLC0415

    with _dispatcher() as dispatcher:
        ended = dispatcher.run(domain, task, params)
    emit_json(ended.shown()) if as_json else show_run(ended)
    return ended.exit_code


def _sweep(*, as_json: bool) -> int:
    from actp.cli.agents.dispatch_view import show_line, show_sweep  # noqa: PLC0415
    from actp.dispatch.sweep import sweep  # noqa: PLC0415

    def tell(line: Line) -> None:
        if not as_json:
            show_line(line)

    # Nothing of the running task is printed where there is no terminal.
    with _dispatcher() as dispatcher, console().status("") as running:

        def begin(domain: str, task: str) -> None:
            running.update(f"{domain}.{task}")

        swept = sweep(dispatcher, tell=tell, begin=begin)
    emit_json(swept.shown()) if as_json else show_sweep(swept)
    return ExitCode.OK if swept.ok else ExitCode.FAILED


def _status(*, as_json: bool) -> int:
    from actp.cli.agents.dispatch_view import show_runs  # noqa: PLC0415
    from actp.dispatch.leases import clear_dead  # noqa: PLC0415

    with _dispatcher() as dispatcher:
        clear_dead(dispatcher.store, dispatcher.settings)
        recent = dispatcher.store.call("agent_task_recent", row_limit=RUNS_SHOWN)
    emit_json(recent) if as_json else show_runs(recent)
    return ExitCode.OK


@contextmanager
def _dispatcher() -> Iterator[Dispatcher]:
    # Imported late: --list owes nothing of it.
    from actp.cli.database import database  # noqa: PLC0415
    from actp.dispatch.running import Dispatcher  # noqa: PLC0415
    from actp.settings import load_settings  # noqa: PLC0415

    def leave(*_: object) -> NoReturn:
        raise SystemExit(TERMINATED)

    settings = load_settings()
    before = signal.signal(signal.SIGTERM, leave)
    try:
        with database(settings) as store:
            yield Dispatcher(settings, store)
    finally:
        signal.signal(signal.SIGTERM, before)
