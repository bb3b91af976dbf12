"""What a command waits for is said of every pending one, also one that no worker has claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.errors import InvalidInput
from tests.store.life import SERVICE, Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

READY = {SERVICE: {"state": "ready"}}


@pytest.fixture
def life(store: Store) -> Life:
    life = Life(store)
    life.report(READY)
    return life


def waits(life: Life, id_: str) -> Any:
    return life.store.call("safari_show", id=id_)["command"]["waits"]


def of_limits(life: Life) -> dict[str, Any]:
    rows = life.store.call("safari_limits")
    return next(row for row in rows if row["service"] == SERVICE)


def test_a_command_that_is_due_waits_for_its_turn(life: Life) -> None:
    assert waits(life, life.enqueue()) == {"for": "its turn"}
    assert of_limits(life)["waits"] is None


def test_a_command_that_is_held_names_the_hold(life: Life, admin: psycopg.Connection) -> None:
    id_ = life.enqueue()
    admin.execute("update safari_command_queue set hold = 'backlog' where id = %s", (id_,))
    assert waits(life, id_) == {"for": "backlog"}


def test_a_command_of_a_later_time_waits_until_then(life: Life) -> None:
    later = "2031-01-01T00:00:00+00:00"
    found = waits(life, life.enqueue(scheduled_for=later))
    assert (found["for"], found["until"]) == ("its time", later)


def test_a_retry_names_what_failed_and_when_it_is_next(life: Life) -> None:
    id_ = life.enqueue()
    life.end(id_, "retry", reason="wrong_page", error="Safari shows another page")
    found = waits(life, id_)
    assert (found["for"], found["detail"]) == ("wrong_page", "Safari shows another page")
    assert found["until"]


def test_a_pause_and_a_spent_limit_name_their_end(life: Life) -> None:
    id_ = life.enqueue()
    life.store.call("safari_pause", platform="twitter", seconds=600.0)
    assert waits(life, id_)["for"] == "paused"
    assert waits(life, id_)["until"]
    life.store.call("safari_resume", platform="twitter")
    life.limit(0)
    assert waits(life, id_)["for"] == "quota"


def test_a_service_that_is_not_ready_gives_its_reason_and_its_end(life: Life) -> None:
    id_ = life.enqueue()
    state = {"state": "wait", "reason": "not logged in to x.com", "seconds": 30.0}
    life.report({SERVICE: state})
    found = waits(life, id_)
    assert (found["for"], found["detail"]) == ("the service", "not logged in to x.com")
    assert found["until"]
    assert of_limits(life)["waits"] == found


def test_what_the_sentinel_found_counts_where_the_worker_knows_nothing(life: Life) -> None:
    id_ = life.enqueue()
    health: dict[str, Any] = {
        "service_name": SERVICE,
        "port": 3003,
        "status": "healthy",
        "response_ms": 1,
    }
    life.store.call("safari_record_health", results=[health])
    life.store.call(
        "safari_record_readiness",
        results=[{"service_name": SERVICE, "not_ready": "not logged in"}],
    )
    assert waits(life, id_) == {"for": "the service", "detail": "not logged in"}


def test_without_a_worker_a_command_waits_for_one(life: Life, admin: psycopg.Connection) -> None:
    id_ = life.enqueue()
    admin.execute("update safari_workers set stopped_at = now()")
    assert waits(life, id_)["for"] == "a worker"
    assert of_limits(life)["waits"]["for"] == "a worker"


def test_a_command_that_does_not_wait_has_no_wait(life: Life) -> None:
    assert waits(life, life.enqueue_and_send()) is None


def test_lifting_the_wait_of_a_service_makes_its_retries_due(life: Life) -> None:
    id_ = life.enqueue()
    life.end(id_, "retry", reason="wrong_page", error="Safari shows another page")
    assert life.store.call("safari_resume_service", service="tiktok-dm") == {"resumed": 0}
    assert life.store.call("safari_resume_service", service=SERVICE) == {"resumed": 1}
    assert waits(life, id_) == {"for": "its turn"}
    with pytest.raises(InvalidInput, match="no service"):
        life.store.call("safari_resume_service", service="fax")


def test_a_lifted_wait_reaches_the_hosts_of_its_account_alone(
    life: Life, admin: psycopg.Connection
) -> None:
    here, shop = str(uuid4()), str(uuid4())
    for boot_id, accounts in ((here, {}), (shop, {"twitter": "shop"})):
        life.store.call(
            "safari_register",
            boot_id=boot_id,
            host_key=boot_id,
            worker=f"{boot_id}/dm",
            services=[SERVICE],
            accounts=accounts,
        )

    def resumed(boot_id: str) -> list[str]:
        answer: dict[str, str] | None = life.store.call("safari_resumed", boot_id=boot_id)
        return sorted(answer or {})

    assert (resumed(here), resumed(shop)) == ([], [])
    life.store.call("safari_resume_service", service="twitter-dm", account="Shop")
    assert (resumed(here), resumed(shop)) == ([], ["twitter-dm"])
    life.store.call("safari_resume_service", service="twitter-dm")
    assert (resumed(here), resumed(shop)) == (["twitter-dm"], ["twitter-dm"])
    admin.execute("update safari_resumes set resumed_at = now() - interval '11 minutes'")
    assert (resumed(here), resumed(shop)) == ([], [])
