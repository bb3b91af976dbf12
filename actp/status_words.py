"""The words of a status report, shared by all screens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from actp.lines import one_line
from actp.moments import short_time
from actp.plural import counted
from actp.settings import UNNAMED_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from actp.store import Store

__all__ = [
    "Line",
    "Tone",
    "attention",
    "heading",
    "service_name",
    "status_report",
    "summary",
    "wait_words",
    "waits",
]

Report = dict[str, Any]
Tone: TypeAlias = Literal["plain", "caution", "trouble"]

MAX_LISTED = 5
_CAUSES = {
    "hours": "outside the active hours",
    "paused": "paused",
    "quota": "today's limit is used up",
    "hourly_limit": "the hourly limit is used up",
    "rolling_limit": "the 24-hour limit is used up",
    "weekly_limit": "the weekly limit is used up",
    "pace": "gap between two actions",
    "its time": "scheduled",
    "its turn": "next in the queue",
    "a worker": "no worker is running",
    "the service": "the service is not ready",
    "its account": "no running Mac is logged in to the account",
    "a rule of the table": "another program refuses its claim",
}
# Causes whose detail says it all.
_EXPLAINED = frozenset(
    {"a worker", "the service", "its account", "its status", "a rule of the table"}
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line, from words of different tones."""

    parts: tuple[tuple[str, Tone], ...]
    # A list entry, cut where the screen ends rather than wrapped.
    is_entry: bool = False

    def __str__(self) -> str:
        """Return the line without its tones."""
        return "".join(words for words, _ in self.parts)


def status_report(store: Store) -> Report:
    """Return the status report; all screens use this one."""
    return {
        **store.call("safari_status"),
        "undelivered": store.call("safari_alerts_waiting"),
    }


def service_name(service: Report) -> str:
    """Return the name of a service, with its account where somebody has named one."""
    account = service.get("account", UNNAMED_ACCOUNT)
    name = str(service["service"])
    return name if account == UNNAMED_ACCOUNT else f"{name} {account}"


def heading(report: Report) -> Line:
    """Return the time of the report and the number of workers."""
    workers = report["workers"]
    count = counted(len(workers), "worker") if workers else "no worker"
    tone: Tone = "plain" if workers or not _ready(report) else "trouble"
    at = short_time(report["at"])
    return Line(((f"Safari queue at {at}, ", "plain"), (count, tone), (" running", "plain")))


def summary(report: Report) -> Iterator[Line]:
    """Yield the outcomes of the last 24 hours."""
    day = report["last_24_hours"]
    rate = day["completion_rate"]
    unknown: Tone = "trouble" if day["unknown"] else "plain"
    yield Line(
        (
            (
                f"Last 24 hours: {day['completed']:,} completed, {day['failed']:,} failed, ",
                "plain",
            ),
            (f"{day['unknown']:,} unknown", unknown),
            (f"; completion rate {rate:.1%}" if rate is not None else "", "plain"),
        )
    )
    if said := _accounts(report):
        yield _plain(f"Accounts: {said}.")
    if report["foreign"]:
        yield _plain(f"{counted(report['foreign'], 'row')} of the table for other consumers.")


def attention(report: Report) -> Iterator[Line]:
    """Yield what needs attention, each with the command that settles it."""
    if not report["workers"] and _ready(report):
        yield _trouble("No worker is running: start one with bin/up.")
    for pause in report["pauses"]:
        until = f"until {short_time(pause['until'])}" if pause["until"] else "until bin/resume"
        note = f" ({one_line(pause['note'], 50)})" if pause["note"] else ""
        yield _caution(f"Paused: {one_line(pause['platform'])} {until}{note}")
    for turn in report.get("safari", ()):
        said = f"Safari on this host: {one_line(turn['words'], 150)}"
        yield _caution(f"{said}; bin/resume --safari") if turn["is_left"] else _plain(said)
    if report["backlog_held"]:
        yield _caution(
            f"Held: {counted(report['backlog_held'], 'command')} from before this worker; "
            "bin/queue accept or bin/queue discard."
        )
    yield from _stuck(report["queue"])
    yield from _unknown(report["unknown_outcomes"])
    for service in report["services"]:
        if not service["reason"] and waits(service) and service["state"].get("reason"):
            why = one_line(service["state"]["reason"], 65)
            said = f"Waits: {service_name(service)}: {why}"
            yield _trouble(f"{said}; bin/resume --service {service['service']}")
        if service["health"] and service["health"].get("not_ready"):
            reason = one_line(service["health"]["not_ready"], 80)
            yield _caution(f"Not ready: {service_name(service)}: {reason}")
    yield from _undelivered(report)


def _accounts(report: Report) -> str:
    """Return which account is logged in where, or nothing where none is named."""
    at: dict[str, set[str]] = {}
    for service in report["services"]:
        if service.get("account", UNNAMED_ACCOUNT) != UNNAMED_ACCOUNT:
            name = f"{service['platform']} {service['account']}"
            at.setdefault(name, set()).update(service["hosts"])
    return ", ".join(
        f"{name} on {' and '.join(sorted(hosts)) or 'no running Mac'}"
        for name, hosts in sorted(at.items())
    )


def waits(service: Report) -> bool:
    """Return whether a worker of the service holds back."""
    state = service["state"]
    return isinstance(state, dict) and state.get("state") == "wait"


def wait_words(wait: Mapping[str, Any]) -> str:
    """Return why a command waits, and until when, from what ``safari_show`` reports."""
    cause, detail = str(wait["for"]), wait.get("detail")
    until = f" until {short_time(wait['until'])}" if wait.get("until") else ""
    if detail and cause in _EXPLAINED:
        return f"{detail}{until}"
    return f"{_CAUSES.get(cause, cause.replace('_', ' '))}{until}{f' ({detail})' if detail else ''}"


def _stuck(queue: Sequence[Report]) -> Iterator[Line]:
    """Yield whose commands wait for an account that nobody is logged in as."""
    for depth in queue:
        for wait in depth.get("waits", ()):
            if wait["for"] == "its account":
                rows = counted(wait["rows"], "command")
                yield _caution(
                    f"Waits: {rows} of {depth['service']} for {one_line(wait['account'], 40)},"
                    " as which no running Mac is logged in; bin/queue reassign."
                )


def _unknown(unknown: Report) -> Iterator[Line]:
    if not unknown["count"]:
        return
    yield _trouble(f"Unknown: {counted(unknown['count'], 'outcome')}; see what arrived, then:")
    for command in unknown["oldest"][:MAX_LISTED]:
        what = f"{command['action']} {command['platform'] or ''}".strip()
        yield _plain(f"  bin/queue resolve {command['id'][:8]} sent|not-sent   ({one_line(what)})")


def _undelivered(report: Report) -> Iterator[Line]:
    if not report["alerts"]:
        return
    undelivered = report.get("undelivered", {})
    count = undelivered.get("count", len(report["alerts"]))
    yield _caution(f"Not delivered: {counted(count, 'alert')}")
    if undelivered.get("error"):
        yield _trouble(f"  Telegram: {one_line(undelivered['error'], 85)}")
    for alert in report["alerts"][:MAX_LISTED]:
        words = f"  {short_time(alert['created_at'])} {_alert(alert)}"
        yield Line(((words, "plain"),), is_entry=True)


def _alert(alert: Mapping[str, Any]) -> str:
    detail = alert["detail"]
    named = [detail.get(key) for key in ("platform", "kind", "service", "error")]
    about = ", ".join(str(part) for part in named if part)
    kind = alert["kind"].replace("_", " ")
    return one_line(f"{kind}: {about}" if about else kind, 85)


def _ready(report: Report) -> int:
    return sum(depth["ready"] for depth in report["queue"])


def _plain(words: str) -> Line:
    return Line(((words, "plain"),))


def _caution(words: str) -> Line:
    return Line(((words, "caution"),))


def _trouble(words: str) -> Line:
    return Line(((words, "trouble"),))
