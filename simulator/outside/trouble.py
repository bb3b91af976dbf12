"""The troubles that any HTTP API can be in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.exchange import Dropped

if TYPE_CHECKING:
    from simulator.scenario.publishing import BlotatoRule, RemotionRule

__all__ = ["refused", "trouble"]

_REFUSALS = {
    "unauthorized": (401, "Unauthorized"),
    "not_found": (404, "Not Found"),
    "invalid": (422, "it was told to find this invalid"),
    "server_error": (500, "Internal server error"),
}


async def trouble(rule: BlotatoRule | RemotionRule | None) -> web.Response | None:
    """Play what comes before any effect, or nothing; raises Dropped."""
    if rule is None:
        return None
    match rule.behaviour:
        case "hang":
            await asyncio.sleep(rule.seconds)
            raise Dropped
        case "drop":
            raise Dropped
        case "too_many_requests":
            headers = {"Retry-After": str(rule.retry_after_seconds)}
            return refused(429, "Rate limit exceeded", headers)
    known = _REFUSALS.get(rule.behaviour)
    return None if known is None else refused(*known)


def refused(status: int, why: str, headers: dict[str, Any] | None = None) -> web.Response:
    """Give an error as both APIs do."""
    body = {"statusCode": status, "message": why, "error": why}
    return web.json_response(body, status=status, headers=headers)
