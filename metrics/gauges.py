"""The metrics that the database answers, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from metrics.registry import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

__all__ = ["GAUGES", "Gauge", "families"]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its key in the answer of ``safari_gauges``, what it says, its labels.

    A key that ends with ``_total`` is a counter.
    """

    key: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name under which it is shown."""
        return f"{PREFIX}_{self.key}"

    def family(self) -> CounterMetricFamily | GaugeMetricFamily:
        """Return it without samples."""
        kind = CounterMetricFamily if self.key.endswith("_total") else GaugeMetricFamily
        return kind(self.name, self.help, labels=self.labels)


_SERVICE_ACCOUNT = ("service", "account")

GAUGES: Final = (
    Gauge(
        "queue_commands",
        "Commands that are not ended: ready, waiting, held for a person or a campaign, running.",
        ("service", "platform", "state"),
    ),
    Gauge(
        "queue_oldest_ready_seconds",
        "How long the first command in line has been due; 0 when none is.",
        ("service",),
    ),
    Gauge(
        "service_may_act", "0 outside its hours, over its quota or while paused.", _SERVICE_ACCOUNT
    ),
    Gauge("service_owners", "Live workers that work for the service.", ("service",)),
    Gauge("workers_alive", "Workers that were seen within a minute, on all hosts."),
    Gauge("service_up", "1 when the last check found the service healthy.", _SERVICE_ACCOUNT),
    Gauge("service_health_response_seconds", "How long that check took.", _SERVICE_ACCOUNT),
    Gauge("service_checked_timestamp_seconds", "When it was, since the epoch.", _SERVICE_ACCOUNT),
    Gauge("service_last_healthy_timestamp_seconds", "The last healthy one.", _SERVICE_ACCOUNT),
    Gauge("quota_used", "Actions taken today, by UTC day.", ("platform", "kind", "account")),
    Gauge("quota_limit", "Actions allowed a day.", ("platform", "kind", "account")),
    Gauge("unknown_outcomes", "Commands that may have been sent and wait for a person."),
    Gauge("quarantined_commands", "Commands given up because their workers died of them."),
    Gauge("undelivered_alerts", "Undelivered alerts."),
    Gauge("undelivered_alert_age_seconds", "How long the oldest of them waits."),
    Gauge("campaign_targets", "Targets of campaigns by state.", ("state",)),
    Gauge("campaign_targets_held", "Targets that wait until a person settles something."),
    Gauge(
        "schedule_success_timestamp_seconds",
        "When a scheduled job last ended well, since the epoch.",
        ("schedule",),
    ),
    Gauge(
        "claude_requests_total",
        "Questions to Claude, by what came of them.",
        ("purpose", "outcome"),
    ),
    Gauge("claude_tokens_total", "Tokens that Claude read and wrote.", ("model", "direction")),
    Gauge(
        "claude_cost_dollars_total",
        "What Claude cost, in US dollars; models without a known price are left out.",
        ("model",),
    ),
    Gauge("queue_live_tuples", "Rows of the queue's table, as PostgreSQL estimates them."),
    Gauge("queue_dead_tuples", "Row versions of it that vacuum has still to remove."),
    Gauge(
        "database_oldest_xmin_transactions",
        "Transactions since the oldest snapshot still in use, which keeps dead rows alive.",
    ),
    Gauge("database_clock_timestamp_seconds", "The database's clock at the last reading."),
)


def families(answer: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield what the answer holds of the metrics; what it lacks is not shown at all.

    A sample without a number, as of a row that was written by hand, is left out.
    """
    for gauge in GAUGES:
        value = answer.get(gauge.key)
        if value is None:
            continue
        family = gauge.family()
        for sample in value if gauge.labels else [{"value": value}]:
            if sample["value"] is not None:
                family.add_metric([str(sample[label]) for label in gauge.labels], sample["value"])
        yield family
