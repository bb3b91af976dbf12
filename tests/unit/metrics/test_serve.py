"""Each process shows itself on its port and tells Prometheus where."""

from __future__ import annotations

import json
import logging
import socket
import urllib.request
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Counter

from actp.settings import Settings, load_settings
from metrics.serve import (
    SINGLE_PROGRAMS,
    exposed,
    forget_targets,
    port_of,
    targets_folder,
    worker_name,
)
from simulator.process import free_port_base

if TYPE_CHECKING:
    from pathlib import Path

MOST_WORKERS = 10
SCRAPE_SECONDS = 20


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("eggs_total", "Eggs.", registry=registry).inc(3)
    return registry


def settings_at(port: int, home: Path) -> Settings:
    return load_settings(
        {"ACTP_ENV_FILE": "", "METRICS_PORT_BASE": str(port), "ACTP_HOME": str(home)}
    )


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SCRAPE_SECONDS) as page:
        text: bytes = page.read()
    return text.decode()


def test_every_program_has_a_port_of_its_own() -> None:
    programs = [*map(worker_name, range(MOST_WORKERS)), *SINGLE_PROGRAMS]
    ports = [port_of(9460, program) for program in programs]
    assert ports == list(range(9460, 9460 + len(programs)))


def test_a_target_is_announced_while_it_can_be_scraped(
    registry: CollectorRegistry, tmp_path: Path
) -> None:
    settings = settings_at(free_port_base(), tmp_path)
    port = settings.metrics_port_base + 1
    with exposed("worker_01", registry, settings):
        assert "eggs_total 3.0" in scrape(port)
        announced = [json.loads(path.read_text()) for path in targets_folder(tmp_path).iterdir()]
        target = {"targets": [f"127.0.0.1:{port}"], "labels": {"program": "worker_01"}}
        assert announced == [[target]]
    assert list(targets_folder(tmp_path).iterdir()) == []
    with pytest.raises(OSError, match="refused"):
        scrape(port)


def test_a_port_that_is_taken_is_said_and_the_work_goes_on(
    registry: CollectorRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_at(free_port_base(), tmp_path)
    with socket.create_server(("127.0.0.1", settings.metrics_port_base)):
        with exposed("worker_00", registry, settings):
            assert not targets_folder(tmp_path).exists()
        (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert str(settings.metrics_port_base) in record.getMessage()
    assert "METRICS_PORT_BASE" in record.getMessage()


def test_a_folder_that_cannot_be_written_is_said_and_the_work_goes_on(
    registry: CollectorRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics").write_text("a file where a folder should be")
    settings = settings_at(free_port_base(), tmp_path)
    with exposed("worker_00", registry, settings):
        assert "eggs_total" in scrape(settings.metrics_port_base)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR


def test_base_0_opens_no_port(registry: CollectorRegistry, tmp_path: Path) -> None:
    with exposed("worker_00", registry, settings_at(0, tmp_path)):
        assert not targets_folder(tmp_path).exists()


def test_what_killed_processes_left_is_forgotten(tmp_path: Path) -> None:
    targets_folder(tmp_path).mkdir(parents=True)
    (targets_folder(tmp_path) / "worker_09.json").write_text("[]")
    forget_targets(tmp_path)
    assert not targets_folder(tmp_path).exists()
    forget_targets(tmp_path)
