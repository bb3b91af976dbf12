"""instagram-dm: two families of send routes, one of which sends twice when in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.service import Service, now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["InstagramDm"]

SEND_TO = "/api/messages/send-to"
CAREFUL_METHODS = {
    "/api/messages/send-from-profile": "profile",
    "/api/messages/smart-send": "smart",
}
TABS = ("primary", "general", "requests", "hidden_requests")


class InstagramDm(Service):
    """No auth, no ``service`` in its health, no ``verified`` when it used the inbox."""

    name = "instagram-dm"
    platform = "instagram"
    per_hour = 10
    per_day = 30
    before_send_error = "Could not find message input"

    def routes(self) -> Mapping[tuple[str, str], Route]:
        send = Route(self.send, "send_dm", drives_page=True, needs_tab=False)
        reading = Route(self.conversations, "conversations", drives_page=True, needs_tab=False)
        all_tabs = Route(self.all_conversations, "conversations", drives_page=True, needs_tab=False)
        return {
            ("POST", SEND_TO): send,
            **{("POST", path): send for path in CAREFUL_METHODS},
            ("GET", "/api/conversations"): reading,
            ("GET", "/api/conversations/all"): all_tabs,
            ("GET", "/api/status"): Route(self.status, "status", needs_tab=False),
            ("GET", "/api/rate-limits"): Route(self.rate_limits, "rate_limits", needs_tab=False),
            ("PUT", "/api/rate-limits"): Route(self.set_limits, "rate_limits", needs_tab=False),
            ("POST", "/api/inbox/navigate"): Route(
                self.navigate, "navigate", drives_page=True, needs_tab=False
            ),
        }

    def health(self) -> Json:
        limits = {"limits": self._limits()}
        return {
            "status": "ok",
            "timestamp": now_text(),
            "rateLimits": {**self._sent(), **limits},
        }

    async def send(self, call: Call) -> Reply:
        if call.path == SEND_TO and not self.settings.tab:
            return self.no_tab()
        refused = self.refuse(call, Behaviour.OUTSIDE_HOURS, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        username, text = call.text_of("username"), call.text_of("text")
        if not username or not text:
            return Reply(400, {"error": "username and text required"})
        return await self.act(call, Effect("dm", username, text))

    def sends_again_when_unverified(self, call: Call) -> bool:
        return call.path == SEND_TO

    def published(self, call: Call, effect: Effect) -> None:  # noqa: ARG002
        self.outside.inbox(self.name).sent(effect.recipient, effect.text, now_text())

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:
        body: Json = {"success": True, "username": effect.recipient, "rateLimits": self._sent()}
        if call.path in CAREFUL_METHODS:
            body["method"] = CAREFUL_METHODS[call.path]
        elif verified:
            body["strategy"] = "profile"
        else:
            return {**body, "strategy": "inbox"}
        if verified is not None:
            body["verified"] = verified
            body["verifiedRecipient"] = effect.recipient
        return body

    def failed(self, call: Call, error: str) -> Reply:
        how = (
            {"method": CAREFUL_METHODS[call.path]}
            if call.path in CAREFUL_METHODS
            else {"strategy": "inbox"}
        )
        body = {"success": False, "error": error, "username": call.text_of("username"), **how}
        return Reply(200, {**body, "rateLimits": self._sent()})

    def no_tab(self) -> Reply:
        body = {
            "error": "Instagram Safari session not found",
            "fix": "Open instagram.com in Safari and log in",
            "session": {"tracked": False},
        }
        return Reply(503, body)

    def no_session(self) -> Reply:
        return Reply(500, {"error": "Error: No 'instagram.com' tab found"})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        def platform_block(call: Call) -> Reply:
            reply = self.failed(call, "Instagram action blocked - rate limited")
            if isinstance(reply.body, dict):
                reply.body["rateLimited"] = True
            return reply

        def not_found(call: Call) -> Reply:
            body = {
                "error": "Could not open or create conversation after all strategies",
                "profileError": "Profile not found",
                "username": call.text_of("username"),
            }
            return Reply(404, body)

        hours = self.limits.hours_text()
        outside = {"error": "Outside active hours", "activeHours": hours}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, outside),
            Behaviour.QUOTA: lambda _: Reply(429, {"error": "Hourly rate limit exceeded"}),
            Behaviour.QUOTA_DAILY: lambda _: Reply(429, {"error": "Daily rate limit exceeded"}),
            Behaviour.RATE_LIMITED: platform_block,
            Behaviour.NOT_FOUND: not_found,
        }

    async def conversations(self, call: Call) -> Reply:
        if not self.settings.tab:
            return self.no_tab()
        await self.look(call)
        found = self._conversations()
        return Reply(200, {"conversations": found, "count": len(found)})

    async def all_conversations(self, call: Call) -> Reply:
        if not self.settings.tab:
            return self.no_tab()
        await self.look(call)
        tabs: dict[str, list[Json]] = {tab: [] for tab in TABS}
        for conversation in self._conversations():
            tab = str(conversation.pop("tab", "primary"))
            tabs.setdefault(tab, []).append(conversation)
        count = sum(len(found) for found in tabs.values())
        return Reply(200, {"conversations": tabs, "totalCount": count})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        body = {
            "isOnInstagram": self.settings.tab,
            "isLoggedIn": self.settings.logged_in,
            "currentUrl": "https://www.instagram.com/direct/inbox/",
            "driverConfig": {"instanceType": "local", "timeout": 30000},
        }
        return Reply(200, body)

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        start, end = self.limits.active_hours or (9, 21)
        hours = {"start": start, "end": end, "isActive": self.limits.is_active()}
        return Reply(200, {**self._sent(), "limits": self._limits(), "activeHours": hours})

    async def set_limits(self, call: Call) -> Reply:
        self.limits.per_hour = call.body.get("messagesPerHour", self.limits.per_hour)
        self.limits.per_day = call.body.get("messagesPerDay", self.limits.per_day)
        return Reply(200, {"success": True, "rateLimits": self._limits()})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        url = "https://www.instagram.com/direct/inbox/"
        return Reply(200, {"success": True, "currentUrl": url})

    def _conversations(self) -> list[Json]:
        inbox = self.outside.inbox(self.name)
        return [dict(c) for c in inbox.conversations("username", self.settings.conversations)]

    def _sent(self) -> Json:
        return {
            "messagesSentToday": self.limits.today,
            "messagesSentThisHour": self.limits.this_hour,
        }

    def _limits(self) -> Json:
        start, end = self.limits.active_hours or (9, 21)
        return {
            "messagesPerHour": self.limits.per_hour,
            "messagesPerDay": self.limits.per_day,
            "minDelayMs": 60000,
            "maxDelayMs": 300000,
            "activeHoursStart": start,
            "activeHoursEnd": end,
        }
