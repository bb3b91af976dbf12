"""Unknown outcomes are settled by what stands there, and only by that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import WrongState
from actp.operators import act
from actp.settling import LOOKS, settle
from simulator.process import SimulatorProcess
from tests.store.life import Life
from tests.support.safari_clients import safari_client, simulator_settings, taken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from actp.safari.client import SafariClient
    from actp.settings import Settings
    from actp.store.protocol import Store

SEND = "/api/twitter/messages/send-to"
AT_ONCE = {"SAFARI_TIME_SCALE": "0.000001"}


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def settings(running: SimulatorProcess, tmp_path: Path) -> Settings:
    running.reset()
    return simulator_settings(running, tmp_path, **AT_ONCE)


@pytest.fixture
def safari(settings: Settings) -> Iterator[SafariClient]:
    with safari_client(settings) as safari:
        yield safari


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def unknown(life: Life) -> tuple[str, str]:
    """Bring a command to an unknown outcome; give its id and its text."""
    id_ = life.enqueue()
    life.end(id_, "unknown", error="no answer")
    return id_, str(shown(life, id_)["params"]["text"])


def shown(life: Life, id_: str) -> dict[str, Any]:
    return dict(life.store.call("safari_show", id=id_)["command"])


def deliver(safari: SafariClient, text: str) -> None:
    safari.post("twitter-dm", SEND, body={"username": "ada", "text": text}, timeout_seconds=5)


def test_a_text_that_stands_there_completes_its_command(
    life: Life, settings: Settings, safari: SafariClient
) -> None:
    id_, text = unknown(life)
    deliver(safari, text)
    (settled,) = settle(life.store, settings, safari)
    assert (settled["id"], settled["settled"]) == (id_, "sent")
    row = shown(life, id_)
    assert (row["status"], row["reason"]) == ("completed", None)
    assert (row["result"]["verification"], row["result"]["settled_by"]) == ("seen", "reading")
    assert row["result"]["looked"]["address"] == "https://x.com/messages"
    assert settle(life.store, settings, safari) == []


def test_text_that_is_not_found_stays_unknown(
    life: Life, settings: Settings, safari: SafariClient
) -> None:
    id_, _ = unknown(life)
    for times in range(1, LOOKS + 1):
        (looked,) = settle(life.store, settings, safari)
        assert looked["settled"] is None
        assert looked["looked"]["times"] == times
    assert settle(life.store, settings, safari) == []
    row = shown(life, id_)
    assert (row["status"], row["reason"]) == ("failed", "unknown")
    assert row["result"]["looked"]["verdict"] == "absent"


def test_a_thread_with_other_messages_proves_that_it_was_not_sent(
    life: Life, settings: Settings, safari: SafariClient
) -> None:
    id_, _ = unknown(life)
    deliver(safari, "Something else")
    settled = [settle(life.store, settings, safari)[0]["settled"] for _ in range(LOOKS)]
    assert settled == [None, None, "not_sent"]
    row = shown(life, id_)
    assert (row["status"], row["reason"]) == ("failed", "not_sent")


def test_a_service_that_may_still_type_is_not_asked(
    life: Life, running: SimulatorProcess, tmp_path: Path
) -> None:
    unknown(life)
    settings = simulator_settings(running, tmp_path)
    with safari_client(settings) as safari:
        assert settle(life.store, settings, safari) == []


def test_while_safari_is_in_use_it_stays_unknown(life: Life, settings: Settings) -> None:
    id_, _ = unknown(life)
    with taken(settings), safari_client(settings, wait_seconds=0.05) as safari:
        (looked,) = settle(life.store, settings, safari)
    assert looked["looked"]["verdict"] == "unreadable"
    assert life.state(id_) == ("failed", "unknown")


def test_one_command_can_be_looked_at_again(
    life: Life, settings: Settings, safari: SafariClient
) -> None:
    id_, text = unknown(life)
    for _ in range(LOOKS):
        settle(life.store, settings, safari)
    deliver(safari, text)
    (settled,) = settle(life.store, settings, safari, only_id=id_)
    assert settled["settled"] == "sent"


def test_a_look_that_an_operator_asks_for_is_made_by_whoever_looks_next(
    life: Life, settings: Settings, safari: SafariClient, admin: psycopg.Connection
) -> None:
    id_, text = unknown(life)
    for _ in range(LOOKS):
        settle(life.store, settings, safari)
    admin.execute("update safari_command_attempts set begun_at = now() - interval '2 days'")
    deliver(safari, text)
    assert settle(life.store, settings, safari) == []
    assert not life.store.call("safari_check_services", host="mac", results=[])["is_unsettled"]
    act(life.store, "ada@mac/test", "look_again", id=id_)
    assert life.store.call("safari_check_services", host="mac", results=[])["is_unsettled"]
    admin.execute("update safari_command_attempts set begun_at = now() - interval '1 minute'")
    (settled,) = settle(life.store, settings, safari)
    assert settled["settled"] == "sent"
    events = life.store.call("safari_show", id=id_)["events"]
    assert "ada@mac/test" in [e["worker"] for e in events if e["event"] == "look_asked"]
    with pytest.raises(WrongState, match="not unknown"):
        act(life.store, "ada@mac/test", "look_again", id=id_)
