"""instagram-dm: acts on the front tab until it tracks one; may send twice when in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.browser.pages import INBOX_URLS, Kind, page_at, thread_page
from simulator.exchange import Call, Effect, Json, Refused, Reply, Route, Sent, drives
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.direct_messages import SHOWN_CHARS, DmService, snippet
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.sites import Message
    from simulator.exchange import Answer
    from simulator.scenario import ServiceSettings
    from simulator.services.host import Host

__all__ = ["InstagramDm"]

SEND_TO = "/api/messages/send-to"
FROM_PROFILE = "/api/messages/send-from-profile"
TABS = ("primary", "general", "requests", "hidden_requests")
INBOX = INBOX_URLS["instagram"]
WORDS_OF_A_BLOCK = (
    "action blocked",
    "try again later",
    "temporarily blocked",
    "slow down",
    "too many requests",
)
NO_BUTTON = "No Message button on profile (may need to follow first)"


class InstagramDm(DmService):
    """No auth, no ``service`` in its health, no ``verified`` when it used the inbox."""

    name = "instagram-dm"
    platform = "instagram"
    claims_tabs = False
    per_hour = 10
    per_day = 30
    counts_when_asked = True
    before_send_error = "Message input not found"

    def __init__(self, host: Host, settings: ServiceSettings, port: int) -> None:
        super().__init__(host, settings, port)
        self._threads: set[str] = set()

    def routes(self) -> Mapping[str, Route]:
        seen = self._in_session
        return {
            f"POST {SEND_TO}": drives(self.send, "send_dm"),
            f"POST {FROM_PROFILE}": drives(self.send, "send_dm"),
            "GET /api/conversations": drives(seen(self.conversations), "conversations"),
            "GET /api/conversations/all": drives(seen(self.all_conversations), "conversations"),
            "POST /api/conversations/open": drives(seen(self.open), "reading"),
            "GET /api/messages": drives(seen(self.messages), "reading"),
            "GET /api/prospect/score/{}": drives(seen(self.score), "reading"),
            "POST /api/execute": Route(self.execute, "reading"),
            "GET /api/status": Route(self.status, "status"),
            "GET /api/rate-limits": Route(self.rate_limits, "rate_limits"),
            "PUT /api/rate-limits": Route(self.set_limits, "rate_limits"),
            "POST /api/inbox/navigate": drives(seen(self.navigate), "navigate"),
        }

    def health(self) -> Json:
        limits = {**self.sent_counts(), "limits": self.limits_json()}
        return {"status": "ok", "timestamp": now_text(), "rateLimits": limits}

    # Sending

    async def send(self, call: Call) -> Reply:
        if call.path == SEND_TO and self.session.ensure() is None:
            return self.no_tab()
        refused = self.refuse(call, Behaviour.OUTSIDE_HOURS, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        username, text = call.text_of("username"), call.text_of("text")
        if not username or not text:
            return Reply(400, {"error": "username and text required"})
        return await act(self, call, Effect("dm", username, text))

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:
        """Send from the profile; the plain route sends once more where it saw no proof."""
        sent = await self._from_profile(hands, effect)
        if not sent.verified and call.path == SEND_TO:
            hands.attempt += 1
            sent = await self._from_profile(hands, effect)
        return sent

    async def _from_profile(self, hands: Hands, effect: Effect) -> Sent:
        username = effect.recipient.removeprefix("@")
        if not await hands.navigate(f"https://www.instagram.com/{username}/", 5.0):
            raise Refused("Failed to navigate to profile")
        if hands.misses("open") or not hands.is_at(Kind.PROFILE):
            raise Refused(NO_BUTTON)
        tab = hands.session.tab()
        if not self.site.has_button(tab.page):
            raise Refused(NO_BUTTON)
        thread = thread_page(tab.page)
        if self.site.chat is not None:
            # The first box is that of the conversation which was open before, until it is replaced.
            thread = page_at(f"https://www.instagram.com/direct/t/{self.site.chat}/")
        hands.safari.open_page(tab, thread)
        await hands.wait(5.0)
        if hands.misses("input") or not hands.is_at(Kind.THREAD):
            raise Refused("DM composer did not open")
        self._threads.add(username)
        if any(words in hands.notice() for words in WORDS_OF_A_BLOCK):
            reply = self.failed_at("Instagram action blocked - rate limited", effect.recipient)
            raise Refused("", reply=reply)
        await hands.wait(0.5)
        if hands.misses("type"):
            raise Refused("Failed to type message")
        hands.paste(effect.text)
        if hands.is_unseen("type"):
            # Its script failed after the paste, so it types in another way.
            hands.paste(effect.text)
        await hands.wait(1.8)
        if hands.misses("submit"):
            raise Refused("Failed to press Enter to send")
        hands.press_enter()
        await hands.wait(5.5)
        return Sent(self._is_proven(hands, effect.text))

    @staticmethod
    def _is_proven(hands: Hands, text: str) -> bool:
        """Return whether it sees the text, or only stands in some thread or in the inbox."""
        if hands.is_blind:
            return False
        return hands.sees(text, in_box=False) or "/direct/" in hands.session.tab().url

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:
        body: Json = {"success": True, "username": effect.recipient}
        body["rateLimits"] = self.sent_counts()
        if call.path == FROM_PROFILE:
            body["method"] = "profile"
        elif sent.verified:
            body["strategy"] = "profile"
        else:
            return {**body, "strategy": "inbox"}
        if sent.verified is not None:
            body["verified"] = sent.verified
            body["verifiedRecipient"] = effect.recipient
        return body

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        is_careful = call.path == FROM_PROFILE
        how = {"method": "profile"} if is_careful else {"strategy": "inbox"}
        body = {"success": False, "error": error, "username": call.text_of("username"), **how}
        return Reply(200, {**body, "rateLimits": self.sent_counts()})

    def failed_at(self, error: str, username: str) -> Reply:
        """Return the reply to a block by the platform."""
        body = {"success": False, "rateLimited": True, "error": error, "username": username}
        return Reply(200, {**body, "rateLimits": self.sent_counts()})

    def no_tab(self) -> Reply:
        return Reply(503, {"error": f"Session activation failed: {self.no_session_text()}"})

    def no_session(self) -> Reply:
        return Reply(500, {"error": self.no_session_text()})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        def platform_block(call: Call) -> Reply:
            error = "Instagram action blocked - rate limited"
            return self.failed_at(error, call.text_of("username"))

        def not_found(call: Call) -> Reply:
            error = f"Profile @{call.text_of('username')} not found"
            if call.path == FROM_PROFILE:
                return self.failed(call, error)
            body = {
                "error": "Could not open or create conversation after all strategies",
                "profileError": error,
                "username": call.text_of("username"),
            }
            return Reply(404, body)

        outside = {"error": "Outside active hours", "activeHours": self.limits.hours_text()}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, outside),
            Behaviour.QUOTA: lambda _: Reply(429, {"error": "Hourly rate limit exceeded"}),
            Behaviour.QUOTA_DAILY: lambda _: Reply(429, {"error": "Daily rate limit exceeded"}),
            Behaviour.RATE_LIMITED: platform_block,
            Behaviour.NOT_FOUND: not_found,
            Behaviour.LOGGED_OUT: lambda call: self.failed(call, NO_BUTTON),
            Behaviour.RESTRICTED: lambda call: self.failed(call, NO_BUTTON),
        }

    # Reading

    def _in_session(self, answer: Answer) -> Answer:
        """Have a route look for a tab of the site before it answers."""

        async def ensured(call: Call) -> Reply:
            return self.no_tab() if self.session.ensure() is None else await answer(call)

        return ensured

    def conversation(self, person: str, last: Message) -> Json:
        shown = {"lastMessage": snippet(last), "lastMessageIsOutbound": last.is_ours}
        return {"username": person, "threadId": "", **shown}

    def message(self, index: int, message: Message) -> Json:
        return {**super().message(index, message), "timestamp": ""}

    def thread_shown(self, hands: Hands) -> list[Message]:
        # Each text is listed once, however often it was sent.
        return list(
            {each.text[:SHOWN_CHARS]: each for each in super().thread_shown(hands)}.values()
        )

    async def conversations(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            await hands.wait(2.0)
            found = self.conversations_shown(hands)
        return Reply(200, {"conversations": found, "count": len(found), "scrolled": False})

    async def all_conversations(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            found = self.conversations_shown(hands)
        tabs: dict[str, list[Json]] = {tab: [] for tab in TABS}
        for conversation in found:
            tabs.setdefault(str(conversation.pop("tab", "primary")), []).append(conversation)
        return Reply(200, {"conversations": tabs, "totalCount": len(found)})

    async def open(self, call: Call) -> Reply:
        username = call.text_of("username")
        if not username:
            return Reply(400, {"error": "username required"})
        async with self.looking(call) as hands:
            # A thread that it has met is opened unlooked; else the row of exactly this name.
            is_listed = self._is_in_inbox(hands) and username in self.site.threads
            if username in self._threads or is_listed:
                await hands.navigate(f"https://www.instagram.com/direct/t/{username}/", 2.0)
        return Reply(200, {"success": username in self._threads or is_listed, "username": username})

    def _is_in_inbox(self, hands: Hands) -> bool:
        return hands.is_at(Kind.INBOX) or hands.is_at(Kind.THREAD)

    async def score(self, call: Call) -> Reply:
        """Read a profile, and leave it open."""
        username = call.path.rsplit("/", 1)[-1]
        url = f"https://www.instagram.com/{username}/"
        async with self.looking(call) as hands:
            if hands.session.tab().url != url:
                await hands.navigate(url, 6.0)
        about = {"fullName": "", "bio": "", "followers": "", "following": "", "posts": ""}
        return Reply(200, {"username": username, "profile": about, "icpScore": 0, "score": 0})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        tab = self.session.tab()
        site = self.host.safari.sites[tab.page.site]
        body = {
            "isOnInstagram": self.session.is_site(tab.url),
            "isLoggedIn": site.is_logged_in,  # it only looks for a login form
            "currentUrl": tab.url,
            "driverConfig": {"instanceType": "local", "timeout": 30000},
        }
        return Reply(200, body)

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        limits = {"limits": self.limits_json(), "activeHours": self.hours_json()}
        return Reply(200, {**self.sent_counts(), **limits})

    async def set_limits(self, call: Call) -> Reply:
        await super().set_limits(call)
        return Reply(200, {"success": True, "rateLimits": self.limits_json()})

    async def navigate(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            if not await hands.navigate(INBOX, 4.0):
                return Reply(200, {"success": False, "error": "Failed to navigate to inbox"})
            if not hands.is_logged_in():
                return Reply(200, {"success": False, "error": "Not logged in to Instagram"})
        return Reply(200, {"success": True, "currentUrl": INBOX})
