"""tiktok-dm: messages each user once ever, and one request at a time per user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.service import Service, now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.outside import Outside
    from simulator.scenario import ServiceSettings

__all__ = ["TikTokDm"]

SEND_TO = "/api/tiktok/messages/send-to"
ALIAS = "/api/messages/send-to"


class TikTokDm(Service):
    """No auth; driver failures are 400; ``force`` overrides dedup and all limits."""

    name = "tiktok-dm"
    platform = "tiktok"
    per_hour = 10
    per_day = 50
    before_send_error = "dms_restricted"

    def __init__(self, outside: Outside, settings: ServiceSettings, port: int) -> None:
        super().__init__(outside, settings, port)
        self._in_flight: set[str] = set()

    def routes(self) -> Mapping[tuple[str, str], Route]:
        # Its limits come before the tab, so the handler asks for the tab itself.
        send = Route(self.send, "send_dm", drives_page=True, needs_tab=False)
        return {
            ("POST", SEND_TO): send,
            ("POST", ALIAS): send,
            ("GET", "/api/tiktok/conversations"): Route(
                self.conversations, "conversations", drives_page=True
            ),
            ("GET", "/api/tiktok/status"): Route(self.status, "status", needs_tab=False),
            ("GET", "/api/tiktok/rate-status"): Route(self.rate_status, "status", drives_page=True),
            ("GET", "/api/tiktok/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("POST", "/api/tiktok/inbox/navigate"): Route(
                self.navigate, "navigate", drives_page=True
            ),
        }

    def health(self) -> Json:
        return {"status": "ok", "service": self.name, "platform": "tiktok", "port": self.port}

    async def send(self, call: Call) -> Reply:
        forced = call.body.get("force") is True
        if not forced:
            refused = self.refuse(
                call, Behaviour.OUTSIDE_HOURS, Behaviour.QUOTA, Behaviour.QUOTA_DAILY
            )
            if refused is not None:
                return refused
        if not self.settings.tab:
            return self.no_tab()
        username, text = call.text_of("username"), call.text_of("text", "message")
        if not username or not text:
            return Reply(400, {"error": "username and text (or message) are required"})
        effect = Effect("dm", username.removeprefix("@"), text)
        if call.path == ALIAS:
            if call.body.get("dryRun") is True:
                dry = {"success": True, "dryRun": True, "username": username, "message": text}
                return Reply(200, dry)
            return await self.act(call, effect)
        return await self._send_once(call, effect, forced=forced)

    async def _send_once(self, call: Call, effect: Effect, *, forced: bool) -> Reply:
        user = effect.recipient
        if user in self._in_flight:
            self.repeat(call, effect)
            return self.refusals[Behaviour.IN_FLIGHT](call)
        known = user in self.outside.inbox(self.name).messaged
        if known and self.settings.dedup and not forced:
            self.repeat(call, effect)
            return self.refusals[Behaviour.ALREADY_MESSAGED](call)
        self._in_flight.add(user)
        try:
            return await self.act(call, effect)
        finally:
            self._in_flight.discard(user)

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
        username = call.text_of("username")
        return Reply(400, {"success": False, "error": error, "username": username})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        def limited(error: str) -> Callable[[Call], Reply]:
            return lambda _: Reply(
                429, {"success": False, "error": error, "rateLimits": self._with_limits()}
            )

        def by_platform(reason: str, *, captcha: bool) -> Callable[[Call], Reply]:
            body = {"success": False, "rateLimited": True, "captcha": captcha}
            return lambda _: Reply(429, {**body, "error": f"TikTok rate limited: {reason}"})

        def in_flight(call: Call) -> Reply:
            user = call.text_of("username").removeprefix("@")
            error = f"in_flight: send to @{user} already in progress"
            return Reply(429, {"success": False, "error": error})

        def already(call: Call) -> Reply:
            user = call.text_of("username").removeprefix("@")
            error = f"already_messaged: @{user} was already DMed (persistent dedup block)"
            return Reply(400, {"success": False, "error": error})

        return {
            Behaviour.OUTSIDE_HOURS: limited("Outside active hours"),
            Behaviour.QUOTA: limited("Hourly limit reached"),
            Behaviour.QUOTA_DAILY: limited("Daily limit reached"),
            Behaviour.RATE_LIMITED: by_platform("too many messages", captcha=False),
            Behaviour.CAPTCHA: by_platform("captcha shown", captcha=True),
            Behaviour.IN_FLIGHT: in_flight,
            Behaviour.ALREADY_MESSAGED: already,
            Behaviour.RESTRICTED: lambda call: self.failed(call, "dms_restricted"),
            Behaviour.NOT_FOUND: lambda call: self.failed(call, "identity_mismatch"),
        }

    def no_tab(self) -> Reply:
        reply = super().no_tab()
        if isinstance(reply.body, dict):
            reply.body = {"ok": False, **reply.body}
        return reply

    def no_session(self) -> Reply:
        return Reply(200, {"ok": False, "message": "No TikTok tab found"})

    async def conversations(self, call: Call) -> Reply:
        await self.look(call)
        inbox = self.outside.inbox(self.name)
        found = inbox.conversations("username", self.settings.conversations)
        return Reply(200, {"conversations": found, "count": len(found)})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        body = {
            "isOnTikTok": self.settings.tab,
            "isLoggedIn": self.settings.logged_in,
            "currentUrl": "https://www.tiktok.com/messages",
        }
        return Reply(200, body)

    async def rate_status(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"limited": False, "captcha": False, "message": ""})

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        counted = {
            "messagesSentToday": self.limits.today,
            "messagesSentThisHour": self.limits.this_hour,
        }
        return Reply(200, {**counted, **self._with_limits(), "nextDelay": 60000})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"success": True, "currentUrl": "https://www.tiktok.com/messages"})

    def _sent(self) -> Json:
        return {"hourly": self.limits.this_hour, "daily": self.limits.today}

    def _with_limits(self) -> Json:
        limits = {"messagesPerHour": self.limits.per_hour, "messagesPerDay": self.limits.per_day}
        return {**self._sent(), "limits": limits}
