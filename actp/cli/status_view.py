"""Draws a status report: one calm table, then only what wants attention."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.measure import Measurement
from rich.text import Text

from actp.cli.output import counted, one_line, table, text
from actp.cli.times import short_duration, short_time
from actp.moments import stored_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

__all__ = ["status_view"]

Report = dict[str, Any]

MAX_LISTED = 5
LONGEST_PACE = timedelta(minutes=1)
TROUBLE = "bold red"
CAUTION = "yellow"
_COUNTS = ("ready", "waiting", "running")
_NUMBERS = (*_COUNTS, "oldest", "today")


@dataclass(frozen=True, slots=True)
class _Roomy:
    """A cell that says all where there is room for it on one line, else the short of it."""

    short: str
    full: str

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(len(self.short), len(self.full)).with_maximum(options.max_width)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        fits = len(self.full) <= options.max_width
        yield Text(self.full if fits else self.short, CAUTION, no_wrap=True)


def status_view(report: Report) -> RenderableType:
    """Return what fits on 100 columns; colour is for trouble only."""
    return Group(_heading(report), _services(report), *_summary(report), *_attention(report))


def _heading(report: Report) -> Text:
    workers = report["workers"]
    count = counted(len(workers), "worker") if workers else "no worker"
    line = Text(f"Safari queue at {short_time(report['at'])}, ")
    return line.append(count, "" if workers or not _ready(report) else TROUBLE).append(" running")


def _services(report: Report) -> Table:
    shown = table("service", *_NUMBERS, "may act", "health", numbers=_NUMBERS)
    shown.columns[0].no_wrap = shown.columns[-1].no_wrap = True
    limits = {limit["service"]: limit for limit in report["limits"] if limit["service"]}
    depths: dict[str, list[Report]] = defaultdict(list)
    for depth in report["queue"]:
        depths[depth["service"]].append(depth)
    now = datetime.fromisoformat(report["at"])
    for service in report["services"]:
        name = service["service"]
        own = depths[name]
        shown.add_row(
            name,
            *(_count(sum(depth[column] for depth in own)) for column in _COUNTS),
            short_duration(service["oldest_ready_seconds"]),
            _used(limits.get(name)),
            _permission(service, now),
            _health(service),
        )
        for depth in own if len(own) > 1 else ():
            platform = text(f"  {depth['platform'] or 'no platform'}", "dim")
            shown.add_row(platform, *(_count(depth[column]) for column in _COUNTS))
    return shown


def _count(rows: int) -> str:
    return f"{rows:,}" if rows else "·"


def _used(limit: Report | None) -> Text:
    if limit is None:
        return Text("")
    full = limit["used"] >= limit["daily_limit"] > 0
    return Text(f"{limit['used']}/{limit['daily_limit']}", CAUTION if full else "")


def _permission(service: Report, now: datetime) -> RenderableType:
    reason, until = service["reason"], service["until"]
    if reason:
        # A gap of seconds has no time on a clock of minutes.
        if until and stored_time(until) - now > LONGEST_PACE:
            return _Roomy(reason, f"{reason} until {short_time(until, now=now)}")
        return Text(reason, CAUTION)
    if not _waits(service):
        return Text("yes")
    seconds = service["state"].get("seconds") or 0.0
    until = short_time((now + timedelta(seconds=seconds)).isoformat(), now=now)
    return _Roomy("waits", f"waits until {until}")


def _waits(service: Report) -> bool:
    state = service["state"]
    return isinstance(state, dict) and state.get("state") == "wait"


def _health(service: Report) -> Text:
    health = service["health"]
    if service["port"] is None:
        return Text("")
    if health is None or health["status"] is None:
        return Text("never asked")
    if health["status"] == "healthy":
        return Text("not ready", CAUTION) if health.get("not_ready") else Text("healthy")
    return text(health["status"], TROUBLE)


def _ready(report: Report) -> int:
    return sum(depth["ready"] for depth in report["queue"])


def _summary(report: Report) -> Iterator[Text]:
    day = report["last_24_hours"]
    rate = day["completion_rate"]
    line = Text(f"Last 24 hours: {day['completed']:,} completed, {day['failed']:,} failed, ")
    line.append(f"{day['unknown']:,} unknown", TROUBLE if day["unknown"] else "")
    yield line.append(f"; completion rate {rate:.1%}" if rate is not None else "")
    if report["foreign"]:
        yield Text(f"{counted(report['foreign'], 'row')} of the table for other consumers.")


def _attention(report: Report) -> Iterator[Text]:
    if not report["workers"] and _ready(report):
        yield Text("No worker is running: start one with bin/up.", TROUBLE)
    for pause in report["pauses"]:
        until = f"until {short_time(pause['until'])}" if pause["until"] else "until bin/resume"
        note = f" ({one_line(pause['note'], 50)})" if pause["note"] else ""
        yield Text(f"Paused: {one_line(pause['platform'])} {until}{note}", CAUTION)
    for turn in report.get("safari", ()):
        said = f"Safari on this host: {one_line(turn['words'], 150)}"
        yield Text(f"{said}; bin/resume --safari", CAUTION) if turn["is_left"] else Text(said)
    if report["backlog_held"]:
        yield Text(
            f"Held: {counted(report['backlog_held'], 'command')} from before this worker; "
            "bin/queue accept or bin/queue discard.",
            CAUTION,
        )
    unknown = report["unknown_outcomes"]
    if unknown["count"]:
        yield Text(
            f"Unknown: {counted(unknown['count'], 'outcome')}; see what arrived, then:", TROUBLE
        )
        for command in unknown["oldest"][:MAX_LISTED]:
            what = f"{command['action']} {command['platform'] or ''}".strip()
            yield Text(f"  bin/queue resolve {command['id']} sent|not-sent   ({one_line(what)})")
    for service in report["services"]:
        if not service["reason"] and _waits(service) and service["state"].get("reason"):
            why = one_line(service["state"]["reason"], 65)
            said = f"Waits: {service['service']}: {why}"
            yield Text(f"{said}; bin/resume --service {service['service']}", TROUBLE)
        if service["health"] and service["health"].get("not_ready"):
            reason = one_line(service["health"]["not_ready"], 80)
            yield Text(f"Not ready: {service['service']}: {reason}", CAUTION)
    yield from _undelivered(report)


def _undelivered(report: Report) -> Iterator[Text]:
    if report["alerts"]:
        undelivered = report.get("undelivered", {})
        count = undelivered.get("count", len(report["alerts"]))
        yield Text(f"Not delivered: {counted(count, 'alert')}", CAUTION)
        if undelivered.get("error"):
            yield Text(f"  Telegram: {one_line(undelivered['error'], 85)}", TROUBLE)
        for alert in report["alerts"][:MAX_LISTED]:
            line = f"  {short_time(alert['created_at'])} {_alert(alert)}"
            yield Text(line, no_wrap=True, overflow="ellipsis")


def _alert(alert: Mapping[str, Any]) -> str:
    detail = alert["detail"]
    named = [detail.get(key) for key in ("platform", "kind", "service", "error")]
    about = ", ".join(str(part) for part in named if part)
    kind = alert["kind"].replace("_", " ")
    return one_line(f"{kind}: {about}" if about else kind, 85)
