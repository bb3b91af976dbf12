"""What the four services that comment have in common: three tries, and the last one's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from simulator.browser import shell
from simulator.browser.safari import ScriptError
from simulator.browser.sites import ENGLISH, iso_time
from simulator.exchange import Call, Effect, Json, Refused, Reply, Sent
from simulator.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.browser.hands import Hands
    from simulator.browser.pages import Page

__all__ = ["CommentService", "Manner", "Words"]

TRIES = 3
BACK_OFF_SECONDS = 2.0
COMMENTS_SHOWN = 50
SHOWN_CHARS = 500


@dataclass(frozen=True, slots=True)
class Words:
    """Words on a page that its driver looks for, and how it reports them.

    Some end the request at once; after the others it tries again. Parts between dots can stand
    anywhere.
    """

    shown: str
    reported: str
    ends: bool = False

    def stand_in(self, text: str) -> bool:
        """Return whether a text in lower case holds them."""
        return all(part in text for part in self.shown.split(" … "))


@dataclass(frozen=True, slots=True)
class Manner:
    """How a driver writes: what it reports where a step fails, and how long its steps take.

    ``no_opener`` is what it reports where the way to the box is missing; None where there is none
    to look for. ``is_opener_named`` is whether it looks for that by an English word.
    ``is_proven_by_box`` is whether it takes its text in the box for the comment.
    ``ways`` are those in which it types where JavaScript brings nothing.
    """

    words: tuple[Words, ...]
    no_opener: str | None
    no_input: str
    not_typed: str
    not_submitted: str
    opener_seconds: float = 0.0
    input_seconds: float = 4.0
    typing_seconds: float = 1.1
    submit_seconds: float = 3.0
    verify_seconds: float = 2.0
    is_proven_by_empty_box: bool = False
    is_proven_by_box: bool = False
    is_for_tweets: bool = False
    is_opener_named: bool = False
    ways: tuple[Callable[[str], str], ...] = (shell.clipboard_doubling,)


class CommentService(Service):
    """Comments below posts of one site; ``site_name`` is as it spells it in ``isOn…``."""

    site_name: ClassVar[str]
    manner: ClassVar[Manner]
    navigate_seconds: ClassVar[float] = 6.0
    knows_login_by_words: ClassVar[bool] = False
    way = 1  # in which of its manner's ways it last typed

    # Sending

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:
        """Open the post, wait, and comment on what is there."""
        if effect.recipient and not await hands.navigate(effect.recipient, self.navigate_seconds):
            self.cannot_navigate(call)
        return await self.write(hands, effect.text, self.manner)

    def cannot_navigate(self, call: Call) -> None:
        """Raise Refused where the driver looks whether it could navigate."""

    async def write(self, hands: Hands, text: str, manner: Manner) -> Sent:
        """Try three times; raises Refused with the words of the last."""
        last = ""
        for attempt in range(1, TRIES + 1):
            hands.attempt = attempt
            try:
                problem = await self._try(hands, text, manner)
                if problem is None:
                    return Sent(await self.verify(hands, text, manner), attempt)
                if problem.ends:
                    raise Refused(problem.reported, attempt)
                last = problem.reported
            except ScriptError as error:
                last = str(error)
                if attempt < TRIES:
                    await hands.wait(BACK_OFF_SECONDS * attempt)
        raise Refused(last, TRIES)

    async def open_box(self, hands: Hands, manner: Manner) -> Words | None:
        """Go to where it writes before each try; return what hinders it."""

    async def _try(  # noqa: PLR0911  a step each
        self, hands: Hands, text: str, manner: Manner
    ) -> Words | None:
        hindered = await self.open_box(hands, manner)
        if hindered is not None:
            return hindered
        hands.misses("look")
        shown = self.shown_words(hands)
        for words in manner.words:
            if words.stand_in(shown):
                if not words.ends:
                    await hands.wait(3.0)
                return words
        is_read = self.site.language == ENGLISH or not manner.is_opener_named
        is_there = is_read and hands.can_comment()
        if manner.no_opener is not None and (hands.misses("open") or not is_there):
            await hands.wait(manner.opener_seconds)
            return Words("", manner.no_opener)
        there = hands.is_composing if manner.is_for_tweets else hands.can_comment
        if hands.misses("input") or not await hands.until(there, manner.input_seconds):
            return Words("", manner.no_input)
        if hands.misses("type"):
            return Words("", manner.not_typed)
        self.way = hands.write(text, *manner.ways)
        if not self.way:
            return Words("", manner.not_typed)
        await hands.wait(manner.typing_seconds)
        if hands.misses("submit"):
            await hands.wait(manner.submit_seconds)
            return Words("", manner.not_submitted)
        hands.send(hands.session.tab())
        return None

    async def verify(self, hands: Hands, text: str, manner: Manner) -> bool:
        """Look whether it was sent, as the driver does; raises ScriptError."""
        await hands.wait(manner.verify_seconds)
        if hands.sees(text, in_box=manner.is_proven_by_box):
            return True
        return manner.is_proven_by_empty_box and hands.box_is_empty()

    def shown_words(self, hands: Hands) -> str:
        """Return what the page shows of troubles, in lower case; raises ScriptError."""
        return hands.notice()

    # Looking

    def words_found(self, page: Page) -> str:
        """Return where a page holds words that its driver takes for a failure: post or page."""
        places = {"page": self.site.notice.lower(), "post": self.site.content(page).lower()}
        return next(
            (
                place
                for place, text in places.items()
                for words in self.manner.words
                if words.stand_in(text)
            ),
            "",
        )

    async def status(self, call: Call) -> Reply:  # noqa: ARG002
        """Return what stands in front, and whether the page in its own tab is logged in."""
        return Reply(200, self.tab_shown())

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        """Tell the limits and what is used of them."""
        return Reply(200, self.counted())

    async def set_limits(self, call: Call) -> Reply:
        """Change the limits."""
        self.limits.change(call.body, "commentsPerHour", "commentsPerDay")
        return Reply(200, {"rateLimits": self.limits.as_json("commentsPerHour", "commentsPerDay")})

    def tab_shown(self) -> Json:
        """Return the body of its status; ``currentUrl`` is that of the front tab."""
        url = self.session.front_url()
        try:
            is_read = self.site.language == ENGLISH or not self.knows_login_by_words
            is_logged_in = bool(url) and is_read and self.session.is_logged_in()
        except ScriptError:
            url, is_logged_in = "", False
        is_on_site = self.session.is_site(url)
        return {
            f"isOn{self.site_name}": is_on_site,
            "isLoggedIn": is_logged_in,
            "currentUrl": url,
        }

    def counted(self) -> Json:
        """Return how many comments count against the limits now."""
        limits = self.limits.as_json("commentsPerHour", "commentsPerDay")
        return {
            "commentsThisHour": self.limits.this_hour,
            "commentsToday": self.limits.today,
            "limits": limits,
        }

    def comments_shown(self, limit: int = COMMENTS_SHOWN) -> list[Json]:
        """Return the comments that the page in its tab shows; raises ScriptError."""
        page = self.session.tab().page
        site = self.host.safari.sites[page.site]
        if not site.is_logged_in:
            return []
        written = site.content(page)
        others = [{"username": "somebody", "text": written, "timestamp": ""}] if written else []
        return [
            {"username": c.author, "text": c.text[:SHOWN_CHARS], "timestamp": iso_time(c.at)}
            for c in list(site.comments.get(page.url, ()))[:limit]
        ] + others

    async def comments(self, call: Call) -> Reply:
        """List the comments below the post, which it opens where one is named."""
        async with self.looking(call) as hands:
            url = call.request.query.get("postUrl", "")
            if url:
                await hands.navigate(url, self.navigate_seconds)
            limit = int(call.request.query.get("limit", COMMENTS_SHOWN))
            found = self.comments_shown(limit)
        return Reply(200, {"comments": found, "count": len(found)})

    async def navigate(self, call: Call) -> Reply:
        """Open an address in its tab."""
        url = self.asked_url(call)
        if not url:
            return Reply(400, {"error": "Bad Request", "message": "Missing required field: url"})
        async with self.looking(call) as hands:
            arrived = await hands.navigate(url, 3.0)
        return Reply(200, {"success": arrived, "url": url})

    def asked_url(self, call: Call) -> str:
        """Return the address that a request to navigate names."""
        return call.text_of("url", "postUrl")

    def posts_shown(self, hands: Hands) -> list[str]:
        """Return the addresses of the posts on the profile in its tab; raises ScriptError."""
        page = hands.session.tab().page
        return self.posts_of(page.subject) if page.kind == "profile" else []

    def posts_of(self, handle: str) -> list[str]:
        """Return the addresses on a profile: those of the scenario, else its own."""
        if self.settings.posts is not None:
            return [str(post.get("url", "")) for post in self.settings.posts]
        return self.site.posts_of(handle)
