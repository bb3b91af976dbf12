"""linkedin-automation: locks Safari for itself, and dies of an AppleScript error."""

from __future__ import annotations

import html
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.browser import shell
from simulator.browser.pages import INBOX_URLS, Kind, page_at, thread_page
from simulator.browser.safari import ScriptError
from simulator.exchange import Call, Dropped, Effect, Json, Refused, Reply, Route, Sent, drives
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.direct_messages import SHOWN_CHARS, DmService, snippet
from simulator.services.limits import Limits
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.sites import Message
    from simulator.scenario import ServiceSettings
    from simulator.services.host import Host

__all__ = ["LinkedIn"]

LOCK_SECONDS = 120.0
STATED_HOURS = (8, 18)
INBOX = INBOX_URLS["linkedin"]
PAGE_NOT_LOADED = "Profile page did not load (no main element)"


class LinkedIn(DmService):
    """Bearer auth on all of /api; failures are 200; one page operation at a time."""

    name = "linkedin-automation"
    platform = "linkedin"
    default_token = "test-token-12345"  # noqa: S105  the published default
    claims_tabs = False
    per_day = 50
    empty_bearer_status = 400
    guards_session_routes = True
    before_send_error = "Message button not found — may not be connected"

    def __init__(self, host: Host, settings: ServiceSettings, port: int) -> None:
        super().__init__(host, settings, port)
        self._locked_at: float | None = None

    def routes(self) -> Mapping[str, Route]:
        base = "/api/linkedin"
        return {
            f"POST {base}/messages/send-to": drives(self.send, "send_dm"),
            f"GET {base}/conversations": drives(self.conversations, "conversations"),
            f"POST {base}/messages/open": drives(self.open, "reading"),
            f"POST {base}/debug/js": Route(self.execute, "reading"),
            f"GET {base}/messages": drives(self.messages, "reading"),
            f"GET {base}/status": Route(self.status, "status"),
            f"GET {base}/rate-limits": Route(self.rate_limits, "rate_limits"),
            f"PUT {base}/rate-limits": Route(self.set_limits, "rate_limits"),
            f"POST {base}/navigate/messaging": drives(self.navigate, "navigate"),
            f"POST {base}/navigate/profile": drives(self.open_profile, "navigate"),
        }

    def health(self) -> Json:
        return {
            "status": "ok",
            "service": self.name,
            "timestamp": now_text(),
            "platform": "linkedin",
            "port": str(self.port),
            "uptime": time.time() - self.started_at,
            "withinActiveHours": self.is_within_stated_hours(),
            "rateLimits": {**self.sent_counts(), "limits": self.limits_json()},
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
        self._locked_at = time.monotonic()
        try:
            return await act(self, call, Effect("dm", url, text))
        finally:
            self._locked_at = None

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:  # noqa: ARG002
        """Open the profile, click on its button at a place on the screen, and write."""
        await hands.navigate(effect.recipient, 3.0)
        if not await hands.until(lambda: self._has_loaded(hands), 10.0):
            raise Refused(PAGE_NOT_LOADED)
        # The page before also has a main element, and may be the profile of somebody else.
        if hands.misses("open") or not hands.session.tab().page.is_of_person:
            raise Refused("Message button not found — may not be connected")
        tab, front = hands.session.tab(), hands.session.front()
        if tab is front:
            profile = tab.page
            if not self.site.has_button(profile):
                # The first one on the page is that of somebody in the sidebar.
                profile = page_at(self.site.suggested(profile.subject))
            if self.site.chat is not None:
                # The first box on the page is that of the conversation which was open before.
                profile = replace(page_at(self.site.chat), subject=self.site.chat)
            hands.safari.open_page(tab, thread_page(profile))
        await hands.wait(0.5)
        if hands.misses("input") or tab is not front:
            # The click went to whatever is in front.
            await hands.wait(8.0)
            raise Refused("Message input did not appear after clicking Message button")
        if not hands.write(_pasted(effect.text), shell.clipboard_doubling) or hands.misses("type"):
            # It looks for the text after typing it.
            raise Refused("Failed to type message")
        await hands.wait(1.5)
        hands.misses("submit")  # without a button it presses Enter
        hands.send(tab)
        await hands.wait(2.0)
        name = self._name_of(tab.page.subject)
        return Sent(self._is_last(hands, effect.text), recipient=name)

    @staticmethod
    def _has_loaded(hands: Hands) -> bool:
        try:
            return not hands.misses("look") and hands.is_on_site() and hands.is_logged_in()
        except ScriptError:
            return False

    def _is_last(self, hands: Hands, text: str) -> bool:
        shown = self.thread_shown(hands)
        is_seen = not hands.is_blind and not hands.misses("verify")
        return is_seen and bool(shown) and text[:30] in shown[-1].text

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:  # noqa: ARG002
        body: Json = {"success": True}
        if sent.verified is not None:
            body["verified"] = sent.verified
        if sent.verified:
            body["verifiedRecipient"] = sent.recipient
        return body

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        return Reply(200, {"success": False, "error": error})

    def broken(self, call: Call, error: ScriptError) -> Reply:
        if call.path.endswith("/status"):
            return super().broken(call, error)
        # Nothing catches it, and so the process ends.
        self.die()
        raise Dropped

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        hours = {"error": "outside_active_hours", "message": "DMs only sent 9am–9pm"}
        hint = 'Add "force": true to bypass'
        daily = {"error": "Daily message limit reached", "hint": hint}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, hours),
            Behaviour.QUOTA_DAILY: lambda _: Reply(429, daily),
            Behaviour.LOCK: lambda _: self._busy(),
            Behaviour.NOT_FOUND: lambda call: self.failed(call, PAGE_NOT_LOADED),
            Behaviour.LOGGED_OUT: lambda call: self.failed(call, PAGE_NOT_LOADED),
        }

    def no_session(self) -> Reply:
        return Reply(500, {"error": self.no_session_text()})

    # Reading

    def conversation(self, person: str, last: Message) -> Json:
        name = self._name_of(person)
        shown = {"lastMessage": snippet(last), "lastMessageAt": "10:00", "unread": not last.is_ours}
        about = {"conversationId": "", "participantName": name, "participantHeadline": ""}
        return {**about, **shown, "isGroup": "," in name}

    def message(self, index: int, message: Message) -> Json:
        text, sender = message.text[:SHOWN_CHARS], "Me" if message.is_ours else "Them"
        who = {"sender": sender, "isOutbound": message.is_ours}
        return {"id": f"msg_{index}", "content": text, "timestamp": "10:00", **who}

    async def conversations(self, call: Call) -> Reply:
        if self._is_locked():
            return self._busy()
        async with self.looking(call) as hands:
            hindered = await self._opens_inbox(hands)
            if hindered is not None:
                return Reply(500, {"success": False, "error": hindered})
            found = self.conversations_shown(hands)
        return Reply(200, {"conversations": found, "count": len(found)})

    @staticmethod
    def _name_of(profile_url: str) -> str:
        """Return the name on a profile: its last part, as a person would write it."""
        slug = profile_url.rstrip("/").rsplit("/", 1)[-1]
        return slug.replace("-", " ").title()

    async def open(self, call: Call) -> Reply:
        name = call.text_of("participantName")
        if not name:
            return Reply(400, {"error": "participantName required"})
        async with self.looking(call) as hands:
            tab = hands.session.tab()
            people = {person for person, _ in self.site.conversations()}
            person = next((p for p in people if self._name_of(p) == name), None)
            # It clicks on the screen, so it reaches only the tab in front.
            opens = person is not None and hands.is_at(Kind.INBOX) and tab is hands.session.front()
            if opens and person is not None:
                profile = replace(page_at(person), subject=person)
                hands.safari.open_page(tab, thread_page(profile))
            await hands.wait(1.0 if opens else 12.6)
        return Reply(200, {"success": opens})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        self.session.follow_claim()
        url = self.session.tab().url
        is_on_site = self.session.is_site(url)
        body = {
            "isOnLinkedIn": is_on_site,
            "isLoggedIn": is_on_site and self.session.is_logged_in(),
            "currentUrl": url,
            "withinActiveHours": self.is_within_stated_hours(),
        }
        return Reply(200, body)

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        config = {**self.limits_json(), "connectionsPerDay": 20}
        active = self.is_within_stated_hours()
        current = self.sent_counts()
        return Reply(200, {"config": config, "current": current, "withinActiveHours": active})

    async def set_limits(self, call: Call) -> Reply:
        await super().set_limits(call)
        return Reply(200, {"updated": True, "config": self.limits_json()})

    async def navigate(self, call: Call) -> Reply:
        if self._is_locked():
            return self._busy()
        async with self.looking(call) as hands:
            hindered = await self._opens_inbox(hands)
        if hindered is not None:
            return Reply(200, {"success": False, "error": hindered})
        return Reply(200, {"success": True, "currentUrl": INBOX})

    async def open_profile(self, call: Call) -> Reply:
        """Open a profile; it does not wait until the page is there."""
        url = call.text_of("profileUrl")
        if not url:
            return Reply(400, {"error": "profileUrl required"})
        if self._is_locked():
            return self._busy()
        async with self.looking(call) as hands:
            if not await hands.navigate(url, 5.0):
                return Reply(200, {"success": False, "error": "Failed to navigate to profile"})
            shown = hands.session.tab().url
        return Reply(200, {"success": True, "currentUrl": shown})

    async def _opens_inbox(self, hands: Hands) -> str | None:
        """Open the inbox; return what hinders it."""
        if not await hands.navigate(INBOX, 3.0):
            return "Failed to navigate to messaging"
        if not hands.is_logged_in():
            return "Not logged in to LinkedIn"
        loaded = await hands.until(lambda: hands.is_at(Kind.INBOX), 10.0)
        return None if loaded else "Messaging page did not load"

    def _busy(self) -> Reply:
        body = {
            "error": "Safari busy — another operation is in progress",
            "lockedFor": f"{int(self._locked_for())}s",
            "retryAfter": "120s",
        }
        return Reply(429, body, headers={"Retry-After": "120"})

    def _locked_for(self) -> float:
        return 0.0 if self._locked_at is None else time.monotonic() - self._locked_at

    @staticmethod
    def is_within_stated_hours() -> bool:
        """Return whether it is in the hours of its other actions; messages have their own."""
        first, end = STATED_HOURS
        return first <= Limits.hour() < end

    def _is_locked(self) -> bool:
        return self._locked_at is not None and self._locked_for() < LOCK_SECONDS


def _pasted(text: str) -> str:
    """Return what a page shows of a text that is pasted as HTML between two tags."""
    return html.unescape(re.sub(r"<[A-Za-z/!?][^>]*(?:>|$)", "", text))
