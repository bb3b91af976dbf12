"""The release before this one, beside it on one database."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from actp.store.migrate import migrate, schema_state
from actp.store.schema import read_schema
from tests.actors.settings_for_tests import environment_for

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[2]
COMMIT = (ROOT / "tests" / "support" / "last_release.txt").read_text().split()[0]
RUN_SECONDS = 50
ROUNDS = 20
# Its own tests, by what they run: the gate's suite is a slice through every promise.
STORE = "tests/store/test_{}.py"
CHAOS = "tests/chaos/test_{}.py"
SUITES = {
    "small": (*map(STORE.format, ("rescue", "retries", "wakes")), "-k", "embedded"),
    "large": ("tests/store", *map(CHAOS.format, ("kill_points", "zombies", "retries"))),
}
SUITE_SECONDS = {"small": 110, "large": 1200}
# What the new schema answers otherwise on purpose; none of it is asked for by a worker.
CHANGED = {
    # It applies the released files alone, which a newer database refuses.
    STORE.format("migrate"): "test_our_migrations_apply_to_an_empty_database_and_may_all_run_again",
    # The backlog is counted by kind; its commands then show the three numbers.
    STORE.format("operator"): "test_the_backlog_waits_for_a_person",
    # A key of a post is its id, whatever author the address names.
    STORE.format("campaigns"): "test_a_comment_lets_the_next_one_go_and_tells_it_the_post",
    # Four digits are enough, where it wanted six.
    STORE.format("reports"): "test_a_command_is_found_by_the_beginning_of_its_id",
}
# The pause after an action has grown beyond what these wait for.
PAUSED = (
    STORE.format("operator") + "::test_what_is_not_given_is_not_configured",
    *(
        CHAOS.format("kill_points")
        + f"::test_a_message_is_sent_at_most_once_whenever_its_worker_dies[{point}]"
        for point in ("after_the_effect", "before_the_finish_commits")
    ),
)
# Its chaos tests ask why a row waits by a function that has another name now; its code never did.
OF_ITS_TESTS = """
create function public.safari_gate(service text, out reason text, out until timestamptz)
language sql stable as $$ select g.reason, g.until from safari_any_gate(service) g $$
"""
FUNCTIONS = (
    "select md5(string_agg(pg_get_functiondef(p.oid), '' order by p.oid::regprocedure::text))"
    " from pg_proc p where p.pronamespace = 'public'::regnamespace"
    " and p.proname ~ '^(safari|agent)_'"
)


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the last release."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT],
        capture_output=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    if archive.returncode:
        # In CI too: a shallow clone has no history; the gate's workflow fetches all of it.
        pytest.skip(f"the history does not reach back to {COMMIT}: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("last-release")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.mark.timeout(1300)
def test_its_own_tests_pass_on_the_new_schema(
    last_release: Path, tmp_path: Path, suite: str
) -> None:
    folder = tmp_path / "release"
    shutil.copytree(last_release, folder)
    shutil.rmtree(folder / "migrations")
    (folder / "migrations").mkdir()
    for file in read_schema().files:
        (folder / "migrations" / file.name).write_text(file.text, encoding="utf-8")
    (folder / "migrations" / "20991231000000_of_its_tests.sql").write_text(OF_ITS_TESTS)
    changed = [f"--deselect={path}::{name}" for path, name in CHANGED.items()]
    changed += [f"--deselect={name}" for name in PAUSED]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"),
            *SUITES[suite],
            *changed,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "ACTP_ENV_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=SUITE_SECONDS[suite],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]


def run_old(folder: Path, environment: dict[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(folder), "ACTP_ENV_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def functions(database: Database) -> object:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        return connection.execute(FUNCTIONS).fetchone()


def test_its_worker_sends_on_the_new_schema(
    database: Database, simulator: SimulatorProcess, last_release: Path, tmp_path: Path
) -> None:
    environment = environment_for(database, simulator, tmp_path)
    with database.connect() as connection:
        connection.execute("update safari_policies set active_from = 0, active_to = 24")
    database.store.call(
        "safari_enqueue",
        commands=[
            {"action": "send_dm", "platform": "twitter", "params": {"username": u, "text": "Hi"}}
            for u in ("ada", "bob")
        ],
    )
    summary = run_old(last_release, environment, "safari_cloud_agent.py", "--run-once", "--json")
    assert summary["completed"] == 2, summary
    assert {row["status"] for row in database.store.call("safari_history")} == {"completed"}


def test_migrating_by_both_in_turn_keeps_the_newest_functions(
    unmigrated: Database, last_release: Path, tmp_path: Path
) -> None:
    environment = {**unmigrated.environment, "ACTP_HOME": str(tmp_path)}
    run_old(last_release, environment, "-m", "actp.cli", "db", "migrate", "--json")
    with psycopg.connect(unmigrated.dsn, autocommit=True) as connection:
        connection.execute("insert into safari_command_queue (action) values ('sync')")
    migrate(unmigrated.dsn)
    newest = functions(unmigrated)
    old = (
        "import sys; from actp.store.migrate import migrate\n"
        "for line in sys.stdin: print(len(migrate(line.strip())), flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", old],
        cwd=last_release,
        env={**os.environ, "PYTHONPATH": str(last_release)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin
        assert other.stdout
        for _ in range(ROUNDS):
            other.stdin.write(f"{unmigrated.dsn}\n")
            other.stdin.flush()
            assert other.stdout.readline() == "0\n"
            assert migrate(unmigrated.dsn) == []
        other.stdin.close()
    assert functions(unmigrated) == newest
    assert schema_state(unmigrated.dsn).pending == ()
    assert unmigrated.store.call("safari_status")["queue"][0]["pending"] == 1


def test_a_copy_from_before_it_is_refused(
    unmigrated: Database, last_release: Path, tmp_path: Path
) -> None:
    migrate(unmigrated.dsn)
    newest = functions(unmigrated)
    # As a commit before the release had it: the same name, another text.
    older = tmp_path / "older"
    older.mkdir()
    (older / "20261101000400_gate.sql").write_text(
        "create or replace function public.safari_today() returns date language sql stable as"
        " $$ select current_date $$;"
    )
    code = (
        "import sys; from pathlib import Path; from actp.store.migrate import migrate\n"
        "migrate(sys.argv[1], Path(sys.argv[2]))"
    )
    done = run_python(last_release, code, unmigrated.dsn, str(older), check=False)
    assert done.returncode != 0
    assert "the database is newer than this release" in done.stderr
    assert functions(unmigrated) == newest


def run_python(
    folder: Path, code: str, *arguments: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=check,
        timeout=RUN_SECONDS,
    )
