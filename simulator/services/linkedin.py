"""linkedin-automation: locks Safari for itself, and dies of an AppleScript error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.service import Service, now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.outside import Outside
    from simulator.scenario import ServiceSettings

__all__ = ["LinkedIn"]

LOCK_SECONDS = 120.0
PAGE_NOT_LOADED = "Profile page did not load (no main element)"


class LinkedIn(Service):
    """Bearer auth on all of /api; failures are 200; one page operation at a time."""

    name = "linkedin-automation"
    platform = "linkedin"
    default_token = "test-token-12345"  # noqa: S105  the published default
    per_day = 50
    empty_bearer_status = 400
    guards_session_routes = True
    before_send_error = "Message button not found — may not be connected"

    def __init__(self, outside: Outside, settings: ServiceSettings, port: int) -> None:
        super().__init__(outside, settings, port)
        self._locked_at: float | None = None

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/api/linkedin/messages/send-to"): Route(
                self.send, "send_dm", drives_page=True, needs_tab=False
            ),
            ("GET", "/api/linkedin/conversations"): Route(
                self.conversations, "conversations", drives_page=True, needs_tab=False
            ),
            ("GET", "/api/linkedin/status"): Route(self.status, "status", needs_tab=False),
            ("GET", "/api/linkedin/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("POST", "/api/linkedin/navigate/{}"): Route(
                self.navigate, "navigate", drives_page=True, needs_tab=False
            ),
        }

    def health(self) -> Json:
        return {
            "status": "ok",
            "service": self.name,
            "timestamp": now_text(),
            "platform": "linkedin",
            "port": str(self.port),
            "uptime": time.time() - self.started_at,
            "withinActiveHours": self.limits.is_active(),
            "rateLimits": {**self._sent(), "limits": {"messagesPerDay": self.limits.per_day}},
            "counters": {
                "connectionsToday": 0,
                "messagesToday": self.limits.today,
                "actionsThisHour": self.limits.this_hour,
            },
            "safari": {"locked": self._is_locked(), "lockedForMs": int(self._locked_for() * 1000)},
        }

    async def send(self, call: Call) -> Reply:
        refused = self.refuse(call, Behaviour.QUOTA_DAILY)
        if refused is None and call.body.get("force") is not True:
            refused = self.refuse(call, Behaviour.OUTSIDE_HOURS)
        if refused is not None:
            return refused
        url, text = call.text_of("profileUrl"), call.text_of("text")
        if not url or not text:
            return Reply(400, {"error": "profileUrl and text required"})
        if self._is_locked():
            return self._busy()
        if not self.settings.tab:
            return self.failed(call, PAGE_NOT_LOADED)
        self._locked_at = time.monotonic()
        try:
            return await self.act(call, Effect("dm", url, text))
        finally:
            self._locked_at = None

    def published(self, call: Call, effect: Effect) -> None:
        who = call.text_of("name", "username") or effect.recipient
        inbox = self.outside.inbox(self.name)
        inbox.sent(effect.recipient, effect.text, now_text())
        inbox.name(effect.recipient, who)

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:
        body: Json = {"success": True}
        if verified is not None:
            body["verified"] = verified
        if verified:
            body["verifiedRecipient"] = call.text_of("name") or effect.recipient
        return body

    def failed(self, call: Call, error: str) -> Reply:  # noqa: ARG002
        return Reply(200, {"success": False, "error": error})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        message = f"DMs are sent between {self.limits.hours_text()}"
        hours = {"error": "outside_active_hours", "message": message}
        daily = {"error": "Daily message limit reached", "hint": "Try again tomorrow"}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, hours),
            Behaviour.QUOTA_DAILY: lambda _: Reply(429, daily),
            Behaviour.LOCK: lambda _: self._busy(),
            Behaviour.NOT_FOUND: lambda call: self.failed(call, PAGE_NOT_LOADED),
        }

    def no_session(self) -> Reply:
        return Reply(500, {"error": "Error: No 'linkedin.com' tab found"})

    async def conversations(self, call: Call) -> Reply:
        if self._is_locked():
            return self._busy()
        await self.look(call)
        inbox = self.outside.inbox(self.name)
        found = inbox.conversations("profileUrl", self.settings.conversations)
        return Reply(200, {"conversations": found, "count": len(found)})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        body = {
            "isOnLinkedIn": self.settings.tab,
            "isLoggedIn": self.settings.logged_in,
            "currentUrl": "https://www.linkedin.com/messaging/",
        }
        return Reply(200, body)

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        config = {"messagesPerDay": self.limits.per_day, "connectionsPerDay": 20}
        active = self.limits.is_active()
        return Reply(200, {"config": config, "current": self._sent(), "withinActiveHours": active})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"success": True})

    def _busy(self) -> Reply:
        body = {
            "error": "Safari busy — another operation is in progress",
            "lockedFor": f"{int(self._locked_for())}s",
            "retryAfter": "120s",
        }
        return Reply(429, body, headers={"Retry-After": "120"})

    def _locked_for(self) -> float:
        return 0.0 if self._locked_at is None else time.monotonic() - self._locked_at

    def _is_locked(self) -> bool:
        return self._locked_at is not None and self._locked_for() < LOCK_SECONDS

    def _sent(self) -> Json:
        return {
            "messagesSentToday": self.limits.today,
            "messagesSentThisHour": self.limits.this_hour,
        }
