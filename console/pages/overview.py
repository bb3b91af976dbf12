"""``/``: what needs attention, service states, and the latest transitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse
from starlette.routing import Route

from actp.status_words import service_name
from console.site import site_of
from console.words import of_account, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from console.live import Snapshot
    from console.site import Site

__all__ = ["attention", "message", "news", "routes"]


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that needs a person: a word for its state, what it is, and where to act."""

    sign: str
    word: str
    text: str
    href: str
    action: str


def attention(data: dict[str, Any]) -> list[Attention]:
    """Return what needs a person, the most urgent first."""
    return list(_attention(data))


def _attention(data: dict[str, Any]) -> Iterator[Attention]:
    status, undelivered = data["status"], data["undelivered"]
    ready = sum(depth["ready"] for depth in status["queue"])
    if not status["workers"] and ready:
        text = f"No worker runs and {ready:,} commands are ready: bin/up"
        yield Attention("failed", "stopped", text, "/system", "See")
    if count := status["unknown_outcomes"]["count"]:
        noun = "outcome is" if count == 1 else "outcomes are"
        yield Attention("unknown", "unknown", f"{count:,} {noun} unknown", "/unknown", "Settle")
    if count := data["inbox"]:
        text = f"{plural(count, 'person waits', 'people wait')} for your answer"
        yield Attention("waiting", "inbox", text, "/inbox", "Answer")
    if count := data["drafts"]:
        text = f"{plural(count, 'draft waits', 'drafts wait')} for review"
        yield Attention("waiting", "review", text, "/review", "Review")
    yield from _services(status)
    if status["backlog_held"]:
        text = f"{status['backlog_held']:,} commands from before this worker are held"
        yield Attention("waiting", "held", text, "/held", "Decide")
    for pause in status["pauses"]:
        text = f"{of_account(pause['platform'], pause['account'])} is paused" + (
            f": {pause['note']}" if pause["note"] else ""
        )
        yield Attention("waiting", "paused", text, "/limits", "Resume")
    if undelivered["count"]:
        why = f": {undelivered['error']}" if undelivered["error"] else ""
        noun = "alert is" if undelivered["count"] == 1 else "alerts are"
        text = f"{undelivered['count']:,} {noun} not delivered{why}"
        yield Attention("waiting", "alerts", text, "/system#alerts", "See")


def _services(status: dict[str, Any]) -> Iterator[Attention]:
    for service in status["services"]:
        state = service["state"]
        name = service["service"]
        said = service_name(service)
        if not service["reason"] and isinstance(state, dict) and state.get("state") == "wait":
            text = f"{said}: {state.get('reason') or 'cannot be used now'}"
            href = f"/commands?service={name}&status=open"
            yield Attention("failed", "waits", text, href, "See")
        if (service["health"] or {}).get("not_ready"):
            text = f"{said}: {service['health']['not_ready']}"
            yield Attention("waiting", "not ready", text, "/system", "See")


def overview(request: Request) -> Response:
    """Show the first page."""
    site = site_of(request)
    snapshot = site.live.read()
    if snapshot.data is None:
        cause = snapshot.away or "no data yet"
        return site.page(request, "away.html", code=503, cause=cause, remedy="")
    return site.page(request, "overview.html", **_shown(snapshot.data))


def message(site: Site, snapshot: Snapshot) -> str:
    """Return the server-sent event that brings every open page up to date."""
    html = site.fill(
        "live.html", snapshot=snapshot, **(_shown(snapshot.data) if snapshot.data else {})
    )
    return "\n".join(f"data: {line}" for line in html.splitlines() if line.strip()) + "\n\n"


def news(events: list[dict[str, Any]]) -> str:
    """Return the server-sent event that names the commands to which something happened."""
    new = sum(event["event"] == "enqueued" for event in events)
    touched = " ".join(sorted({str(event["command_id"]) for event in events}))
    return f"event: actp:events\ndata: {new} {touched}\n\n"


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    depths: dict[str, dict[str, int]] = {}
    for depth in data["status"]["queue"]:
        totals = depths.setdefault(
            depth["service"], {"ready": 0, "waiting": 0, "held": 0, "running": 0}
        )
        for name in totals:
            totals[name] += depth[name]
    limits = {
        (limit["service"], limit["account"]): limit
        for limit in data["status"]["limits"]
        if limit["service"]
    }
    return {
        "data": data,
        "status": data["status"],
        "needs": attention(data),
        "depths": depths,
        "limits": limits,
    }


async def live(request: Request) -> Response:
    """Send the stream of one tab."""
    site = site_of(request)
    last, read_after = (
        request.headers.get(name, "") for name in ("last-event-id", "actp-read-after")
    )
    version = str(site.environment.globals["version"])
    stream = site.live.stream(version, last or read_after, is_back=bool(last))
    return StreamingResponse(stream, media_type="text/event-stream")


routes = [Route("/", overview), Route("/live", live)]
