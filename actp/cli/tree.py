"""``up``, ``down``, ``restart`` and ``logs``: the supervised tree of this host."""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from actp.cli.options import json_option
from actp.cli.output import emit_json, say, warn
from actp.cli.tail import follow, merged
from actp.doctor.host import environment_file
from actp.doctor.local import check_before_start
from actp.errors import NotFound, TimedOut, WrongState
from actp.settings import load_settings
from actp.settings.load import settings_file
from actp.tree import KILL_MARGIN_SECONDS, Tree, switched_off

if TYPE_CHECKING:
    from pathlib import Path

    from actp.supervision import Process

__all__ = ["down", "logs", "restart", "up"]

LOOK_SECONDS: Final = 0.1
START_SECONDS: Final = 20.0
# Everything else waits out its restart; it need not be put through one.
KEPT: Final = frozenset({"postgres"})
# Parts of one program, by the names under which they also run alone.
IN_BACKGROUND: Final = frozenset({"sentinel", "scheduler", "exporter"})


@click.command()
@click.option("--foreground", is_flag=True, help="Run in the foreground, for launchd or systemd.")
@json_option
def up(*, foreground: bool, as_json: bool) -> None:
    """Migrate the database and start every process."""
    settings = load_settings()
    tree = Tree(settings)
    tree.refuse_second()
    orphans = tree.end_orphans()
    check_before_start(settings)
    for finding in environment_file(settings_file()):
        if finding.remedy:
            warn(f"{finding.said}. {finding.remedy}")
    tree.prepare()
    if foreground:
        tree.become()
    tree.start()
    if not tree.await_database():
        warn("The embedded PostgreSQL is not responding yet; see bin/logs postgres.")
    programs = [process["name"] for process in tree.processes()]
    if as_json:
        emit_json({"programs": programs, "orphans": orphans, "logs": str(tree.log_folder)})
        return
    if orphans:
        say(f"Stopped processes of a dead supervisord: {', '.join(orphans)}.")
    say(f"The tree is up on the {settings.store_kind} database: {', '.join(programs)}.")
    say(f"Logs: {tree.log_folder}")
    say("Watch it with bin/status --watch; stop it with bin/down.")


@click.command()
@json_option
def down(*, as_json: bool) -> None:
    """Stop every process in order. Requests in flight finish; other commands stay in the queue."""
    tree = Tree(load_settings())
    tree.stop()
    if as_json:
        emit_json({"stopped": True})
    else:
        say("The tree is down. Queued commands are kept.")


@click.command()
@click.argument("program", required=False)
@json_option
def restart(program: str | None, *, as_json: bool) -> None:
    """Restart all programs except the database, or one, one process after the other.

    PROGRAM is a name that bin/up prints, or worker for all workers. New settings are read; WORKERS
    and STOP_SECONDS need bin/down and bin/up. After an update of this copy the database is brought
    up to date first.
    """
    tree = Tree(load_settings())
    kept = KEPT | switched_off(tree.settings)
    chosen = _chosen(tree.supervisor.processes(), program, kept)
    tree.refuse_other_copy()
    tree.prepare()
    for process in chosen:
        _restart(tree, process)
        if not as_json:
            say(f"restarted {process.name}")
    if as_json:
        emit_json({"restarted": [process.name for process in chosen]})


@click.command()
@click.argument("program", required=False)
@click.option("-f", "--follow", "is_followed", is_flag=True, help="Follow new lines.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=0, max=100_000), default=50, show_default=True
)
def logs(program: str | None, *, is_followed: bool, lines: int) -> None:
    """Show the logs of all programs by time, or of one."""
    folder = Tree(load_settings()).log_folder
    paths = _log_paths(folder, program)
    width = max(len(path.stem) for path in paths)
    prefix = "" if len(paths) == 1 else f"{{:{width}}} | "
    for name, line in merged(paths, lines):
        say(prefix.format(name) + line)
    for name, line in follow(paths) if is_followed else ():
        say(prefix.format(name) + line)


def _chosen(processes: list[Process], program: str | None, kept: frozenset[str]) -> list[Process]:
    if program is None:
        return [process for process in processes if process.name not in kept]
    chosen = [process for process in processes if program in {process.name, process.group}]
    if not chosen:
        known = ", ".join(sorted({process.name for process in processes}))
        where = f"{program} is part of background. " if program in IN_BACKGROUND else ""
        raise NotFound(f"the tree has no program {program}", remedy=f"{where}It has {known}.")
    return chosen


def _restart(tree: Tree, process: Process) -> None:
    supervisor, pause = tree.supervisor, Event()
    if process.pid or process.state in {"STARTING", "BACKOFF"}:
        supervisor.stop(process.full_name)
    deadline = monotonic() + tree.settings.stop_seconds + KILL_MARGIN_SECONDS + START_SECONDS

    def state() -> str:
        if monotonic() > deadline:
            raise TimedOut(
                f"{process.name} did not restart", remedy=f"See bin/logs {process.name}."
            )
        pause.wait(LOOK_SECONDS)
        return next(it.state for it in supervisor.processes() if it.name == process.name)

    while (now := state()) == "STOPPING":
        pass
    if now not in {"STARTING", "RUNNING"}:
        supervisor.start(process.full_name)
        while state() not in {"STARTING", "RUNNING"}:
            pass


def _log_paths(folder: Path, program: str | None) -> list[Path]:
    known = sorted(folder.glob("*.log"))
    if not known:
        raise WrongState(f"there are no logs in {folder}", remedy="bin/up starts the tree.")
    paths = [
        path
        for path in known
        if program is None or path.stem == program or path.stem.rpartition("_")[0] == program
    ]
    if not paths:
        names = ", ".join(path.stem for path in known)
        raise NotFound(f"there is no log of {program}", remedy=f"There are logs of {names}.")
    return paths
