"""bin/demo as a person runs it: what it prints, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from actp.locks import FileLock
from actp.safari.catalogue import HTTP_SERVICES
from demo.acts import Act
from demo.script import Play
from demo.stage import killed_demos, roomy
from demo.verdict import checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.script import Ending

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 280
FIRST_LINE_SECONDS = 120
STOP_SECONDS = 120
PS_SECONDS = 30

pytestmark = pytest.mark.timeout(RUN_SECONDS + STOP_SECONDS)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """bin/demo in its own process group, with a mark in its environment to know it by."""
    process = subprocess.Popen(
        [ROOT / "bin" / "demo", *arguments],
        env={
            **os.environ,
            "SAFARI_TURNS": "9",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str, seconds: float) -> str:
    """What it has printed up to a line with the pattern; fails when that does not come in time."""
    assert process.stdout is not None
    deadline = time.monotonic() + seconds
    said = ""
    while re.search(pattern, said) is None:
        left = deadline - time.monotonic()
        assert left > 0, f"did not say {pattern!r} in time but: {said}"
        if select.select([process.stdout], [], [], left)[0]:
            chunk = os.read(process.stdout.fileno(), 65_536).decode()
            assert chunk, f"ended without {pattern!r}: {said}"
            said += chunk
    return said


def folder_in(output: str) -> Path:
    match = re.search(r"/\w+/actp-demo-\w+", output)
    assert match is not None
    return Path(match[0])


def left_behind(folder: Path) -> list[str]:
    """Every process whose command line or environment names the folder of the demo."""
    listed = subprocess.run(
        ["ps", "axeww", "-o", "command="],
        check=True,
        capture_output=True,
        timeout=PS_SECONDS,
    )
    lines = listed.stdout.decode(errors="replace").splitlines()
    return [line for line in lines if str(folder) in line]


def end_processes(folder: Path) -> None:
    """End the console of a kept demo, and the database that it and bin/status have started."""
    deadline = time.monotonic() + STOP_SECONDS
    while left := left_behind(folder):
        assert time.monotonic() < deadline, left
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                named = [*process.cmdline(), process.environ().get("ACTP_HOME", "")]
                if any(str(folder) in value for value in named):
                    process.terminate()
                    process.wait(PS_SECONDS)


def test_the_demo_shows_every_service_and_leaves_nothing() -> None:
    with running() as demo:
        output, _ = demo.communicate(timeout=RUN_SECONDS)
    assert demo.returncode == 0, output
    for service in HTTP_SERVICES:
        assert re.search(rf"^\s*{service.name} .*\S", output, re.MULTILINE), output
    assert re.search(r"no message arrived twice: +yes", output)
    assert re.search(r"a reply waits in the inbox: +yes", output)
    assert re.search(r"demo_ada, twitter +Yes! What does it cost\? +bin/inbox reply", output)
    assert "NO" not in output
    # What happens is one line each, however long; the rest fits.
    happened = re.compile(r"\d\d:\d\d:\d\d\.\d  ")
    assert max(len(it) for it in output.splitlines() if happened.match(it) is None) <= 100
    assert re.search(r"threads-comments +was unknown; it stands", output)
    assert re.search(r"linkedin-automation +waits: Safari is not logged in to", output)
    folder = folder_in(output)
    assert not folder.exists()
    assert left_behind(folder) == []


def test_a_kept_demo_ends_with_a_console_that_opens() -> None:
    with running("--keep") as demo:
        output = read_until(demo, r"\sdone\s", FIRST_LINE_SECONDS)
        os.killpg(demo.pid, signal.SIGINT)  # what it has done so far is enough to look at
        output += demo.communicate(timeout=STOP_SECONDS)[0]
    folder = folder_in(output)
    link = re.search(r"^Console: (http://127\.0\.0\.1:\d+/enter\?link=\S+)$", output, re.MULTILINE)
    named = re.search(r"^  export ACTP_ENV_FILE=(\S+)$", output, re.MULTILINE)
    try:
        assert link is not None, output
        assert named is not None, output
        with httpx.Client(follow_redirects=True, timeout=FIRST_LINE_SECONDS) as browser:
            overview = browser.get(link[1])
            assert overview.status_code == 200
            assert "twitter-dm" in overview.text
            assert "completed" in browser.get(overview.url.join("/commands")).text
        # The tree is down; its database can still be read.
        environment = {**os.environ, "ACTP_ENV_FILE": named[1]}
        subprocess.run(["bin/status"], env=environment, check=True, cwd=ROOT, timeout=RUN_SECONDS)
    finally:
        end_processes(folder)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("moment", "number"),
    [("nine simulated services", signal.SIGINT), ("sending", signal.SIGTERM)],
)
def test_a_demo_that_is_ended_half_way_leaves_nothing(moment: str, number: signal.Signals) -> None:
    with running() as demo:
        folder = folder_in(read_until(demo, moment, FIRST_LINE_SECONDS))
        assert folder.exists()
        # To the whole group, as a terminal sends Ctrl-C.
        os.killpg(demo.pid, number)
        told, _ = demo.communicate(timeout=STOP_SECONDS)
        assert "Traceback" not in told
        assert demo.returncode == 128 + number
    assert not folder.exists()
    assert left_behind(folder) == []


def sent_dm(ending: Ending = "completed", *, retries: int = 0) -> Act:
    """A DM to ada that ended as completed."""
    row = {"status": "completed", "reason": None, "effect": "once", "retry_count": retries}
    life = {"command": {**row, "result": {"verification": "claimed"}}, "events": []}
    play = Play("send_dm", "twitter", {"username": "ada", "text": "Hi"}, ending)
    return Act("1", play, "twitter-dm", "ada", life)


SEEN = {"service": "twitter-dm", "kind": "dm", "recipient": "ada", "asked": "ada", "text": "Hi"}
COLLISION = {**SEEN, "kind": "collision", "with_service": "tiktok-dm"}
OVER = {"service": "instagram-dm", "used": 4, "daily_limit": 3}


@pytest.mark.parametrize(
    ("act", "world", "limits", "broken"),
    [
        (sent_dm(), [SEEN], [], []),
        (sent_dm(), [SEEN, SEEN], [], ["no message arrived twice"]),
        (sent_dm(), [], [], ["every recorded send was received"]),
        (sent_dm(), [{**SEEN, "recipient": "bob"}], [], ["every text reached its own recipient"]),
        (sent_dm(), [SEEN, COLLISION], [], ["one service at a time used Safari"]),
        (sent_dm(), [SEEN], [OVER], ["at most 3 Instagram DMs were sent today"]),
        (sent_dm(retries=1), [SEEN], [], ["every command ended or waits as expected"]),
        (
            sent_dm(),
            [SEEN, {**SEEN, "text": "Bye"}],
            [],
            ["every received message has a record"],
        ),
    ],
)
def test_a_broken_promise_is_seen(
    act: Act, world: list[dict[str, str]], limits: list[dict[str, object]], broken: list[str]
) -> None:
    found = checks([act], world, limits)
    assert [check.promise for check in found if not check.holds] == broken


def test_the_demo_avoids_a_folder_without_room(tmp_path: Path) -> None:
    full = Path("/proc")  # no room on Linux; not there on macOS
    assert roomy((full, tmp_path)) == tmp_path
    assert roomy((full,)) == full


def test_a_demo_that_was_killed_is_known_by_its_folder(tmp_path: Path) -> None:
    for name in ("killed", "running", "kept"):
        (tmp_path / f"actp-demo-{name}").mkdir()
        (tmp_path / f"actp-demo-{name}" / "demo.lock").touch()
    (tmp_path / "actp-demo-kept" / ".env").touch()
    with FileLock(tmp_path / "actp-demo-running" / "demo.lock") as running_demo:
        assert running_demo.acquire()
        assert killed_demos([tmp_path]) == [tmp_path / "actp-demo-killed"]
