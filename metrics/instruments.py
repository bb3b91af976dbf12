"""The instruments of the worker; each is counted where the thing happens, at its end."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from actp.safari.catalogue import ACTIONS
from actp.safari.outcomes import Verdict
from actp.safari.readiness import BreakerState, Step
from metrics.registry import new_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ACTOR_RESTARTS",
    "BREAKER_STATE",
    "COMMANDS",
    "LEASES_LOST",
    "LEDGER_BATCH_SIZE",
    "MAILBOX_MESSAGES",
    "OTHER_ACTION",
    "OUTCOMES",
    "PUBLISHED_POSTS",
    "QUEUE_WAIT_SECONDS",
    "REGISTRY",
    "REQUEST_SECONDS",
    "SERVICE_STATE",
    "TELEGRAM_UPDATES",
    "TURNS_HELD",
    "TURNS_WAITING",
    "WATCHDOG_ACTIONS",
    "WEBHOOKS",
    "count_command",
    "prepare",
    "prepare_watchdog",
    "show_service",
]

REGISTRY: Final = new_registry()
# What the database refuses to begin, as a duplicate, never becomes an outcome.
OUTCOMES: Final = (*get_args(Verdict), "refused")
OTHER_ACTION: Final = "other"

COMMANDS = Counter(
    "actp_commands_total",
    "Attempts that ended, by outcome.",
    ("service", "action", "outcome"),
    registry=REGISTRY,
)
LEASES_LOST = Counter(
    "actp_leases_lost_total",
    "Writes or renewals refused since the row was ours no longer.",
    ("service",),
    registry=REGISTRY,
)
ACTOR_RESTARTS = Counter(
    "actp_actor_restarts_total", "Actors replaced after a crash.", ("actor",), registry=REGISTRY
)
MAILBOX_MESSAGES = Gauge(
    "actp_mailbox_messages",
    "Messages behind the last Ping in an actor's mailbox.",
    ("actor",),
    registry=REGISTRY,
)
LEDGER_BATCH_SIZE = Histogram(
    "actp_ledger_batch_size",
    "Begins and finishes written in one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    registry=REGISTRY,
)
PUBLISHED_POSTS = Counter(
    "actp_published_posts_total",
    "Posts given to Blotato, by what came of that.",
    ("platform", "outcome"),
    registry=REGISTRY,
)
TELEGRAM_UPDATES = Counter(
    "actp_telegram_updates_total",
    "Presses and messages from Telegram, by what came of them.",
    ("outcome",),
    registry=REGISTRY,
)
WEBHOOKS = Counter(
    "actp_webhook_deliveries_total",
    "Attempts to deliver a result outside, by what came of them.",
    ("outcome",),
    registry=REGISTRY,
)
QUEUE_WAIT_SECONDS = Histogram(
    "actp_queue_wait_seconds",
    "From due to claimed.",
    ("service",),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "actp_service_request_seconds",
    "A request to a service, until its answer.",
    ("service",),
    buckets=(0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300),
    registry=REGISTRY,
)
SERVICE_STATE = Gauge(
    "actp_service_state",
    "1 for what a service may be given: go is a command, wait nothing, probe a look first.",
    ("service", "state"),
    registry=REGISTRY,
)
BREAKER_STATE = Gauge(
    "actp_breaker_state",
    "1 for the state of a service's circuit breaker.",
    ("service", "state"),
    registry=REGISTRY,
)
TURNS_HELD = Gauge(
    "actp_turns_held", "1 while a service has its turn at Safari.", ("service",), registry=REGISTRY
)
TURNS_WAITING = Gauge(
    "actp_turns_waiting", "Services of this process in line for Safari.", registry=REGISTRY
)
WATCHDOG_ACTIONS = Counter(
    "actp_watchdog_actions_total",
    "What the watchdog did to a program beside supervisord.",
    ("program", "step"),
    registry=REGISTRY,
)


def prepare(services: Mapping[str, Iterable[str]], actors: Iterable[str]) -> None:
    """Create the series of services, each with its actions, and of actors, all at 0.

    A series that appears with its first event hides that event from ``increase()``.
    """
    for service, actions in services.items():
        for action in (*actions, OTHER_ACTION):
            for outcome in OUTCOMES:
                COMMANDS.labels(service, action, outcome)
        for by_service in (LEASES_LOST, QUEUE_WAIT_SECONDS, REQUEST_SECONDS, TURNS_HELD):
            by_service.labels(service)
        show_service(service, step="probe", breaker="closed", has_turn=False)
    for actor in actors:
        ACTOR_RESTARTS.labels(actor)
        MAILBOX_MESSAGES.labels(actor)


def prepare_watchdog(programs: Iterable[str], steps: Iterable[str]) -> None:
    """Create the series of the programs that the watchdog looks after, all at 0."""
    for program, step in product(programs, steps):
        WATCHDOG_ACTIONS.labels(program, step)


def count_command(service: str, action: str, outcome: str) -> None:
    """Count an attempt that ended; an action that no service has is counted as ``other``."""
    known = action if action in ACTIONS else OTHER_ACTION
    COMMANDS.labels(service, known, outcome).inc()


def show_service(service: str, *, step: Step, breaker: BreakerState, has_turn: bool) -> None:
    """Show how a service stands now."""
    for name in get_args(Step):
        SERVICE_STATE.labels(service, name).set(name == step)
    for name in get_args(BreakerState):
        BREAKER_STATE.labels(service, name).set(name == breaker)
    TURNS_HELD.labels(service).set(has_turn)
