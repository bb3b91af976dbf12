"""Publishers that die, stop, lose their database or work beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.errors import StoreUnavailable
from tests.domains.posts import FOUR, Publishers, add, ask, ended, seen, work_off

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools


@pytest.fixture
def publishers(
    open_tools: OpenTools, simulator: SimulatorProcess, store: Store, tmp_path: Path
) -> Publishers:
    blotato = f"{simulator.url('blotato')}/v2"
    tools = open_tools(BLOTATO_API_KEY="test-only", BLOTATO_API_URL=blotato)
    return Publishers(tools.settings, store, tools.blotato, tmp_path)


def test_task_of_a_dead_process_is_taken_over_as_unknown(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter", "threads")
    dead: dict[str, Any] = {"boot_id": str(uuid4()), "lease_seconds": 60.0}
    claimed = store.call("agent_publish_claim", host_key="here", worker="dead", **dead)["task"]
    mine = {"task_id": id_, "lease_number": claimed["lease"], **dead}
    assert store.call("agent_publish_begin", platform="twitter", **mine)["verdict"] == "granted"
    assert publishers("elsewhere").work(lambda: False) == pytest.approx(60, abs=10)
    work_off(publishers("here"), admin)
    assert seen(simulator) == ["threads"]
    assert ended(admin, id_)[1]["unknown_platforms"] == ["twitter"]
    assert store.call("agent_publish_begin", platform="tiktok", **mine) == {"verdict": "lost"}


def test_whoever_began_it_may_still_say_what_truly_came_of_it(
    publishers: Publishers, admin: psycopg.Connection, store: Store
) -> None:
    id_ = add(admin, "twitter")
    slow, lease_seconds = str(uuid4()), 60.0
    claim: dict[str, Any] = {"boot_id": slow, "lease_seconds": lease_seconds}
    lease = store.call("agent_publish_claim", host_key="here", worker="w", **claim)["task"]["lease"]
    store.call("agent_publish_begin", task_id=id_, lease_number=lease, platform="twitter", **claim)
    work_off(publishers("here"), admin)
    late: dict[str, Any] = {"task_id": id_, "platform": "twitter", "attempt": 1, "outcome": "sent"}
    foreign = {**late, "boot_id": str(uuid4()), "submission_id": "never-heard-of"}
    store.call("agent_publish_submitted", **foreign)
    assert ended(admin, id_)[0] == "failed"
    store.call("agent_publish_submitted", **{**foreign, "boot_id": slow})
    assert ended(admin, id_)[0] == "running"
    admin.execute("update actp_publish_attempts set begun_at = now() - interval '31 minutes'")
    work_off(publishers("here"), admin)
    assert ask(admin, "select outcome, submission_id from actp_publish_attempts") == [
        ("unknown", "never-heard-of")
    ]


def test_two_publishers_share_the_tasks(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    for _ in range(3):
        add(admin, "twitter")
    one, other = publishers("one"), publishers("other")
    for _ in range(3):
        one.work(lambda: False)
        other.work(lambda: False)
    assert len(seen(simulator)) == 3


def test_two_tasks_of_one_video_publish_it_once(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    job = str(uuid4())
    ids = [add(admin, "twitter", gen_job_id=job) for _ in range(2)]
    work_off(publishers(), admin)
    assert seen(simulator) == ["twitter"]
    assert sorted(ended(admin, id_)[0] for id_ in ids) == ["failed", "succeeded"]


def test_a_result_outlives_an_outage_and_the_process(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter")
    broken = OnlyBroken(store, "agent_publish_submitted")
    dying = publishers("here", store=broken)
    with pytest.raises(StoreUnavailable):
        dying.work(lambda: False)
    dying._results.close()  # noqa: SLF001  as the end of its process does
    work_off(publishers("here"), admin)
    assert seen(simulator) == ["twitter"]
    assert ended(admin, id_)[0] == "succeeded"


def test_a_begin_whose_answer_never_came_is_no_reason_for_doubt(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter")
    broken = OnlyBroken(store, "agent_publish_begin", after=True)
    publisher = publishers("here", store=broken)
    with pytest.raises(StoreUnavailable):
        publisher.work(lambda: False)
    broken.function = ""
    work_off(publisher, admin)
    assert seen(simulator) == ["twitter"]
    assert ended(admin, id_)[0] == "succeeded"


class OnlyBroken:
    """The store, but one function cannot be reached, or its answer does not come."""

    def __init__(self, store: Store, function: str, *, after: bool = False) -> None:
        self._store = store
        self.function = function
        self._after = after

    def call(self, function: str, /, **arguments: Any) -> Any:
        if function == self.function and not self._after:
            raise StoreUnavailable("gone")
        answer = self._store.call(function, **arguments)
        if function == self.function:
            raise StoreUnavailable("gone")
        return answer

    def listener(self) -> None:
        return None

    def close(self) -> None:
        self._store.close()


def test_a_publisher_that_is_told_to_stop_lets_go_between_two_posts(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    id_ = add(admin)
    answers = iter([False, True])
    publishers("one").work(lambda: next(answers))
    assert len(seen(simulator)) == 1
    assert ended(admin, id_)[0] == "running"
    work_off(publishers("other"), admin)
    assert sorted(seen(simulator)) == sorted(FOUR)
