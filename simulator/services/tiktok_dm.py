"""tiktok-dm: messages each user once ever, and one request at a time per user."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from simulator.browser import shell
from simulator.browser.pages import INBOX_URLS, Kind, page_at, thread_page
from simulator.browser.safari import ScriptError
from simulator.exchange import Call, Effect, Json, Refused, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.direct_messages import SHOWN_CHARS, DmService, snippet
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.sites import Message
    from simulator.scenario import ServiceSettings
    from simulator.services.host import Host

__all__ = ["TikTokDm"]

SEND_TO = "/api/tiktok/messages/send-to"
ALIAS = "/api/messages/send-to"
INBOX = INBOX_URLS["tiktok"]
SEEN_CHARS = 15
VERIFIED_CHARS = 20
PHRASES_OF_A_LIMIT = (
    "You are visiting too fast",
    "temporarily blocked",
    "verify you are human",
    "Too many requests",
    "slow down",
)


class TikTokDm(DmService):
    """No auth; driver failures are 400; ``force`` overrides dedup and all limits."""

    name = "tiktok-dm"
    platform = "tiktok"
    per_hour = 10
    per_day = 50
    before_send_error = "event_no_input: message input not found in DOM"
    messages_shown = 50

    def __init__(self, host: Host, settings: ServiceSettings, port: int) -> None:
        super().__init__(host, settings, port)
        self._in_flight: set[str] = set()

    def routes(self) -> Mapping[str, Route]:
        # Its limits come before the tab, so the handler asks for the tab itself.
        send = tells(self.send, "send_dm", drives_page=True)
        return {
            f"POST {SEND_TO}": send,
            f"POST {ALIAS}": send,
            "GET /api/tiktok/conversations": drives(self.conversations, "conversations"),
            "POST /api/tiktok/conversations/open": drives(self.open, "reading"),
            "POST /api/execute": Route(self.execute, "reading"),
            "GET /api/tiktok/messages": drives(self.messages, "reading"),
            "GET /api/tiktok/status": tells(self.status, "status"),
            "GET /api/tiktok/rate-limits": tells(self.rate_limits, "rate_limits"),
            "PUT /api/tiktok/rate-limits": tells(self.set_limits, "rate_limits"),
            "POST /api/tiktok/inbox/navigate": drives(self.navigate, "navigate"),
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
        if not self.session.claim():
            return self.no_tab()
        username, text = call.text_of("username"), call.text_of("text", "message")
        if not username or not text:
            return Reply(400, {"error": "username and text (or message) are required"})
        effect = Effect("dm", username.removeprefix("@"), text)
        if call.path == ALIAS:
            if call.body.get("dryRun") is True:
                dry = {"success": True, "dryRun": True, "username": username, "message": text}
                return Reply(200, dry)
            return await act(self, call, effect)
        return await self._send_once(call, effect, forced=forced)

    async def _send_once(self, call: Call, effect: Effect, *, forced: bool) -> Reply:
        user = effect.recipient
        if user in self._in_flight:
            self.repeat(call, effect)
            return self.refusals[Behaviour.IN_FLIGHT](call)
        known = user in self.host.messaged(self.name)
        if known and self.settings.dedup and not forced:
            self.repeat(call, effect)
            return self.refusals[Behaviour.ALREADY_MESSAGED](call)
        self._in_flight.add(user)
        try:
            return await act(self, call, effect)
        finally:
            self._in_flight.discard(user)

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:
        """Look through the inbox, open the profile and its thread, and write there."""
        handle = effect.recipient
        phrase = self._phrase_of_a_limit(hands)
        if phrase is not None and call.path != ALIAS:
            body = {"success": False, "rateLimited": True, "captcha": False}
            reply = Reply(429, {**body, "error": f"TikTok rate limited: {phrase}"})
            raise Refused("", reply=reply)
        await hands.navigate(INBOX, 9.3)
        if self.settings.dedup and call.body.get("force") is not True:
            hands.misses("look")
            if handle in self.site.threads and hands.is_at(Kind.INBOX):
                raise Refused("already_in_conversation: existing_conversation")
        await hands.wait(22.0)
        if hands.misses("row"):
            return await self._send_another_way(hands, effect)
        similar = self._similar_row(handle) if hands.is_at(Kind.INBOX) else None
        if similar is None:
            await self._open_cold(hands, handle)
        else:
            page = page_at(f"{INBOX}/{similar}")
            hands.safari.open_page(hands.session.tab(), page)
        await self._write(hands, effect)
        return await self._sent(hands, effect, similar or handle)

    async def _send_another_way(self, hands: Hands, effect: Effect) -> Sent:
        """Write from the profile, and where that fails at any moment, begin a new conversation.

        So it goes where the row of a person does not open. A failure of its look for a text that
        it has sent counts as one of the first way.
        """
        profile = f"https://www.tiktok.com/@{effect.recipient}"
        await hands.navigate(profile, 5.0)
        await hands.until(lambda: hands.is_at(Kind.PROFILE), 5.0)
        tab = hands.session.tab()
        if hands.is_at(Kind.PROFILE) and self.site.has_button(tab.page):
            hands.safari.open_page(tab, thread_page(tab.page))
            await self._write(hands, effect)
            with suppress(ScriptError):
                return await self._sent(hands, effect, effect.recipient)
        hands.attempt = 2
        await hands.navigate(INBOX, 4.0)
        if hands.misses("open"):
            error = "NewMessage compose button not found (cannot create new conversation)"
            raise Refused(f"Strategy D: {error}")
        hands.safari.open_page(hands.session.tab(), page_at(f"{INBOX}/{effect.recipient}"))
        try:
            await self._write(hands, effect)
        except Refused as refused:
            # It leaves out whom it was for.
            body = {"success": False, "error": str(refused)}
            raise Refused("", reply=Reply(400, body)) from None
        self.host.messaged(self.name).add(effect.recipient)
        return Sent(None)

    async def _write(self, hands: Hands, effect: Effect) -> None:
        """Type in the thread that is open, and send."""
        await hands.wait(10.0)
        if hands.misses("input") or not hands.is_at(Kind.THREAD):
            raise Refused("event_no_input: message input not found in DOM")
        if hands.misses("type"):
            raise Refused("event_type_failed: input still empty after 2 attempts (got: empty)")
        if not hands.write(effect.text, shell.single_quoted):
            raise Refused("event_type_failed: input still empty after 2 attempts (got: empty)")
        if "\n" in effect.text[:SEEN_CHARS]:
            # It looks for the first characters in one line, and types again without them.
            hands.write(effect.text)
        await hands.wait(2.0)
        if hands.misses("submit"):
            raise Refused(
                "event_not_sent: input still has text after Enter — TikTok did not accept the send"
            )
        hands.send(hands.session.tab())

    async def _sent(self, hands: Hands, effect: Effect, recipient: str) -> Sent:
        """Look for the text in the thread, and leave it."""
        await hands.wait(8.0)
        # A line end among the first characters spoils the script that looks for them.
        is_readable = "\n" not in effect.text[:VERIFIED_CHARS]
        is_seen = hands.sees(effect.text, in_box=False) and is_readable
        self.host.messaged(self.name).add(effect.recipient)
        await hands.navigate(INBOX, 4.0)
        return Sent(is_seen, recipient=recipient)

    def _phrase_of_a_limit(self, hands: Hands) -> str | None:
        """Return what it takes for a limit on the page before: words of the site or of people."""
        page = hands.session.tab().page
        lines = [self.site.notice, self.site.content(page)]
        if page.kind is Kind.INBOX:
            lines += [snippet(last) for _, last in self.site.conversations()]
        shown = "\n".join(lines)
        return next((phrase for phrase in PHRASES_OF_A_LIMIT if phrase in shown), None)

    def _similar_row(self, handle: str) -> str | None:
        """Return the first person whose row it takes for that of a handle.

        A part of the handle is enough, and the name above the thread is compared in the same way.
        """
        parts = [p for p in re.split(r"[_.]", handle) if len(p) > 3 and not re.search(r"\d", p)]
        people = (person for person, _ in self.site.conversations())
        return next((p for p in people if any(part in p for part in parts)), None)

    async def _open_cold(self, hands: Hands, handle: str) -> None:
        """Open the thread from the person's profile."""
        await hands.navigate(f"https://www.tiktok.com/@{handle}", 5.0)
        await hands.until(lambda: hands.is_at(Kind.PROFILE), 5.0)
        tab = hands.session.tab()
        if not hands.is_at(Kind.PROFILE) or not self.site.has_button(tab.page):
            raise Refused(f"dms_restricted: no Message button on @{handle} profile")
        if hands.misses("open"):
            raise Refused(
                "Strategy C (cold): profile Message button JS-clicked but composer did not open "
                "(closed)"
            )
        hands.safari.open_page(tab, thread_page(tab.page))

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:  # noqa: ARG002
        body: Json = {"success": True}
        if sent.verified is not None:
            body["username"] = effect.recipient
            body["verified"] = sent.verified
            body["verifiedRecipient"] = sent.recipient or effect.recipient
        body["rateLimits"] = self._counted()
        return body

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        username = call.text_of("username")
        return Reply(400, {"success": False, "error": error, "username": username})

    def failed_script(self, call: Call, error: ScriptError) -> Reply:
        return self.failed(call, f"Error: {error}")

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        def limited(error: str) -> Callable[[Call], Reply]:
            return lambda _: Reply(
                429, {"success": False, "error": error, "rateLimits": self._with_limits()}
            )

        def by_platform(reason: str, *, captcha: bool) -> Callable[[Call], Reply]:
            body = {"success": False, "rateLimited": True, "captcha": captcha}
            return lambda _: Reply(429, {**body, "error": f"TikTok rate limited: {reason}"})

        def in_flight(call: Call) -> Reply:
            error = f"in_flight: send to @{_user(call)} already in progress"
            return Reply(429, {"success": False, "error": error})

        def already(call: Call) -> Reply:
            error = f"already_messaged: @{_user(call)} was already DMed (persistent dedup block)"
            return Reply(400, {"success": False, "error": error})

        return {
            Behaviour.OUTSIDE_HOURS: limited("Outside active hours"),
            Behaviour.QUOTA: limited("Hourly limit reached"),
            Behaviour.QUOTA_DAILY: limited("Daily limit reached"),
            Behaviour.RATE_LIMITED: by_platform("too many messages", captcha=False),
            Behaviour.CAPTCHA: by_platform("captcha shown", captcha=True),
            Behaviour.IN_FLIGHT: in_flight,
            Behaviour.ALREADY_MESSAGED: already,
            Behaviour.RESTRICTED: lambda call: self.failed(
                call, f"dms_restricted: no Message button on @{_user(call)} profile"
            ),
            Behaviour.LOGGED_OUT: lambda call: self.failed(
                call, f"dms_restricted: no Message button on @{_user(call)} profile"
            ),
            Behaviour.NOT_FOUND: lambda call: self.failed(
                call, f'identity_mismatch: expected @{_user(call)}, got "somebody"'
            ),
        }

    def no_tab(self) -> Reply:
        reply = super().no_tab()
        if isinstance(reply.body, dict):
            reply.body = {"ok": False, **reply.body}
        return reply

    def no_session(self) -> Reply:
        message = "TikTok tab not found — open Safari and navigate to tiktok.com"
        return Reply(200, {"ok": False, "message": message})

    # Reading

    def conversation(self, person: str, last: Message) -> Json:
        said = f"You: {snippet(last)}" if last.is_ours else snippet(last)
        shown = {"lastMessage": said, "timestamp": "", "unread": not last.is_ours}
        return {"username": person, "displayName": person, **shown}

    def message(self, index: int, message: Message) -> Json:
        text = message.text[:SHOWN_CHARS]
        who = {"isOwn": message.is_ours, "from": "me" if message.is_ours else "them"}
        return {"text": text, **who, "id": f"msg-{index}", "timestamp": now_text()}

    async def messages(self, call: Call) -> Reply:
        limit = int(call.request.query.get("limit", self.messages_shown))
        wanted = call.request.query.get("conversationId", "")
        async with self.looking(call) as hands:
            if wanted and not await self._opened(hands, wanted):
                return Reply(404, {"error": f"Conversation not found: {wanted}"})
            found = self.listed(self.thread_shown(hands)[:limit])  # the oldest
        return Reply(200, {"messages": found, "count": len(found)})

    async def open(self, call: Call) -> Reply:
        username = call.text_of("username")
        if not username:
            return Reply(400, {"error": "username is required"})
        async with self.looking(call) as hands:
            if not await self._opened(hands, username):
                error = f"Conversation with {username} not found"
                return Reply(400, {"success": False, "error": error})
            url = hands.session.tab().url
        return Reply(200, {"success": True, "currentUrl": url, "conversationId": username})

    async def _opened(self, hands: Hands, username: str) -> bool:
        """Open the thread from the inbox, else from the person's profile."""
        await hands.navigate(INBOX, 4.0)
        if not hands.is_at(Kind.INBOX):
            return False
        handle = username.removeprefix("@")
        person = self.person_like(handle) or self._similar_row(handle) or handle
        hands.safari.open_page(hands.session.tab(), page_at(f"{INBOX}/{person}"))
        await hands.wait(3.0)
        return True

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        tab = self.session.tab()
        body = {
            "isOnTikTok": self.session.is_site(tab.url),
            "isLoggedIn": self.session.is_logged_in(),
            "currentUrl": tab.url,
        }
        return Reply(200, body)

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        limits = {"limits": self.limits_json(), "activeHours": self.hours_json()}
        return Reply(200, {**limits, **self.sent_counts(), "nextDelay": 60000})

    async def navigate(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            if not await hands.navigate(INBOX, 4.0) or not hands.is_logged_in():
                error = {"success": False, "error": "Failed to load messages inbox"}
                return Reply(400, error)
        return Reply(200, {"success": True, "currentUrl": INBOX})

    def _counted(self) -> Json:
        return {"hourly": self.limits.this_hour, "daily": self.limits.today}

    def _with_limits(self) -> Json:
        return {**self._counted(), "limits": self.limits_json()}


def _user(call: Call) -> str:
    return call.text_of("username").removeprefix("@")
