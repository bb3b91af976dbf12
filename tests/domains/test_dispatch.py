"""Tasks as real processes on a real database: logged, bounded, one at a time, never unseen."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actp.dispatch.leases import clear_dead
from actp.dispatch.running import Dispatcher
from actp.dispatch.sweep import sweep
from actp.errors import InvalidInput
from actp.store import open_store
from actp.store.postgres import PostgresStore
from tests.actors.rows import eventually
from tests.domains.dispatch_scripts import TASKS, write_scripts
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from actp.domains.tools import Tools
    from tests.support.databases import Database

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0
SECRET = "sk-ant-never-to-be-seen"  # noqa: S105  # of no one
# A dispatcher of another process, with the same table.
PROCESS = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from actp.cli.agents import dispatch as script
from actp.dispatch.running import Dispatcher
from tests.domains.dispatch_scripts import TASKS
with script._dispatcher() as d:
    Dispatcher(d.settings, d.store, TASKS, Path({folder!r}), {lease}).run("outreach", "send")
"""


@pytest.fixture
def dispatcher(open_tools: Any, tmp_path: Path) -> Dispatcher:
    write_scripts(tmp_path, ROOT)
    tools: Tools = open_tools(ANTHROPIC_API_KEY=SECRET)
    return Dispatcher(tools.settings, tools.store, TASKS, tmp_path, lease_seconds=10)


@pytest.fixture
def elsewhere(dispatcher: Dispatcher, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A dispatcher in its own process, whose task waits at the gate."""
    lease = dispatcher.lease_seconds
    program = PROCESS.format(root=str(ROOT), folder=str(tmp_path), lease=lease)
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    eventually(lambda: len(pids(tmp_path)) == 2, "the task has begun", DEADLINE_SECONDS)
    yield process
    process.kill()
    process.wait(DEADLINE_SECONDS)
    eventually(lambda: not living(tmp_path), "the task has ended", DEADLINE_SECONDS)


def pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def living(folder: Path) -> list[int]:
    """Those of the task and its child that still run."""
    alive = []
    for pid in pids(folder):
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                alive.append(pid)
        except psutil.NoSuchProcess:
            continue
    return alive


def open_gate(folder: Path) -> None:
    (folder / "gate").write_text("go")


def rows(admin: psycopg.Connection) -> list[Any]:
    return admin.execute(
        "select domain || '.' || task, status, result from actp_agent_tasks order by created_at"
    ).fetchall()


def alerts(admin: psycopg.Connection) -> list[Any]:
    return admin.execute("select kind, detail from safari_alerts order by id").fetchall()


def test_a_run_is_logged_with_what_it_was_given_and_what_it_said(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    run = dispatcher.run("prospect", "score", {"id": "-7", "dry_run": True, "limit": None})
    assert (run.status, run.exit_code, run.headline) == ("ok", 0, "12 scored")
    found = admin.execute(
        "select status, params, result, duration_ms, completed_at >= created_at"
        " from actp_agent_tasks"
    ).fetchall()
    ((status, params, result, duration_ms, in_order),) = found
    assert (status, in_order, result["returncode"]) == ("ok", True, 0)
    assert params == {"id": "-7", "dry_run": True, "limit": None}
    assert result["data"]["argv"] == ["--score=-7", "--dry-run", "--json"]
    assert '"scored": 12' in result["stdout"]
    assert duration_ms == run.duration_ms > 0
    assert alerts(admin) == []


def test_a_task_that_fails_is_logged_and_told_once_a_day(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    for _ in range(2):
        run = dispatcher.run("trends", "detect")
        assert (run.status, run.exit_code) == ("error", 69)
    assert [row[1] for row in rows(admin)] == ["error", "error"]
    assert "the service is down" in rows(admin)[0][2]["error"]
    ((kind, detail),) = alerts(admin)
    assert (kind, detail["domain"], detail["task"]) == ("agent_error", "trends", "detect")
    assert "the service is down" in detail["error"]


def test_a_partial_failure_says_what_failed(dispatcher: Dispatcher) -> None:
    run = dispatcher.run("creators", "sync")
    assert (run.status, run.exit_code) == ("error", 1)
    assert run.headline == "one platform of two failed"


def test_a_script_that_is_not_there_is_an_error_of_the_task(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    run = dispatcher.run("content-mix", "gaps")
    assert (run.status, run.exit_code) == ("error", 1)
    why = rows(admin)[0][2]["error"]
    assert why == "nowhere.py cannot be started: No such file or directory"


def test_output_is_bounded_storable_and_without_secrets(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    run = dispatcher.run("remotion", "pipeline", {"note": f"with {SECRET}"})
    assert run.status == "ok"
    (stored,) = admin.execute("select t::text from actp_agent_tasks t").fetchone() or ("",)
    assert len(stored) < 10_000
    assert "the end" in stored
    assert SECRET not in stored


def test_a_task_past_its_time_ends_with_all_its_children(
    dispatcher: Dispatcher, admin: psycopg.Connection, tmp_path: Path
) -> None:
    run = dispatcher.run("youtube", "analyze")
    assert (run.headline, run.exit_code) == ("did not end within 0.3 s", 124)
    assert living(tmp_path) == []
    assert rows(admin)[0][1] == "error"


def test_a_task_that_is_killed_is_logged_with_the_signal(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    run = dispatcher.run("scheduler", "optimize")
    assert (run.exit_code, run.headline) == (137, "ended by signal 9")
    assert rows(admin)[0][2]["returncode"] == -9


def test_task_of_a_killed_dispatcher_ends_as_interrupted(
    dispatcher: Dispatcher,
    elsewhere: subprocess.Popen[bytes],
    admin: psycopg.Connection,
    tmp_path: Path,
) -> None:
    assert [row[:2] for row in rows(admin)] == [("outreach.send", "running")]
    elsewhere.kill()
    elsewhere.wait(DEADLINE_SECONDS)
    eventually(lambda: not living(tmp_path), "the task ended too", DEADLINE_SECONDS)
    (tmp_path / "pids").unlink()
    with ThreadPoolExecutor() as pool:
        again = pool.submit(dispatcher.run, "outreach", "send")
        open_gate(tmp_path)
        assert again.result(DEADLINE_SECONDS).headline == "let through"
    dead, done = rows(admin)
    assert dead[2]["error"].startswith("interrupted: the dispatcher on ")
    assert (dead[1], done[1]) == ("error", "ok")
    assert [kind for kind, _ in alerts(admin)] == ["agent_error"]


def test_what_a_dead_dispatcher_left_is_marked_for_whoever_asks(
    dispatcher: Dispatcher, elsewhere: subprocess.Popen[bytes], admin: psycopg.Connection
) -> None:
    elsewhere.kill()
    elsewhere.wait(DEADLINE_SECONDS)
    clear_dead(dispatcher.store, dispatcher.settings)
    assert rows(admin)[0][1] == "error"


def test_a_dispatcher_that_is_told_to_end_takes_its_task_along(
    elsewhere: subprocess.Popen[bytes], admin: psycopg.Connection, tmp_path: Path
) -> None:
    elsewhere.terminate()
    assert elsewhere.wait(DEADLINE_SECONDS) == 143
    assert living(tmp_path) == []
    assert [(row[1], row[2]["error"]) for row in rows(admin)] == [("error", "interrupted")]


def test_of_two_at_once_one_runs_and_the_other_says_who(
    dispatcher: Dispatcher,
    elsewhere: subprocess.Popen[bytes],
    admin: psycopg.Connection,
    tmp_path: Path,
) -> None:
    skipped = dispatcher.run("outreach", "send")
    assert (skipped.status, skipped.exit_code) == ("skipped", 0)
    assert skipped.headline.startswith("running since 20")
    open_gate(tmp_path)
    assert elsewhere.wait(DEADLINE_SECONDS) == 0
    assert [row[:2] for row in rows(admin)] == [("outreach.send", "ok")]


@pytest.mark.parametrize(("lease", "status"), [("1 min", "skipped"), ("-1 s", "ok")])
def test_another_host_keeps_a_task_as_long_as_its_lease(
    dispatcher: Dispatcher, admin: psycopg.Connection, lease: str, status: str
) -> None:
    admin.execute(
        "with run as (insert into actp_agent_tasks (domain, task, status)"
        " values ('prospect', 'score-all', 'running') returning id)"
        " insert into agent_task_leases (domain, task, task_id, host, host_name, pid, expires_at)"
        " select 'prospect', 'score-all', id, 'there', 'mac', 1, now() + %s::interval from run",
        (lease,),
    )
    assert dispatcher.run("prospect", "score-all").status == status
    assert rows(admin)[0][1] == ("running" if status == "skipped" else "error")


def test_a_run_that_lost_its_lease_is_ended(
    dispatcher: Dispatcher, admin: psycopg.Connection, tmp_path: Path
) -> None:
    hasty = Dispatcher(dispatcher.settings, dispatcher.store, TASKS, tmp_path, lease_seconds=0.6)
    with ThreadPoolExecutor() as pool:
        run = pool.submit(hasty.run, "outreach", "send")
        eventually(lambda: len(pids(tmp_path)) == 2, "the task has begun", DEADLINE_SECONDS)
        admin.execute("select agent_task_reap(jsonb_build_array(task_id)) from agent_task_leases")
        ended = run.result(DEADLINE_SECONDS)
    assert ended.headline.startswith("interrupted: the lease was lost")
    assert living(tmp_path) == []
    # It says itself what happened, in place of what was presumed of it.
    assert rows(admin)[0][2]["error"] == ended.headline


def test_an_outage_of_the_database_costs_neither_the_task_nor_its_row(
    dispatcher: Dispatcher, database: Database, admin: psycopg.Connection, tmp_path: Path
) -> None:
    sockets = Path(str(conninfo_to_dict(database.dsn)["host"]), ".s.PGSQL.5432")
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy(sockets))
        dsn = make_conninfo(database.dsn, host="127.0.0.1", port=proxy.port, sslmode="disable")
        store = PostgresStore(dsn, call_timeout_seconds=1.0)
        stack.callback(store.close)
        distant = Dispatcher(dispatcher.settings, store, TASKS, tmp_path)
        pool = stack.enter_context(ThreadPoolExecutor())
        run = pool.submit(distant.run, "outreach", "send")
        eventually(lambda: len(pids(tmp_path)) == 2, "the task has begun", DEADLINE_SECONDS)
        proxy.swallow()
        open_gate(tmp_path)
        eventually(lambda: not living(tmp_path), "the task has ended", DEADLINE_SECONDS)
        with pytest.raises(TimeoutError):
            run.result(1.0)
        proxy.cut()
        proxy.forward()
        assert run.result(DEADLINE_SECONDS).headline == "let through"
    assert [row[1] for row in rows(admin)] == ["ok"]


def test_a_sweep_goes_on_after_failures_and_is_told_in_one_message(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    steps = (
        ("trends", "detect"),
        ("prospect", "score-all"),
        ("scheduler", "optimize"),
        ("nobody", "nothing"),
        ("remotion", "pipeline"),
    )
    heard: list[str] = []
    swept = sweep(
        dispatcher,
        steps,
        lambda line: heard.append(f"{line.domain} ended"),
        lambda domain, _: heard.append(domain),
    )
    assert (swept.passed, swept.ok, len(rows(admin))) == (2, False, 4)
    assert heard == [said for domain, _ in steps for said in (domain, f"{domain} ended")]
    (told,) = [detail for kind, detail in alerts(admin) if kind == "sweep_complete"]
    assert (told["passed"], told["total"]) == (2, 5)
    assert [(line["ok"], line["text"]) for line in told["lines"][:3]] == [
        (False, "bad.py: the service is down"),
        (True, "12 scored"),
        (False, "ended by signal 9"),
    ]


def test_a_second_sweep_is_skipped(
    dispatcher: Dispatcher, admin: psycopg.Connection, tmp_path: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(sweep, dispatcher, [("outreach", "send")])
        eventually(lambda: len(pids(tmp_path)) == 2, "the task has begun", DEADLINE_SECONDS)
        with closing(open_store(dispatcher.settings)) as store:
            other = Dispatcher(dispatcher.settings, store, TASKS, tmp_path)
            second = sweep(other, [("prospect", "score-all")])
        open_gate(tmp_path)
        assert first.result(DEADLINE_SECONDS).ok
    assert second.skipped is not None
    assert second.skipped.startswith("running since ")
    assert [row[0] for row in rows(admin)] == ["outreach.send"]
    assert [kind for kind, _ in alerts(admin)] == ["sweep_complete"]


def test_wrong_names_and_parameters_run_and_log_nothing(
    dispatcher: Dispatcher, admin: psycopg.Connection
) -> None:
    for domain, task, params in (
        ("prospects", "score", {}),
        ("prospect", "scores", {}),
        ("prospect", "score", {}),
        ("prospect", "score-all", {"--id": 1}),
    ):
        with pytest.raises(InvalidInput):
            dispatcher.run(domain, task, params)
    assert rows(admin) == []
