"""The exporter answers fast and truly, whatever the database does."""

from __future__ import annotations

import threading
from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from actp.errors import StoreUnavailable
from metrics.exporter import DatabaseCollector
from metrics.gauges import GAUGES, families

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEADLINE_SECONDS = 10.0
SCRAPE_SECONDS = 0.05
EVERY_SECONDS = 0.01
ANSWER = {
    "unknown_outcomes": 2,
    "queue_commands": [
        {"service": "twitter-dm", "platform": "twitter", "state": "ready", "value": 7}
    ],
    "service_up": None,
}


class Database:
    """Answers, fails or hangs, as told; says when it was asked."""

    def __init__(self) -> None:
        self.answers: Mapping[str, Any] | None = ANSWER
        self.unlocked = threading.Event()
        self.unlocked.set()
        self.asked = threading.Event()
        self._asked = threading.Semaphore(0)

    def call(self, function: str, /, **arguments: Any) -> Any:
        assert (function, arguments) == ("safari_gauges", {})
        self.asked.set()
        self._asked.release()
        assert self.unlocked.wait(DEADLINE_SECONDS)
        if self.answers is None:
            raise StoreUnavailable("it is away")
        return self.answers

    def listener(self) -> None:
        return None

    def close(self) -> None:
        pass

    def was_asked(self, times: int) -> None:
        """Return once it has been asked so many times more."""
        while self._asked.acquire(blocking=False):
            pass
        for _ in range(times):
            assert self._asked.acquire(timeout=DEADLINE_SECONDS)


@pytest.fixture
def database() -> Database:
    return Database()


def scraped(collector: DatabaseCollector) -> str:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


def test_what_the_database_answers_is_shown(database: Database, tmp_path: Path) -> None:
    collector = DatabaseCollector(database, tmp_path, EVERY_SECONDS)
    with closing(collector):
        collector.start()
        database.was_asked(2)
        text = scraped(collector)
    assert "actp_database_up 1.0" in text
    assert "actp_unknown_outcomes 2.0" in text
    labels = 'platform="twitter",service="twitter-dm",state="ready"'
    assert f"actp_queue_commands{{{labels}}} 7.0" in text
    assert "actp_service_up" not in text


def test_a_lost_database_is_shown_as_down_and_nothing_old(
    database: Database, tmp_path: Path
) -> None:
    collector = DatabaseCollector(database, tmp_path, EVERY_SECONDS)
    with closing(collector):
        collector.start()
        database.was_asked(2)
        database.answers = None
        database.was_asked(3)
        text = scraped(collector)
        assert "actp_database_up 0.0" in text
        assert "actp_unknown_outcomes" not in text
        assert "actp_database_read_failures_total 0.0" not in text
        database.answers = ANSWER
        database.was_asked(3)
        assert "actp_database_up 1.0" in scraped(collector)


def test_a_scrape_does_not_wait_for_a_database_that_hangs(
    database: Database, tmp_path: Path
) -> None:
    database.unlocked.clear()
    collector = DatabaseCollector(database, tmp_path, EVERY_SECONDS)
    with closing(collector):
        collector.start()
        assert database.asked.wait(DEADLINE_SECONDS)
        began = perf_counter()
        text = scraped(collector)
        took_seconds = perf_counter() - began
        database.unlocked.set()
    assert "actp_database_up 0.0" in text
    assert took_seconds < SCRAPE_SECONDS


def test_an_answer_without_the_tables_of_other_parts_is_shown_as_far_as_it_goes() -> None:
    assert [family.name for family in families({"workers_alive": 1})] == ["actp_workers_alive"]


def test_a_total_is_shown_as_a_counter() -> None:
    samples = [{"model": "claude", "value": 1.5}]
    (family,) = families({"claude_cost_dollars_total": samples})
    assert family.type == "counter"
    assert [(it.name, it.value) for it in family.samples] == [
        ("actp_claude_cost_dollars_total", 1.5)
    ]


def test_the_names_of_gauges_are_unique_and_explained() -> None:
    assert len({gauge.name for gauge in GAUGES}) == len(GAUGES)
    assert all(gauge.help.endswith(".") for gauge in GAUGES)
