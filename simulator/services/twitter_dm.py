"""twitter-dm: limits first, then the body; every failure of the page is a 200."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.browser.pages import INBOX_URLS, Kind, page_at, thread_page
from simulator.exchange import Call, Effect, Json, Refused, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.direct_messages import DmService
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.safari import ScriptError

__all__ = ["TwitterDm"]

INBOX = INBOX_URLS["twitter"]
NO_WAY_IN = "Could not open DM — profile button missing and inbox compose failed"


class TwitterDm(DmService):
    """No auth; ``force`` skips the active hours only."""

    name = "twitter-dm"
    platform = "twitter"
    per_hour = 15
    per_day = 100
    counts_when_asked = True

    def routes(self) -> Mapping[str, Route]:
        base = "/api/twitter"
        return {
            f"POST {base}/messages/send-to": drives(self.send, "send_dm"),
            f"GET {base}/conversations": drives(self.conversations, "conversations"),
            f"POST {base}/conversations/open": drives(self.open, "reading"),
            f"POST {base}/execute": Route(self.execute, "reading"),
            f"GET {base}/prospect/score/{{}}": drives(self.score, "reading"),
            f"GET {base}/messages": drives(self.messages, "reading"),
            f"GET {base}/status": tells(self.status, "status"),
            f"GET {base}/rate-limits": tells(self.rate_limits, "rate_limits"),
            f"PUT {base}/rate-limits": tells(self.set_limits, "rate_limits"),
            f"POST {base}/inbox/navigate": drives(self.navigate, "navigate"),
        }

    def health(self) -> Json:
        return {"status": "ok", "service": self.name, "timestamp": now_text()}

    # Sending

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
        return await act(self, call, Effect("dm", username, text))

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:  # noqa: ARG002
        """Open the profile, its thread, and write there; a failed navigation is not noticed."""
        await hands.navigate(f"https://x.com/{effect.recipient}", 4.0)
        await hands.until(lambda: hands.is_at(Kind.PROFILE), 5.0)
        if hands.misses("open") or not hands.is_at(Kind.PROFILE):
            await hands.wait(1.5)
            raise Refused(NO_WAY_IN)
        tab = hands.session.tab()
        if "protected" in self.site.content(tab.page):
            raise Refused("Account is protected")
        thread = thread_page(tab.page)
        if not self.site.has_button(tab.page):
            # It writes a new message, and takes whom the search lists first.
            await hands.wait(7.0)
            thread = page_at(f"{INBOX}/{self.site.suggested(effect.recipient)}")
        if self.site.chat is not None:
            # A box is there at once, before that of the conversation which the button opens.
            thread = page_at(f"{INBOX}/{self.site.chat}")
        hands.safari.open_page(tab, thread)
        await hands.wait(2.0)
        if hands.misses("input") or not hands.is_at(Kind.THREAD):
            raise Refused("DM composer did not open")
        if hands.misses("type"):
            raise Refused("Could not type message")
        hands.write(effect.text)
        await hands.wait(0.5)
        if hands.misses("submit"):
            raise Refused("Could not find Send button")
        hands.send(hands.session.tab())
        await hands.wait(2.0)
        # It reads the whole page, thus also the box in which the text may still stand.
        return Sent(hands.sees(effect.text), recipient=hands.session.tab().page.subject)

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:  # noqa: ARG002
        body: Json = {"success": True, "username": effect.recipient}
        if sent.verified is not None:
            body["verified"] = sent.verified
            body["verifiedRecipient"] = sent.recipient or effect.recipient
        body["rateLimits"] = self.sent_counts()
        return body

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        body = {"success": False, "error": error, "username": call.text_of("username")}
        return Reply(200, {**body, "rateLimits": self.sent_counts()})

    def failed_script(self, call: Call, error: ScriptError) -> Reply:  # noqa: ARG002
        return Reply(500, {"success": False, "error": f"Error: {error}"})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        hours = {"error": "Outside active hours", "activeHours": self.limits.hours_text()}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, hours),
            Behaviour.QUOTA: lambda _: Reply(429, {"error": "Hourly rate limit exceeded"}),
            Behaviour.QUOTA_DAILY: lambda _: Reply(429, {"error": "Daily rate limit exceeded"}),
            Behaviour.RESTRICTED: lambda call: self.failed(call, "Account is protected"),
            Behaviour.LOGGED_OUT: lambda call: self.failed(call, NO_WAY_IN),
        }

    # Reading

    async def open(self, call: Call) -> Reply:
        username = call.text_of("username")
        async with self.looking(call) as hands:
            # The first row that holds the name anywhere, so ada opens adam.
            person = self.person_like(username) if hands.is_at(Kind.INBOX) else None
            if person is not None:
                hands.safari.open_page(hands.session.tab(), page_at(f"{INBOX}/{person}"))
            await hands.wait(2.0)
        return Reply(200, {"success": person is not None, "username": username})

    async def score(self, call: Call) -> Reply:
        """Read a profile, and leave it open."""
        handle = call.path.rsplit("/", 1)[-1]
        async with self.looking(call) as hands:
            await hands.navigate(f"https://x.com/{handle}", 4.0)
        about = {"handle": handle, "displayName": "", "bio": "", "followers": "", "following": ""}
        return Reply(200, {"success": True, "username": handle, **about, "icpScore": 0})

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        url = self.session.tab().url  # that of the front tab until it tracks one
        is_on_site = self.session.is_site(url)
        body = {
            "isOnTwitter": is_on_site,
            "isLoggedIn": is_on_site and self.session.is_logged_in(),
            "currentUrl": url,
            "driverConfig": {"instanceType": "local", "timeout": 30000},
        }
        return Reply(200, body)

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        limits = {"limits": self.limits_json(), "activeHours": self.hours_json()}
        return Reply(200, {**self.sent_counts(), **limits})

    async def navigate(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            if not await hands.navigate(INBOX, 4.0):
                return Reply(200, {"success": False, "error": "Failed to navigate to inbox"})
            if not hands.is_logged_in():
                return Reply(200, {"success": False, "error": "Not logged in to Twitter/X"})
        return Reply(200, {"success": True, "currentUrl": INBOX})
