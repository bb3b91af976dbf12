"""The instruments of a worker are there from the start, and stay few."""

from __future__ import annotations

from typing import get_args

import pytest
from prometheus_client import generate_latest

from actp.safari.catalogue import ACTIONS, SERVICES, actions_of
from actp.safari.readiness import BreakerState, Step
from metrics import instruments

MOST_VALUES = 20
ACTORS = ("ledger", "poller")


@pytest.fixture(autouse=True)
def prepared() -> None:
    instruments.prepare({name: actions_of(name) for name in SERVICES}, ACTORS)


def value_of(name: str, **labels: str) -> float | None:
    return instruments.REGISTRY.get_sample_value(name, labels)


@pytest.mark.parametrize("service", SERVICES)
def test_every_series_of_a_service_exists_before_its_first_command(service: str) -> None:
    assert actions_of(service)
    for action in (*actions_of(service), "other"):
        for outcome in instruments.OUTCOMES:
            labels = {"service": service, "action": action, "outcome": outcome}
            assert value_of("actp_commands_total", **labels) is not None
    assert value_of("actp_leases_lost_total", service=service) is not None
    assert value_of("actp_queue_wait_seconds_count", service=service) is not None
    assert value_of("actp_service_request_seconds_count", service=service) is not None


def test_every_action_belongs_to_a_service() -> None:
    assert {action for service in SERVICES for action in actions_of(service)} == set(ACTIONS)


def test_a_service_stands_in_one_state_at_a_time() -> None:
    instruments.show_service("twitter-dm", step="go", breaker="closed", has_turn=True)
    instruments.show_service("twitter-dm", step="wait", breaker="open", has_turn=False)
    steps = {
        s: value_of("actp_service_state", service="twitter-dm", state=s) for s in get_args(Step)
    }
    assert steps == {"go": 0, "wait": 1, "probe": 0}
    breaker = {
        s: value_of("actp_breaker_state", service="twitter-dm", state=s)
        for s in get_args(BreakerState)
    }
    assert breaker == {"closed": 0, "open": 1, "half_open": 0}
    assert value_of("actp_turns_held", service="twitter-dm") == 0


def test_labels_have_few_values_and_no_series_tells_when_it_was_created() -> None:
    assert b"_created" not in generate_latest(instruments.REGISTRY)
    values: dict[tuple[str, str], set[str]] = {}
    for family in instruments.REGISTRY.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault((family.name, label), set()).add(value)
    assert {key: found for key, found in values.items() if len(found) > MOST_VALUES} == {}


def test_a_process_shows_what_it_takes() -> None:
    assert (value_of("process_resident_memory_bytes") or 0) > 1e6
    assert (value_of("process_cpu_seconds_total") or 0) > 0
    assert (value_of("process_open_fds") or 0) > 0
    assert (value_of("process_start_time_seconds") or 0) > 1e9
