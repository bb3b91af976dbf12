"""What a driver does on the page during one request, and what can go wrong with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.browser.pages import Kind, page_at
from simulator.browser.safari import ScriptError, Spot
from simulator.browser.shell import Ran, keystrokes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.browser.safari import Tab
    from simulator.browser.session import Session
    from simulator.scenario.safari import Fault, Step

    # Takes the kind, who really got it, and the text.
    Deliver = Callable[[str, str, str], None]

__all__ = ["FIRST_TAB", "Hands"]

# Where a driver without a tracked tab pastes.
FIRST_TAB = Spot(1, 1)
VERIFIED_CHARS = 25
_MENTION_AT_END = re.compile(r"(?:^|\s)@\S*\Z")


class Hands:
    """Drives Safari for one request.

    ``deliver`` logs what reached somebody; ``is_blind`` makes every verification fail.
    """

    def __init__(
        self,
        session: Session,
        deliver: Deliver,
        faults: Sequence[Fault] = (),
        *,
        is_blind: bool = False,
    ) -> None:
        self.session = session
        self.safari = session.safari
        self.attempt = 1
        self._deliver = deliver
        self._faults = faults
        self.is_blind = is_blind

    async def wait(self, seconds: float) -> None:
        """Let seconds of the Mac pass."""
        await self.safari.clock.wait(seconds)

    def misses(self, step: Step) -> bool:
        """Return whether this step finds no element; raises ScriptError where it is to fail."""
        fault = self._fault(step)
        if fault is not None and fault.kind == "error":
            raise ScriptError(fault.text)
        return fault is not None and fault.kind == "missing"

    async def navigate(self, url: str, seconds: float) -> bool:
        """Set the address of the tab and wait; False when Safari does not answer."""
        try:
            if self.misses("navigate"):
                return False
            self.safari.navigate(self.session.tab(), url)
        except ScriptError:
            return False
        await self.wait(seconds)
        return True

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Look until it holds or the time is over; only a page that loads can change it."""
        if holds():
            return True
        clock = self.safari.clock
        try:
            loads_at = self.session.tab().loads_at
        except ScriptError:
            loads_at = None
        if loads_at is not None and loads_at - clock.now() <= seconds:
            await self.wait(max(0.0, loads_at - clock.now()))
            return holds()
        await self.wait(seconds)
        return holds()

    def can_comment(self) -> bool:
        """Return whether the page in the tab shows a post to comment on; raises ScriptError."""
        return self.session.tab().page.takes_comments and self.is_logged_in()

    def is_composing(self) -> bool:
        """Return whether the tab shows the box for a new tweet; raises ScriptError."""
        return self.is_at(Kind.COMPOSE)

    def is_at(self, kind: Kind) -> bool:
        """Return whether the tab shows such a page of the service's site; raises ScriptError."""
        is_kind = self.session.tab().page.kind is kind
        return is_kind and self.is_on_site() and self.is_logged_in()

    def is_on_site(self) -> bool:
        """Return whether the tab shows a page of the service's site; raises ScriptError."""
        return self.session.tab().page.site == self.session.site

    def is_logged_in(self) -> bool:
        """Return whether the site in the tab knows who looks; raises ScriptError."""
        return self.safari.sites[self.session.tab().page.site].is_logged_in

    def write(self, text: str, *ways: Callable[[str], str]) -> int:
        """Put text into the box of the tab; raises ScriptError.

        By JavaScript, and where the driver sees nothing come of that, in the first of further
        ``ways`` that brings some of it. Returns how many it needed; 0 where none did.
        """
        fault, tab = self._fault("type"), self.session.tab()
        kind = None if fault is None else fault.kind
        if kind != "ignored":
            self.safari.write(tab, text)
        if kind not in {"ignored", "unseen"}:
            return 1
        for number, way in enumerate(ways, 2):
            try:
                arrived = way(text)
            except Ran as ran:
                self._deliver("shell", tab.url, str(ran))
                continue
            if way is not keystrokes:
                arrived = self._copied(arrived)
            if arrived:
                self.safari.write(tab, arrived)
                return number
        return 0

    def paste(self, text: str) -> None:
        """Paste in the tracked tab, else in the first; what finds no box there is lost."""
        spot = self.session.tracked or FIRST_TAB
        self.safari.clipboard = text = self._copied(text)
        self.safari.select(spot)
        tab = self.safari.tab(spot)
        if _has_box(self, tab):
            self.safari.write(tab, text)
        else:
            self._deliver("lost", tab.url, text)

    def press_enter(self) -> None:
        """Press Enter where ``paste`` has pasted; a list of people to mention takes it."""
        tab = self.safari.tab(self.session.tracked or FIRST_TAB)
        if not _MENTION_AT_END.search(tab.box):
            self.send(tab)

    def send(self, tab: Tab) -> None:
        """Send what stands in the box of a tab, to whom its page is for; raises ScriptError."""
        fault = self._fault("submit")
        if fault is not None and fault.kind == "ignored":
            return
        text = self.safari.empty(tab)
        if not text or (fault is not None and fault.kind == "swallowed"):
            return
        site = self.safari.sites[tab.page.site]
        kind, recipient = site.take(tab.page, text)
        self._deliver(kind, recipient, text)
        if tab.page.kind is Kind.COMPOSE:
            self.safari.open_page(tab, page_at("https://x.com/home"))

    def sees(self, text: str, tab: Tab | None = None, *, in_box: bool = True) -> bool:
        """Return whether the page shows the beginning of a text; raises ScriptError."""
        if self.misses("verify") or self.is_blind:
            return False
        tab = tab or self.session.tab()
        site = self.safari.sites[tab.page.site]
        shown = site.shown_text(tab.page, tab.box if in_box else "")
        return any(text[:VERIFIED_CHARS] in each for each in shown)

    def box_is_empty(self) -> bool:
        """Return whether nothing stands in the box; raises ScriptError."""
        return not self.is_blind and not self.session.tab().box

    def notice(self) -> str:
        """Return the words of the site and of people on the page; raises ScriptError.

        In lower case: the drivers do not tell the ones from the others.
        """
        page = self.session.tab().page
        site = self.safari.sites[page.site]
        return f"{site.notice}\n{site.content(page)}".lower()

    def is_unseen(self, step: Step) -> bool:
        """Return whether the driver does not see that this step was done."""
        fault = self._fault(step)
        return fault is not None and fault.kind == "unseen"

    def _copied(self, text: str) -> str:
        """Return what ``pbcopy`` makes of a text."""
        return text.encode().decode(self.safari.settings.clipboard)

    def _fault(self, step: Step) -> Fault | None:
        return next((f for f in self._faults if (f.step, f.on_try) == (step, self.attempt)), None)


def _has_box(hands: Hands, tab: Tab) -> bool:
    return tab.page.has_box and hands.safari.sites[tab.page.site].is_logged_in
