"""kill -9 while posts are on their way to the platforms."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.waiting import eventually
from tests.chaos.workers import REAP_SECONDS, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.rig import Rig
    from tests.chaos.workers import Host

SEED = 20261123
PLATFORMS = ("tiktok", "instagram", "twitter", "threads")
# A post, with the writes before and after it, takes some milliseconds.
LONGEST_PAUSE_SECONDS = 0.03
SETTLE_SECONDS = 60.0
TASK = """
insert into actp_workflow_tasks (task_type, input_data) values ('blotato_multi_publish', %s)
"""
UNENDED = "select count(*) as tasks from actp_workflow_tasks where status in ('pending', 'running')"
ATTEMPTS = """
select w.input_data ->> 'text' as text, a.platform, a.outcome, a.published_at is not null as said
  from actp_publish_attempts a join actp_workflow_tasks w on w.id = a.task_id
"""


@dataclass(frozen=True, slots=True)
class Suite:
    kills: int
    tasks: int


SMALL = Suite(kills=5, tasks=8)
LARGE = Suite(kills=60, tasks=100)


class Sentinels:
    """One sentinel after the other on a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._process = self._started()

    def kill(self) -> None:
        assert self._process.poll() is None, (self._host.home / "sentinel.log").read_text()[-2000:]
        self._process.kill()
        self._process.wait(REAP_SECONDS)

    def follow(self) -> None:
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self._host.home / "sentinel.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "actors.sentinel"],
                cwd=REPOSITORY,
                env=self._host.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@pytest.fixture
def sentinels(rig: Rig) -> Iterator[Sentinels]:
    host = rig.host(
        BLOTATO_API_KEY="test-only",
        BLOTATO_API_URL=f"{rig.simulator.url('blotato')}/v2",
        BLOTATO_POLL_SECONDS="0.05",
    )
    line = Sentinels(host)
    yield line
    line.kill()


def _seen(rig: Rig) -> Counter[tuple[str, str]]:
    posts = (line for line in rig.simulator.world() if line["kind"] == "publish")
    return Counter((post["text"], post["platform"]) for post in posts)


def _count(rig: Rig, query: str) -> int:
    row = rig.connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row["tasks"])


def _audit(rig: Rig, tasks: int) -> str:
    seen = _seen(rig)
    assert {post: times for post, times in seen.items() if times > 1} == {}
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rig.connection.execute(ATTEMPTS + " order by a.attempt"):
        last[row["text"], row["platform"]] = row
    assert len(last) == tasks * len(PLATFORMS)
    assert seen.keys() <= last.keys()
    outcomes = Counter(row["outcome"] for row in last.values())
    for post, row in last.items():
        if row["outcome"] == "sent":
            assert (seen[post], row["said"]) == (1, True), post
        else:
            assert row["outcome"] == "unknown", post
    told = _count(rig, "select count(*) as tasks from safari_alerts where kind = 'publish_failed'")
    assert told == outcomes["unknown"]
    return f"posts {seen.total()}, {dict(outcomes)}"


def _run(rig: Rig, sentinels: Sentinels, suite: Suite) -> str:
    dice, pause = random.Random(SEED), threading.Event()
    sys.stdout.write(f"seed {SEED}\n")
    for number in range(suite.tasks):
        given = {
            "video_url": "https://cdn.example/v.mp4",
            "platforms": PLATFORMS,
            "text": f"post {number}",
        }
        rig.connection.execute(TASK, (json.dumps(given),))
    goal = suite.tasks * len(PLATFORMS)
    for kill in range(suite.kills):
        # Spread over all posts; what a death leaves unknown is never seen.
        wanted = goal * kill // (suite.kills + 1)
        eventually(
            lambda wanted=wanted: (  # type: ignore[misc]  # a default binds the value of this round
                _seen(rig).total() > wanted or not _count(rig, UNENDED)
            ),
            f"more than {wanted} posts are out",
        )
        pause.wait(dice.uniform(0.0, LONGEST_PAUSE_SECONDS))
        sentinels.kill()
        sentinels.follow()
    eventually(lambda: not _count(rig, UNENDED), "every task has ended", SETTLE_SECONDS)
    return _audit(rig, suite.tasks)


@pytest.mark.chaos
def test_a_killed_publisher_posts_nothing_twice_and_says_what_is_unknown(
    rig: Rig, sentinels: Sentinels
) -> None:
    sys.stdout.write(_run(rig, sentinels, SMALL))


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_many_killed_publishers_post_nothing_twice(
    rig: Rig, sentinels: Sentinels, suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if suite != "large":
        pytest.skip("the long suite runs with --chaos")
    said = _run(rig, sentinels, LARGE)
    with capsys.disabled():
        sys.stdout.write(f"\n{said}\n")
