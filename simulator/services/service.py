"""What all nine services have in common, and what each says in its own words."""

from __future__ import annotations

import asyncio
import json
import re
import time
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from simulator.browser.collisions import Driver
from simulator.browser.hands import Hands
from simulator.browser.session import PATTERNS, Session
from simulator.browser.sites import iso_time
from simulator.exchange import Call, Effect, Json, Reply
from simulator.scenario.behaviours import Behaviour
from simulator.services.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from simulator.browser.pages import Page
    from simulator.browser.safari import ScriptError, Spot
    from simulator.browser.sites import Site
    from simulator.exchange import Route, Sent
    from simulator.scenario import ServiceSettings
    from simulator.services.host import Host

__all__ = ["Service", "now_text"]


# The text that a script looks for in the box.
_SOUGHT = re.compile(r'var once=("(?:[^"\\]|\\.)*")')


def no_tab_body(service: str) -> Json:
    """Return the words of the tab coordinator when it has no tab."""
    return {
        "error": f"No Safari tab available for {service}",
        "detail": "No unclaimed tab matches the URL pattern",
        "fix": "Open the site in Safari window 1 and log in",
    }


def now_text() -> str:
    """Return the time as JavaScript writes it."""
    return iso_time(time.time())


class Service(ABC):
    """A Safari service while it lives; a new one is made after each crash.

    Subclasses say in which words it speaks.
    """

    name: ClassVar[str]
    platform: ClassVar[str]
    claims_tabs: ClassVar[bool] = True
    default_token: ClassVar[str | None] = None
    per_hour: ClassVar[int | None] = None
    per_day: ClassVar[int] = 1_000_000
    counts_when_asked: ClassVar[bool] = False
    http_limit_per_minute: ClassVar[int | None] = None
    wants_json: ClassVar[bool] = False
    empty_bearer_status: ClassVar[int] = 401
    dies_after_timeout: ClassVar[bool] = False
    before_send_error: ClassVar[str] = "Could not find Send button"
    timeout_text: ClassVar[str] = "Request timed out after 30 seconds"
    guards_session_routes: ClassVar[bool] = False
    session_needs_tab: ClassVar[bool] = False

    def __init__(self, host: Host, settings: ServiceSettings, port: int) -> None:
        self.host = host
        self.settings = settings
        self.port = port
        self.session = Session(host.safari, host.claims, self.name, self.platform, port)
        given = "token" in settings.model_fields_set
        self.token = settings.token if given else self.default_token
        self.latency_seconds = (
            host.latency_seconds if settings.latency_ms is None else settings.latency_ms / 1000
        )
        self.limits = Limits(
            self.per_hour, self.per_day, settings, is_asked_first=self.counts_when_asked
        )
        self.started_at = time.time()
        self.started_text = now_text()
        self.refusals: dict[Behaviour, Callable[[Call], Reply]] = {
            Behaviour.NOT_FOUND: lambda call: self.failed(call, "User not found"),
            Behaviour.RATE_LIMITED: lambda call: self.failed(call, "Action blocked - rate limited"),
            Behaviour.CAPTCHA: lambda call: self.failed(call, "Captcha required"),
            Behaviour.LOGGED_OUT: lambda call: self.failed(call, "Not logged in"),
            Behaviour.RESTRICTED: lambda call: self.failed(call, "Platform restriction"),
            **self.own_refusals(),
        }
        self._background: set[asyncio.Task[Any]] = set()

    # What a subclass says

    @abstractmethod
    def routes(self) -> Mapping[str, Route]:
        """Return its routes by ``GET /path``; ``{}`` stands for one path segment."""

    @abstractmethod
    def health(self) -> Json:
        """Give the body of /health."""

    @abstractmethod
    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:
        """Drive Safari as its driver does; raises Refused or ScriptError."""

    @abstractmethod
    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:
        """Return the body of a 200."""

    @abstractmethod
    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:
        """Return the reply to a driver failure."""

    def broken(self, call: Call, error: ScriptError) -> Reply:  # noqa: ARG002
        """Return the reply to an osascript failure that nothing in it catches."""
        return Reply(500, {"error": f"Error: {error}"})

    def failed_script(self, call: Call, error: ScriptError) -> Reply:
        """Return the reply to an osascript failure during a send."""
        return self.broken(call, error)

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        """Give its words for what it refuses."""
        return {}

    def no_tab(self) -> Reply:
        """Give the reply when no Safari tab can be had."""
        return Reply(503, no_tab_body(self.name))

    def ensure_session(self) -> tuple[Spot, str] | None:
        """Return where its session finds a tab of the site, and the address there."""
        return self.session.ensure()

    def no_session(self) -> Reply:
        """Give the reply of session/ensure when it finds no tab."""
        return Reply(200, {"ok": False, "error": self.no_session_text()})

    def no_session_text(self) -> str:
        """Return the words of its driver when no tab of the site is open."""
        pattern = PATTERNS[self.platform]
        return (
            f"Error: [SafariDriver] No '{pattern}' tab found. "
            "Claim a tab via TabCoordinator before running automation."
        )

    def unauthorized(self, *, empty: bool) -> Reply:
        """Give the reply to a missing or wrong bearer token."""
        status = self.empty_bearer_status if empty else 401
        message = "Valid Bearer token required"
        return Reply(status, {"error": "Unauthorized", "message": message})

    def broken_json(self) -> Reply:
        """Give the reply to a body that is no JSON."""
        return Reply(400, {"error": "Bad Request", "message": "Invalid JSON"})

    # What subclasses use

    def refuse(self, call: Call, *reasons: Behaviour) -> Reply | None:
        """Give the refusal for the first of these reasons that holds now."""
        rule = call.rule
        if rule is None and self.limits.are_off:
            return None
        for reason in reasons:
            told = rule is not None and rule.behaviour is reason
            if told or self.limits.forbid(reason):
                return self.refusals[reason](call)
        return None

    @property
    def site(self) -> Site:
        """Return the site whose tab it needs."""
        return self.host.safari.sites[self.platform]

    def hands(self, call: Call, effect: Effect | None = None) -> Hands:
        """Return what drives the page for one request."""

        def deliver(kind: str, recipient: str, text: str) -> None:
            asked = "" if effect is None else effect.recipient
            self.host.world.record(self.name, kind, recipient, text, call.request_id, asked=asked)

        rule = call.rule
        is_blind = rule is not None and rule.behaviour is Behaviour.UNVERIFIED
        faults = () if rule is None else rule.faults
        return Hands(self.session, deliver, faults, is_blind=is_blind)

    @asynccontextmanager
    async def looking(self, call: Call) -> AsyncIterator[Hands]:
        """Drive the page for as long as reading it takes."""
        with self.host.collisions.driven_by(Driver(self.name, call.request_id)):
            if self.latency_seconds:
                await asyncio.sleep(self.latency_seconds)
            yield self.hands(call)

    async def execute(self, call: Call) -> Reply:
        """Run a script in the page: for its address, its account, and a profile's button.

        It reads what is there, as a status does; focus, address and box stay as they are. One that
        looks for text boxes also closes the conversations over the page.
        """
        script = call.text_of("script", "js").strip()
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        hands = self.hands(call)
        hands.misses("look")
        page = hands.session.tab().page
        if (sought := _SOUGHT.search(script)) is not None:
            left = self.text_left(hands, json.loads(sought[1]))
            return Reply(200, {"result" if "js" in call.body else "output": left})
        if "documentElement.lang" in script:
            key = "result" if "js" in call.body else "output"
            return Reply(200, {key: hands.safari.sites[page.site].language})
        if "Something went wrong" in script:
            words = self.words_found(page)
            named = f"{page.url} {words}" if "location.href" in script else words
            return Reply(200, {"result": named})
        output = page.url if "location.href" in script else self.site.own_link(page, script)
        if "location.href" in script and "querySelector" in script:
            is_found = page.is_of_person and self.site.has_button(page)
            is_mistaken = "protected" in script and "protected" in self.site.content(page)
            output += " words" if is_mistaken else " ready" if is_found else " "
            if "textbox" in script:
                self.site.close_chat()
                output = output if self.site.chat is None else f"{page.url} open"
        return Reply(200, {"result" if "js" in call.body else "output": output})

    def text_left(self, hands: Hands, text: str) -> str:
        """Return whether a text still stands in the box, or how it stands in the last message."""
        tab = hands.session.tab()
        garbled = text.encode().decode("mac_roman")
        if text.strip() in tab.box or garbled.strip() in tab.box:
            return "left"
        thread = self.site.threads.get(tab.page.subject, ())
        shown = [message.text for message in thread][-1:]
        comments = {comment.text for comment in self.site.comments.get(tab.page.url, ())}
        if shown == [text * 2]:
            return "twice"
        if garbled != text and garbled in {*shown, *comments}:
            return "garbled"
        on_page = self.host.safari.sites[tab.page.site].shown_text(tab.page, "")
        return "" if any(text in each for each in on_page) else "absent"

    def words_found(self, page: Page) -> str:  # noqa: ARG002
        """Return where a page holds words that its driver takes for a failure: nowhere."""
        return ""

    def repeat(self, call: Call, effect: Effect) -> None:
        """Log that the same was asked for again and the service itself held it back."""
        self.host.world.record(self.name, "repeat", effect.recipient, effect.text, call.request_id)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work go on after the answer, until it ends or the service dies."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing goes on behind the answers."""
        return not self._background

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        self.host.bell.ring()

    def die(self, restart_after_seconds: float | None = None) -> None:
        """Crash: drop all connections, refuse new ones until restarted."""
        wait = restart_after_seconds
        if wait is None:
            wait = self.settings.restart_after_seconds
        self.host.crash(self.name, wait)

    def abandon(self) -> None:
        """Stop what goes on behind the answers, apart from the caller."""
        current = asyncio.current_task()
        for task in self._background - {current}:
            task.cancel()
