"""Earlier releases beside this one on one database."""

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
# The commit of each release by its number, the oldest first.
RELEASES = {
    number: commit
    for commit, number in map(
        str.split, (ROOT / "tests" / "support" / "releases.txt").read_text().splitlines()
    )
}
LAST = [*RELEASES][-1]
RUN_SECONDS = 120
ROUNDS = 20
# Its own tests, by what they run: the gate's suite is a slice through every promise.
STORE = "tests/store/test_{}.py"
CHAOS = "tests/chaos/test_{}.py"
SMALL = (*map(STORE.format, ("rescue", "retries", "wakes")), "-k", "embedded")
LARGE = ("tests/store", *map(CHAOS.format, ("kill_points", "zombies", "retries")))
SMALL_SECONDS, LARGE_SECONDS = 240, 1200
# What the new schema answers otherwise on purpose; none of it is asked for by a worker.
CHANGED = {
    "0.1.0": (
        # It applies the released files alone, which a newer database refuses.
        ("migrate", "test_our_migrations_apply_to_an_empty_database_and_may_all_run_again"),
        # The backlog is counted by kind; its commands then show the three numbers.
        ("operator", "test_the_backlog_waits_for_a_person"),
        # The pause after an action has grown beyond what it waits for.
        ("operator", "test_what_is_not_given_is_not_configured"),
        # A key of a post is its id, whatever author the address names.
        ("campaigns", "test_a_comment_lets_the_next_one_go_and_tells_it_the_post"),
        # Four digits are enough, where it wanted six.
        ("reports", "test_a_command_is_found_by_the_beginning_of_its_id"),
        # The samples name the account as well, which its exporter leaves out.
        ("gauges", "test_every_sample_has_exactly_the_labels_of_its_gauge"),
        ("gauges", "test_a_service_is_up_when_its_last_check_found_it_healthy"),
        # A day on which no worker ran is not well.
        ("alerts", "test_the_sign_of_life_comes_once_a_day_with_the_counts_of_yesterday"),
    ),
    "0.2.0": (
        ("migrate", "test_our_migrations_apply_to_an_empty_database_and_may_all_run_again"),
        ("schema_versions", "test_the_database_knows_its_version"),
        # A time zone that the server does not know is refused where it is written.
        ("roles", "test_the_rehearsal_names_the_step_that_fails"),
        # Other types are read through views, where it reported them.
        ("agents_tables", "test_the_queue_works_whatever_an_agents_table_is"),
        # A quotation mark around a handle is no part of it.
        ("identity", "test_every_spelling_of_an_address_has_its_one_meaning"),
    ),
    "0.3.0": (
        ("migrate", "test_our_migrations_apply_to_an_empty_database_and_may_all_run_again"),
        ("schema_versions", "test_the_database_knows_its_version"),
    ),
    "0.4.0": (
        ("migrate", "test_our_migrations_apply_to_an_empty_database_and_may_all_run_again"),
        ("schema_versions", "test_the_database_knows_its_version"),
    ),
}
# The posts of its chaos tests have ids of letters, which no platform gives.
ITS_IDS, OUR_IDS = "uuid4().hex[:12]", "str(uuid4().int)[:12]"
# Its chaos tests ask why a row waits by a function that has another name now; its code never did.
OF_ITS_TESTS = """
create function public.safari_gate(service text, out reason text, out until timestamptz)
language sql stable as $$ select g.reason, g.until from safari_any_gate(service) g $$;
select public.safari_protect();
"""
FUNCTIONS = (
    "select md5(string_agg(pg_get_functiondef(p.oid), '' order by p.oid::regprocedure::text))"
    " from pg_proc p where p.pronamespace = 'public'::regnamespace"
    " and p.proname ~ '^(safari|agent)_'"
)


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """The number of a release; those before the last one are tried by the long suite."""
    if request.param != LAST and not request.config.getoption("--chaos"):
        pytest.skip("the long suite tries the releases before the last one")
    return str(request.param)


@pytest.fixture(scope="module")
def checkout(release: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the release."""
    return unpacked(release, tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def first_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of 0.1.0, which does not know of schema versions."""
    return unpacked("0.1.0", tmp_path_factory.mktemp("first-release"))


def unpacked(release: str, folder: Path) -> Path:
    commit = RELEASES[release]
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit],
        capture_output=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    if archive.returncode:
        # In CI too: a shallow clone has no history; the gate's workflow fetches all of it.
        pytest.skip(f"the history does not reach back to {commit}: git fetch --unshallow")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.mark.timeout(1300)
def test_its_own_tests_pass_on_the_new_schema(
    checkout: Path, release: str, tmp_path: Path, suite: str
) -> None:
    folder = tmp_path / "release"
    shutil.copytree(checkout, folder)
    shutil.rmtree(folder / "migrations")
    (folder / "migrations").mkdir()
    schema = read_schema()
    coming = {file.name: "coming" for file in schema.files}
    made_by = coming | {line.name: line.release for line in schema.released}
    for file in schema.files:
        (folder / "migrations" / file.name).write_text(file.text, encoding="utf-8")
    if release == "0.1.0":
        (folder / "migrations" / "20991231000000_of_its_tests.sql").write_text(OF_ITS_TESTS)
        commands = folder / "tests" / "chaos" / "commands.py"
        commands.write_text(commands.read_text().replace(ITS_IDS, OUR_IDS))
    else:
        (folder / "migrations" / "released.txt").write_text(
            "".join(f"{file.name} {file.sha256} {made_by[file.name]}\n" for file in schema.files)
        )
    changed = [f"--deselect={STORE.format(file)}::{name}" for file, name in CHANGED[release]]
    small = suite == "small"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"),
            *(SMALL if small else LARGE),
            *changed,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "ACTP_ENV_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=SMALL_SECONDS if small else LARGE_SECONDS,
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
    database: Database, simulator: SimulatorProcess, checkout: Path, tmp_path: Path
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
    summary = run_old(checkout, environment, "safari_cloud_agent.py", "--run-once", "--json")
    assert summary["completed"] == 2, summary
    assert {row["status"] for row in database.store.call("safari_history")} == {"completed"}


def test_migrating_by_both_in_turn_keeps_the_newest_functions(
    unmigrated: Database, checkout: Path, tmp_path: Path
) -> None:
    environment = {**unmigrated.environment, "ACTP_HOME": str(tmp_path)}
    run_old(checkout, environment, "-m", "actp.cli", "db", "migrate", "--json")
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
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
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


def test_a_copy_from_before_the_first_release_is_refused(
    unmigrated: Database, first_release: Path, tmp_path: Path
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
    done = run_python(first_release, code, unmigrated.dsn, str(older), check=False)
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
