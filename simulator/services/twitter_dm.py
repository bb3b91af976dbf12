"""twitter-dm: limits first, then the body; every failure of the page is a 200."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.service import Service, now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["TwitterDm"]


class TwitterDm(Service):
    """No auth; ``force`` skips the active hours only."""

    name = "twitter-dm"
    platform = "twitter"
    per_hour = 15
    per_day = 100

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/api/twitter/messages/send-to"): Route(
                self.send, "send_dm", drives_page=True
            ),
            ("POST", "/api/twitter/messages/send-to-url"): Route(
                self.send_to_url, "send_dm", drives_page=True
            ),
            ("GET", "/api/twitter/conversations"): Route(
                self.conversations, "conversations", drives_page=True
            ),
            ("GET", "/api/twitter/status"): Route(self.status, "status", needs_tab=False),
            ("GET", "/api/twitter/rate-status"): Route(
                self.rate_status, "status", drives_page=True
            ),
            ("GET", "/api/twitter/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("POST", "/api/twitter/inbox/navigate"): Route(
                self.navigate, "navigate", drives_page=True
            ),
        }

    def health(self) -> Json:
        return {"status": "ok", "service": self.name, "timestamp": now_text()}

    async def send_to_url(self, call: Call) -> Reply:
        url, text = call.text_of("profileUrl"), call.text_of("text")
        if not url or not text:
            return Reply(500, {"success": False, "error": "TypeError: undefined is not a string"})
        refused = self.refuse(call, Behaviour.OUTSIDE_HOURS, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        return refused or await self.act(call, Effect("dm", url, text))

    async def send(self, call: Call) -> Reply:
        if call.body.get("force") is not True:
            refused = self.refuse(call, Behaviour.OUTSIDE_HOURS)
            if refused is not None:
                return refused
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        username, text = call.text_of("username"), call.text_of("text")
        if not username or not text:
            return Reply(400, {"success": False, "error": "username and text required"})
        return await self.act(call, Effect("dm", username, text))

    def published(self, call: Call, effect: Effect) -> None:  # noqa: ARG002
        self.outside.inbox(self.name).sent(effect.recipient, effect.text, now_text())

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:  # noqa: ARG002
        body: Json = {"success": True, "username": effect.recipient}
        if verified is not None:
            body["verified"] = verified
            body["verifiedRecipient"] = effect.recipient
        body["rateLimits"] = self._sent()
        return body

    def failed(self, call: Call, error: str) -> Reply:
        body = {"success": False, "error": error, "username": call.text_of("username")}
        return Reply(200, {**body, "rateLimits": self._sent()})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        hours = {"error": "Outside active hours", "activeHours": self.limits.hours_text()}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, hours),
            Behaviour.QUOTA: lambda _: Reply(429, {"error": "Hourly rate limit exceeded"}),
            Behaviour.QUOTA_DAILY: lambda _: Reply(429, {"error": "Daily rate limit exceeded"}),
            Behaviour.RESTRICTED: lambda call: self.failed(call, "Account is protected"),
        }

    async def conversations(self, call: Call) -> Reply:
        await self.look(call)
        inbox = self.outside.inbox(self.name)
        found = inbox.conversations("username", self.settings.conversations)
        return Reply(200, {"conversations": found, "count": len(found)})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        body = {
            "isOnTwitter": self.settings.tab,
            "isLoggedIn": self.settings.logged_in,
            "currentUrl": "https://x.com/messages",
            "driverConfig": {"instanceType": "local", "timeout": 30000},
        }
        return Reply(200, body)

    async def rate_status(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"limited": False, "suspended": False, "message": ""})

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        limits = {"messagesPerHour": self.limits.per_hour, "messagesPerDay": self.limits.per_day}
        return Reply(200, {**self._sent(), "limits": limits})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"success": True, "currentUrl": "https://x.com/messages"})

    def _sent(self) -> Json:
        return {
            "messagesSentToday": self.limits.today,
            "messagesSentThisHour": self.limits.this_hour,
        }
