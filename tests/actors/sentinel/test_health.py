"""The health actor among services that answer, hang, die and come back."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from actors.runtime.messages import Drained, Stop
from actors.sentinel.health import HEALTH, ROUND_SHARE, SECOND_LOOK_SHARE, HealthActor, Watch
from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.session_check import PROBE_TIMEOUT_SECONDS
from tests.actors.latch import LatchedStore
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.process import SimulatorProcess
    from tests.actors.house import House
    from tests.actors.rows import Queue

NOTICE_SECONDS = 2.0
# With time for a crowded machine.
TOLD_SECONDS = NOTICE_SECONDS + 2 * PROBE_TIMEOUT_SECONDS + 10.0
NAMES = [service.name for service in HTTP_SERVICES]
# One after the other, nine hanging services would take twice as long.
ROUND_SECONDS = len(NAMES) * PROBE_TIMEOUT_SECONDS / 2


def watch(
    house: House, queue: Queue, url_of: Callable[[str], str], *, notice_seconds: float
) -> LatchedStore:
    """Let the actor move in; its calls are seen through the store."""
    store = LatchedStore(queue.store)
    house.move_in(
        HEALTH,
        HealthActor.start(
            house.context,
            store=store,
            watch=Watch(
                "here",
                url_of,
                lambda _: None,
                notice_seconds=notice_seconds,
                logins={"twitter": "shop"},
            ),
        ),
    )
    return store


def statuses(queue: Queue) -> dict[str, str]:
    rows = queue.execute("select service_name, status from safari_service_health")
    return {row["service_name"]: row["status"] for row in rows}


def told(queue: Queue) -> list[str]:
    return [kind for kind in queue.alerts() if kind.startswith("service_")]


def test_nine_hanging_services_are_found_out_in_time(house: House, queue: Queue) -> None:
    with ExitStack() as stack:
        urls = {}
        for name in NAMES:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            urls[name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = monotonic()
        store = watch(house, queue, urls.__getitem__, notice_seconds=60)
        store.await_calls("safari_check_services", 1)
        assert monotonic() - began < ROUND_SECONDS
        house.settle(HEALTH)
        eventually(lambda: len(statuses(queue)) == len(NAMES), "all were recorded")
        assert set(statuses(queue).values()) == {"timeout"}


def test_all_nine_answer_healthy_first_by_name_then_by_a_sign_of_life(
    house: House, queue: Queue, simulator: SimulatorProcess
) -> None:
    costly = ("instagram-dm", "linkedin-automation", "threads-comments")
    simulator.play(
        {"rules": [{"service": name, "action": "health", "behaviour": "ok"} for name in costly]}
    )
    store = watch(house, queue, simulator.url, notice_seconds=1)
    store.await_calls("safari_check_services", 3)
    assert statuses(queue) == dict.fromkeys(NAMES, "healthy")
    assert [rule["met"] for rule in simulator.usage()] == [1] * len(costly)


def test_a_service_that_dies_is_told_in_time_and_so_is_its_return(
    house: House, queue: Queue, simulator: SimulatorProcess
) -> None:
    store = watch(house, queue, simulator.url, notice_seconds=NOTICE_SECONDS)
    store.await_answers("safari_check_services", 1)
    simulator.down("twitter-dm")
    eventually(lambda: told(queue) == ["service_down"], "the outage was told", TOLD_SECONDS)
    simulator.up("twitter-dm")
    eventually(lambda: told(queue) == ["service_down", "service_recovered"], "its end was told")
    store.await_calls("safari_check_services", len(store.calls("safari_check_services")) + 2)
    assert told(queue) == ["service_down", "service_recovered"]


def test_an_outage_is_noticed_within_the_minute_though_both_probes_hang() -> None:
    minute = 60.0
    assert minute * (ROUND_SHARE + SECOND_LOOK_SHARE) + 2 * PROBE_TIMEOUT_SECONDS < minute


def test_another_program_on_the_port_is_no_healthy_service(
    house: House, queue: Queue, simulator: SimulatorProcess
) -> None:
    swapped = {"twitter-dm": "tiktok-dm", "instagram-dm": "tiktok-comments"}
    watch(house, queue, lambda name: simulator.url(swapped.get(name, name)), notice_seconds=60)
    eventually(lambda: len(statuses(queue)) == len(NAMES), "all were recorded")
    assert {name for name, status in statuses(queue).items() if status == "down"} == set(swapped)


@pytest.mark.parametrize(
    ("service", "settings", "hindrance"),
    [
        ("twitter-dm", {"logged_out": ["twitter"]}, "not logged in"),
        (
            "twitter-dm",
            {"accounts": {"twitter": "old_shop"}},
            "@old_shop is logged in to x.com, and this Mac's account is @shop",
        ),
        ("market-research", {"closed": ["market-research"]}, "No Safari tab available"),
        ("twitter-dm", {"accounts": {"twitter": "shop"}}, None),
    ],
)
def test_a_service_with_work_is_asked_whether_it_is_ready(  # noqa: PLR0913, PLR0917  its cases
    house: House,
    queue: Queue,
    simulator: SimulatorProcess,
    service: str,
    settings: dict[str, Any],
    hindrance: str | None,
) -> None:
    simulator.play({"safari": settings})
    action = "send_dm" if SERVICES[service].kind else "market_research"
    queue.insert(action, "twitter", {"username": "ada", "text": "Hello", "query": "x"})
    store = watch(house, queue, simulator.url, notice_seconds=1)
    [call, *_] = store.await_calls("safari_record_readiness", 1)
    [result] = call.arguments["results"]
    assert result["service_name"] == service
    assert (hindrance or "") in (result["not_ready"] or "")
    assert (result["not_ready"] is None) == (hindrance is None)
    store.await_calls("safari_check_services", 3)
    assert len(store.calls("safari_record_readiness")) == 1
    assert statuses(queue)[service] == "healthy"


def test_it_stops_at_once(house: House, queue: Queue, simulator: SimulatorProcess) -> None:
    watch(house, queue, simulator.url, notice_seconds=60)
    house.tell(HEALTH, Stop())
    assert house.supervisor.take(Drained).name == HEALTH
