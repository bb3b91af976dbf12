"""The instruments of the worker; each is counted where the thing happens, at its end."""

from __future__ import annotations

from prometheus_client import Counter, Histogram, disable_created_metrics

__all__ = [
    "ACTOR_RESTARTS",
    "COMMANDS",
    "LEASES_LOST",
    "LEDGER_BATCH_SIZE",
    "QUEUE_WAIT_SECONDS",
    "REQUEST_SECONDS",
]

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client leaves it untyped

COMMANDS = Counter(
    "actp_commands_total", "Attempts that ended, by outcome.", ("service", "action", "outcome")
)
LEASES_LOST = Counter(
    "actp_leases_lost_total",
    "Writes or renewals refused since the row was ours no longer.",
    ("service",),
)
ACTOR_RESTARTS = Counter("actp_actor_restarts_total", "Actors replaced after a crash.", ("actor",))
LEDGER_BATCH_SIZE = Histogram(
    "actp_ledger_batch_size",
    "Begins and finishes written in one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
QUEUE_WAIT_SECONDS = Histogram(
    "actp_queue_wait_seconds",
    "From due to claimed.",
    ("service",),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800),
)
REQUEST_SECONDS = Histogram(
    "actp_service_request_seconds",
    "A request to a service, until its answer.",
    ("service",),
    buckets=(0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300),
)
