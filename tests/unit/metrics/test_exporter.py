"""The exporter answers fast and truly, whatever the database does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from actp.errors import StoreUnavailable
from metrics.exporter import FAILED_SECONDS, DatabaseCollector
from metrics.gauges import GAUGES, families

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DEADLINE_SECONDS = 30.0
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
        self.times = 0

    def call(self, function: str, /, **arguments: Any) -> Any:
        assert (function, arguments) == ("safari_gauges", {})
        self.asked.set()
        self.times += 1
        assert self.unlocked.wait(DEADLINE_SECONDS)
        if self.answers is None:
            raise StoreUnavailable("it is away")
        return self.answers

    def listener(self) -> None:
        return None

    def close(self) -> None:
        pass


@pytest.fixture
def database() -> Database:
    return Database()


def scraped(collector: DatabaseCollector) -> str:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


@contextmanager
def collecting(
    database: Database,
    home: Path,
    *,
    fresh_seconds: float = 0.0,
    failed_seconds: float = FAILED_SECONDS,
) -> Iterator[DatabaseCollector]:
    with closing(
        DatabaseCollector(
            database,
            home,
            fresh_seconds=fresh_seconds,
            failed_seconds=failed_seconds,
            scrape_seconds=DEADLINE_SECONDS,
        )
    ) as collector:
        collector.start()
        yield collector


def test_what_the_database_answers_is_shown(database: Database, tmp_path: Path) -> None:
    with collecting(database, tmp_path) as collector:
        text = scraped(collector)
    assert "actp_database_up 1.0" in text
    assert "actp_unknown_outcomes 2.0" in text
    labels = 'platform="twitter",service="twitter-dm",state="ready"'
    assert f"actp_queue_commands{{{labels}}} 7.0" in text
    assert "actp_service_up" not in text


def test_nothing_is_read_that_nobody_scrapes(database: Database, tmp_path: Path) -> None:
    with collecting(database, tmp_path) as collector:
        CollectorRegistry().register(collector)
        assert database.times == 0
        scraped(collector)
        scraped(collector)
        assert database.times == 2


def test_a_reading_serves_several_scrapes(database: Database, tmp_path: Path) -> None:
    with collecting(database, tmp_path, fresh_seconds=DEADLINE_SECONDS) as collector:
        texts = [scraped(collector) for _ in range(2)]
    assert all("actp_unknown_outcomes 2.0" in text for text in texts)
    assert database.times == 1


def test_a_lost_database_is_shown_as_down_and_nothing_old(
    database: Database, tmp_path: Path
) -> None:
    with collecting(database, tmp_path, failed_seconds=0.0) as collector:
        scraped(collector)
        database.answers = None
        text = scraped(collector)
        assert "actp_database_up 0.0" in text
        assert "actp_unknown_outcomes" not in text
        assert "actp_database_read_failures_total 1.0" in text
        database.answers = ANSWER
        assert "actp_database_up 1.0" in scraped(collector)


def test_a_scrape_does_not_wait_for_a_reading_that_hangs(
    database: Database, tmp_path: Path
) -> None:
    database.unlocked.clear()
    with collecting(database, tmp_path) as collector, ThreadPoolExecutor(1) as threads:
        first = threads.submit(scraped, collector)
        assert database.asked.wait(DEADLINE_SECONDS)
        assert "actp_database_up 0.0" in scraped(collector)
        assert not first.done()
        database.unlocked.set()
        assert "actp_database_up 1.0" in first.result(DEADLINE_SECONDS)


def test_partial_answer_is_exported() -> None:
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
