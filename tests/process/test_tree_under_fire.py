"""One whole tree whose parts, services and database are taken away while it works."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import psutil
import pytest

from actors.runtime.supervisor import RestartPolicy
from metrics.serve import port_of
from tests.actors.rows import eventually
from tests.chaos.commands import SENDERS, command_for
from tests.process.live_tree import LiveTree, live_tree
from tests.process.test_doctor import run
from tests.process.test_prometheus import ask, fetch, prometheus
from tests.process.test_tree import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from simulator.process import SimulatorProcess

# A worker counts as running ten seconds after it was started; in the small suite others crowd the
# machine.
BACK_SECONDS = {"small": 50.0, "large": 15.0}
DONE_SECONDS = 60.0
# A service that is back is used again within half a minute.
SERVED_SECONDS = 75.0
OUTAGE_SECONDS = {"small": 8.0, "large": 60.0}
PICKED_UP_SECONDS = {"small": 40.0, "large": 5.0}
COMMANDS = 48
DOWN = r"⚠️ Safari Service Down: twitter-dm \(port 3003\)\nLast healthy: .* ago\. "
DOWN += r"Queue: 3 pending DMs blocked\."


@pytest.fixture(scope="module")
def live(running_simulator: SimulatorProcess) -> Iterator[LiveTree]:
    running_simulator.reset()
    with live_tree(running_simulator) as live:
        live.rig.play()
        yield live


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> str:
    return "large" if request.config.getoption("--chaos") else "small"


def load(live: LiveTree, seconds: float, times: int | None = None) -> list[str]:
    """Put in work for a while, and return when every service is slow with its first."""
    live.rig.play({"service": "*", "behaviour": "slow", "seconds": seconds, "times": times})
    ids = live.rig.enqueue(*(command_for(SENDERS[n % len(SENDERS)]) for n in range(COMMANDS)))
    live.rig.simulator.wait_for(DONE_SECONDS, used=len(SENDERS))
    return ids


def await_completed(live: LiveTree, ids: list[str], seconds: float = DONE_SECONDS) -> None:
    def completed() -> bool:
        return {live.rig.row(id_)["status"] for id_ in ids} == {"completed"}

    eventually(completed, "they are completed", seconds)


def is_gone(process: psutil.Process) -> bool:
    try:
        # A dead one stays a zombie where nobody has asked for it.
        return process.status() == psutil.STATUS_ZOMBIE or not process.is_running()
    except psutil.NoSuchProcess:
        return True


def test_prometheus_finds_every_program_that_has_a_port_and_all_are_up(
    live: LiveTree, tmp_path: Path
) -> None:
    settings = live.tree.settings
    expected = {}
    # The exporter has its own page, whichever process it is in.
    for name in live.programs().keys() - {"postgres"} | {"exporter"}:
        port = port_of(settings.metrics_port_base, name)
        expected[name] = (f"http://127.0.0.1:{port}/metrics", "up")
    with prometheus(settings.actp_home, tmp_path) as api:

        def seen() -> dict[str, tuple[str, str]]:
            data = ask(f"{api}/targets", state="active") or {"activeTargets": []}
            return {
                it["labels"]["program"]: (it["scrapeUrl"], it["health"])
                for it in data["activeTargets"]
            }

        eventually(lambda: seen() == expected, f"all are up: {expected}", DONE_SECONDS)


def test_stopped_service_alerts_once_and_delays_no_other(
    live: LiveTree,
) -> None:
    rig, simulator = live.rig, live.rig.simulator

    def told() -> list[str]:
        return [text for text in simulator.messages() if "twitter-dm (port" in text]

    def reported() -> tuple[str, str, str | None]:
        report = json.loads(run(live.environment, "status", "--json").stdout)
        (it,) = [it for it in report["services"] if it["service"] == "twitter-dm"]
        health, state = it["health"] or {}, it["state"] or {}
        return str(health.get("status")), str(state.get("state")), state.get("reason")

    eventually(lambda: reported()[:2] == ("healthy", "ready"), "it is ready", DONE_SECONDS)
    simulator.down("twitter-dm")
    waiting = rig.enqueue(*(command_for("twitter-dm") for _ in range(3)))
    others = rig.enqueue(*(command_for(name) for name in SENDERS if name != "twitter-dm"))
    await_completed(live, others)
    eventually(lambda: len(told()) == 1, "it is told", DONE_SECONDS)
    assert re.fullmatch(DOWN, told()[0])

    def waits_with_a_reason() -> bool:
        health, state, reason = reported()
        return health != "healthy" and state == "wait" and bool(reason)

    eventually(waits_with_a_reason, "it says why its commands wait", DONE_SECONDS)
    assert {rig.row(id_)["status"] for id_ in waiting} == {"pending"}
    simulator.up("twitter-dm")
    eventually(lambda: len(told()) == 2, "its return is told", DONE_SECONDS)
    assert told()[1].startswith("✅ Safari Service Back: twitter-dm (port 3003)")
    await_completed(live, waiting, SERVED_SECONDS)
    assert len(told()) == 2
    assert rig.audit().unknown == 0


@contextmanager
def stopped(live: LiveTree) -> Iterator[None]:
    supervisor, name = live.tree.supervisor, live.programs()["postgres"].full_name
    supervisor.stop(name)
    eventually(lambda: "postgres" not in live.programs(), "it has stopped", DONE_SECONDS)
    yield
    supervisor.start(name)


@contextmanager
def hanging(live: LiveTree) -> Iterator[None]:
    server = psutil.Process(live.programs()["postgres"].pid)
    processes = [server, *server.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("outage", [stopped, hanging])
def test_an_outage_of_the_database_ends_no_program_and_loses_no_result(
    live: LiveTree, suite: str, outage: Callable[[LiveTree], AbstractContextManager[None]]
) -> None:
    if outage is hanging and suite != "large":
        pytest.skip("the long suite runs with --chaos")
    before = live.programs()
    ids = load(live, seconds=0.3)
    with outage(live):
        over_at = monotonic() + OUTAGE_SECONDS[suite]
        eventually(lambda: monotonic() > over_at, "the outage is over", OUTAGE_SECONDS[suite] + 1)
    eventually(live.has_database, "the database is back", DONE_SECONDS)
    back_at = monotonic()
    live.rig.reconnect()
    (new,) = live.rig.enqueue(command_for("threads-comments", priority=1))
    await_completed(live, [new], PICKED_UP_SECONDS[suite])
    sys.stdout.write(f"a new command is done {monotonic() - back_at:.2f} s after the outage\n")
    live.settle()
    await_completed(live, ids)
    assert live.rig.audit().unknown == 0
    after = live.programs()
    assert [n for n in before if n != "postgres" and after[n].pid != before[n].pid] == []


def test_each_program_that_is_killed_is_back_while_commands_flow(
    live: LiveTree, suite: str
) -> None:
    rig, back_seconds = live.rig, BACK_SECONDS[suite]
    rig.play()
    eventually(live.all_run, "all run", DONE_SECONDS)
    before, killed_at, ids = live.programs(), {}, []
    for name, process in before.items():
        ids += rig.enqueue(*map(command_for, SENDERS))
        killed_at[name] = monotonic()
        os.kill(process.pid, signal.SIGKILL)
        eventually(
            lambda: live.programs().get(name, process).pid != process.pid,  # noqa: B023  # at once
            f"{name} is another process",
            back_seconds,
        )
        eventually(live.has_database, "the database answers", back_seconds)
    for name in before:
        left_seconds = killed_at[name] + back_seconds - monotonic()
        eventually(
            lambda: live.programs()[name].state == "RUNNING",  # noqa: B023  # at once
            f"{name} runs",
            left_seconds,
        )
    live.settle()
    rig.audit()
    rows = [rig.row(id_) for id_ in ids]
    assert {row["reason"] for row in rows if row["status"] != "completed"} <= {"unknown"}
    # What was on the wire of a killed worker is all that may have remained in doubt.
    unknown = [row["service"] for row in rows if row["reason"] == "unknown"]
    assert len(unknown) == len(set(unknown))


@pytest.mark.parametrize(
    ("also", "commands"),
    [(("watchdog",), ("up",)), ((), ("up",)), (("watchdog",), ("down", "up"))],
    ids=["with_the_watchdog", "alone", "with_a_down_before"],
)
def test_up_recovers_from_the_death_of_supervisord(
    live: LiveTree, suite: str, also: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    if suite != "large" and "down" in commands:
        pytest.skip("the long suite runs with --chaos")
    ids = load(live, seconds=2.5, times=len(SENDERS))
    before = live.programs()
    orphans = [psutil.Process(it.pid) for it in before.values()]
    for pid in (live.tree.supervisor.pid(), *(before[name].pid for name in also)):
        os.kill(pid, signal.SIGKILL)
    for name in commands:
        command(live.environment, name)
    # The old server serves until the new one has asked it to stop.
    server = orphans.pop(list(before).index("postgres"))
    assert [process for process in orphans if not is_gone(process)] == []
    eventually(lambda: is_gone(server), "the old server has stopped", DONE_SECONDS)
    eventually(live.has_database, "the database answers", DONE_SECONDS)
    live.settle()
    await_completed(live, ids)
    assert live.rig.audit().twice == 0


def test_crashing_part_of_background_is_isolated(
    live: LiveTree,
) -> None:
    eventually(live.all_run, "all run", DONE_SECONDS)
    live.rig.reconnect()
    execute = live.rig.connection.execute
    before = live.programs()["background"].pid

    def page(program: str) -> str:
        port = port_of(live.tree.settings.metrics_port_base, program)
        return fetch(f"http://127.0.0.1:{port}/metrics")

    def crashes() -> float:
        (shown,) = re.findall(
            r'actp_actor_restarts_total{actor="alerts"} (\S+)', page("background")
        )
        return float(shown)

    def value(statement: str) -> object:
        row = execute(statement.encode()).fetchone()
        return next(iter(row.values() if isinstance(row, dict) else row or ()))

    checked_at = "select min(checked_at)::text from safari_service_health"
    claim = "'public.safari_alerts_claim'::regproc"
    kept = str(value(f"select pg_get_functiondef({claim})"))
    # An answer that the actor of the alerts cannot read.
    execute(
        "create or replace function public.safari_alerts_claim("
        + str(value(f"select pg_get_function_arguments({claim})"))
        + ") returns jsonb language sql as $$ select '1'::jsonb $$"
    )
    try:
        eventually(lambda: crashes() > RestartPolicy().restarts_allowed, "it crashes", DONE_SECONDS)
        then = value(checked_at)
        eventually(lambda: value(checked_at) != then, "services are checked", DONE_SECONDS)
        eventually(
            lambda: "actp_database_up 1.0" in page("exporter"), "it is exported", DONE_SECONDS
        )
    finally:
        execute(kept.encode())
    assert live.programs()["background"].pid == before
