"""Faults that look the same in every service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulator.browser.collisions import Driver
from simulator.exchange import Dropped, Reply
from simulator.scenario import ACTING, RECIPIENT_FIELDS
from simulator.scenario.behaviours import Behaviour

if TYPE_CHECKING:
    from simulator.exchange import Call, Route
    from simulator.scenario import Rule
    from simulator.services.service import Service

__all__ = ["after", "before", "hang", "too_many_requests"]

SLOW_SECONDS = 1.0
GONE_POLL_SECONDS = 0.02
STACK = (
    "TypeError: Cannot read properties of undefined (reading 'trim')\n"
    "    at /srv/packages/service/src/api/server.ts:412:31\n"
    "    at Layer.handle [as handle_request] (/srv/node_modules/express/lib/router/layer.js:95:5)"
)


async def before(service: Service, call: Call, route: Route, rule: Rule) -> Reply | None:
    """Play the behaviours that come before the service has looked at the request."""
    match rule.behaviour:
        case Behaviour.HANG:
            await _hang_on_the_page(service, call, route, rule)
            raise Dropped
        case Behaviour.DROP_BEFORE_EFFECT:
            raise Dropped
        case Behaviour.CRASH:
            service.die(rule.restart_after_seconds)
            raise Dropped
        case Behaviour.HTML_ERROR:
            return Reply.html(rule.status or 502, "502 Bad Gateway")
        case Behaviour.SERVER_ERROR:
            return Reply(rule.status or 500, {"error": rule.error or STACK})
        case Behaviour.UNAUTHORIZED:
            return service.unauthorized(empty=False)
        case Behaviour.TOO_MANY_REQUESTS:
            return too_many_requests(rule.retry_after_seconds)
        case Behaviour.SLOW if route.action not in ACTING:
            await asyncio.sleep(SLOW_SECONDS if rule.seconds is None else rule.seconds)
    return None


def after(reply: Reply, rule: Rule) -> Reply:
    """Spoil the answer on its way out, where the rule says so."""
    match rule.behaviour:
        case Behaviour.DROP_AFTER_EFFECT:
            raise Dropped
        case Behaviour.HTML_ERROR_AFTER_EFFECT:
            return Reply.html(rule.status or 502, "502 Bad Gateway")
        case Behaviour.NUL_BYTES if isinstance(reply.body, dict):
            words = (
                (key, f"{value}\x00" if isinstance(value, str) else value)
                for key, value in reply.body.items()
            )
            reply.body = {**dict(words), "note": "nul \x00 inside"}
        case Behaviour.INVALID_UTF8:
            reply.raw = reply.payload()[:-1] + b',"note":"\xff\xfe\xc3("}'
        case Behaviour.HUGE if isinstance(reply.body, dict):
            reply.body["note"] = "x" * rule.size_bytes
        case Behaviour.NOT_JSON:
            reply.raw, reply.content_type = b"OK", "text/plain"
        case Behaviour.TRUNCATED:
            payload = reply.payload()
            reply.raw = payload[: len(payload) // 2]
    return reply


async def _hang_on_the_page(service: Service, call: Call, route: Route, rule: Rule) -> None:
    if not route.drives_page:
        await hang(call, rule.seconds)
        return
    driver = Driver(service.name, call.request_id, call.text_of(*RECIPIENT_FIELDS))
    with service.host.collisions.driven_by(driver):
        await hang(call, rule.seconds)
        driver.left_behind = True
        await asyncio.sleep(rule.type_on_seconds)


async def hang(call: Call, seconds: float | None = None) -> None:
    """Wait without answering until the client has gone or the time is over."""
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    while (transport := call.request.transport) is not None and not transport.is_closing():
        if end is not None and loop.time() >= end:
            return
        await asyncio.sleep(GONE_POLL_SECONDS)


def too_many_requests(retry_after_seconds: int) -> Reply:
    """Give the answer of the HTTP limiter."""
    body = {
        "error": "Too Many Requests",
        "message": "Rate limit exceeded",
        "retryAfter": retry_after_seconds,
    }
    return Reply(429, body, headers={"Retry-After": str(retry_after_seconds)})
