"""The one Safari that all services drive: its windows, its tabs, and what stands in front."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from simulator.browser.pages import HOME_URLS, INBOX_URLS, Page, moved, page_at
from simulator.browser.sites import Site
from simulator.catalogue import NAMES, site_of
from simulator.scenario.safari import OWN, SITES, SafariSettings

__all__ = ["Clock", "Safari", "ScriptError", "Spot", "Tab"]

RESEARCH = "market-research"
INBOX_SERVICES = frozenset({"instagram-dm", "twitter-dm", "tiktok-dm", "linkedin-automation"})
SPARE_URL = "https://www.apple.com/"
NOT_RUNNING = "Safari got an error: Application isn’t running. (-600)"
NOT_ALLOWED = "Not authorized to send Apple events to Safari. (-1743)"
NO_TAB = "Safari got an error: Can’t get {}. Invalid index. (-1719)"


class ScriptError(Exception):
    """Raised when osascript fails; the text is that of Node's ``exec``."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            f"Command failed: osascript /tmp/safari-js.scpt\n0:152: execution error: {why}"
        )


class Clock:
    """Seconds as on a real Mac; at a scale of 0 waiting takes no time but is counted."""

    def __init__(self) -> None:
        self.scale = 0.0
        self._skipped = 0.0
        self._started = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the start."""
        passed = time.monotonic() - self._started
        return self._skipped + (passed / self.scale if self.scale else passed)

    async def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""
        if self.scale:
            await asyncio.sleep(seconds * self.scale)
        else:
            self._skipped += seconds


@dataclass(slots=True, eq=False)
class Tab:
    """A tab: its address bar may be ahead of the page that it still shows."""

    url: str
    page: Page
    box: str = ""
    has_focus: bool = False
    loads_at: float | None = None


@dataclass(slots=True, eq=False)
class Window:
    """A window and which of its tabs is in front, counted from 0."""

    tabs: list[Tab] = field(default_factory=list)
    current: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """The place of a tab in AppleScript's count from 1; window 1 is the one in front."""

    window: int
    tab: int


class Safari:
    """Lays out the tabs, and finds them as AppleScript does: by place, not by identity."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sites = {name: Site(name) for name in (*SITES, "google", "other")}
        self.clipboard = ""
        self.settings = SafariSettings()
        self._own: dict[str, Tab] = {}
        self._spare = _new_tab(SPARE_URL)
        self._automation = Window()
        self._windows = [self._automation]
        self.reset(self.settings)

    # Arranging

    def reset(self, settings: SafariSettings) -> None:
        """Open a window with a tab for each service, and forget what the sites kept."""
        self.sites = {name: Site(name) for name in (*SITES, "google", "other")}
        self._own = {}
        self._automation = Window()
        self._windows = [self._automation]
        for name in NAMES:
            self._open(name)
        self._spare = _new_tab(SPARE_URL)
        self._automation.tabs.append(self._spare)
        self.settings = SafariSettings()
        self.arrange(settings)

    def arrange(self, settings: SafariSettings) -> None:
        """Change what differs from the present settings; drafts and threads stay."""
        before, self.settings = self.settings, settings
        self.clock.scale = settings.time_scale
        for site in self.sites.values():
            site.arrange(settings)
        for name in settings.closed - before.closed:
            self._close(name)
        for name in before.closed - settings.closed:
            self._open(name)
        for name in before.at.keys() - settings.at.keys() - settings.closed:
            self._show(self._own[name], page_at(_home_of(name)))
        for name, url in settings.at.items():
            if before.at.get(name) != url and name in self._own:
                self._show(self._own[name], page_at(url))
        if settings.other_window != before.other_window:
            self._windows = [self._automation]
            if settings.other_window is not None:
                self._windows.insert(0, Window([_new_tab(settings.other_window)]))
        if settings.front != before.front:
            self._bring_to_front(settings.front)

    def _open(self, name: str) -> None:
        self._own[name] = tab = _new_tab(_home_of(name))
        self._automation.tabs.append(tab)

    def _close(self, name: str) -> None:
        tab = self._own.pop(name)
        place = self._automation.tabs.index(tab)
        self._automation.tabs.remove(tab)
        if self._automation.current >= place:
            self._automation.current = max(0, self._automation.current - 1)

    def _bring_to_front(self, front: str) -> None:
        if front == OWN:
            return
        tab = self._own.get(front)
        if tab is None:
            tab = _new_tab(front)
            self._automation.tabs.append(tab)
        self._automation.current = self._automation.tabs.index(tab)

    def own_tab_is_front(self) -> bool:
        """Return whether each service finds its own tab in front."""
        return self.settings.front == OWN and self.settings.other_window is None

    # What AppleScript sees

    def front(self, service: str) -> Tab:
        """Return the front document for a service; raises ScriptError."""
        self._answer()
        if self.own_tab_is_front() and service in self._own:
            # A search takes whatever is in front; its own tab is only there to be claimed.
            return self._loaded(self._spare if service == RESEARCH else self._own[service])
        window = self._windows[0]
        if not window.tabs:
            raise ScriptError(NO_TAB.format("document 1"))
        return self._loaded(window.tabs[window.current])

    def tab(self, spot: Spot) -> Tab:
        """Return the tab at a place; raises ScriptError."""
        self._answer()
        try:
            return self._loaded(self._windows[spot.window - 1].tabs[spot.tab - 1])
        except IndexError:
            raise ScriptError(NO_TAB.format(f"tab {spot.tab} of window {spot.window}")) from None

    def select(self, spot: Spot) -> None:
        """Bring a tab and its window to the front; raises ScriptError."""
        tab = self.tab(spot)
        window = self._windows.pop(spot.window - 1)
        self._windows.insert(0, window)
        window.current = window.tabs.index(tab)

    def places(self, pattern: str) -> list[Spot]:
        """Return where the first window has tabs whose address holds the pattern."""
        if not (self.settings.running and self.settings.automation_allowed):
            return []
        tabs = self._windows[0].tabs
        return [Spot(1, n) for n, tab in enumerate(tabs, start=1) if pattern in tab.url]

    def place_of_own(self, service: str) -> Spot | None:
        """Return where the tab of a service stands, None when it is closed."""
        if service not in self._own:
            return None
        window = self._windows.index(self._automation) + 1
        return Spot(window, self._automation.tabs.index(self._own[service]) + 1)

    # Pages

    def navigate(self, tab: Tab, url: str) -> None:
        """Set the address of a tab; its page follows when the site has loaded it."""
        url = moved(url)
        tab.url = self.sites[page_at(url).site].redirected(url)
        page = page_at(tab.url)
        seconds = self.sites[page.site].load_seconds
        if seconds:
            tab.loads_at = self.clock.now() + seconds
        else:
            self._show(tab, page)

    def open_page(self, tab: Tab, page: Page) -> None:
        """Show a page that a click opens, at once; one that is still on its way replaces it."""
        url, loads_at = tab.url, tab.loads_at
        self._show(tab, page)
        if loads_at is not None:
            tab.url, tab.loads_at = url, loads_at

    def write(self, tab: Tab, text: str) -> None:
        """Add text to the box of the page, behind what stands there."""
        tab.box += text
        tab.has_focus = True
        site = self.sites[tab.page.site]
        if site.keeps_drafts:
            site.drafts[tab.page.url] = tab.box

    def empty(self, tab: Tab) -> str:
        """Take what stands in the box."""
        text, tab.box = tab.box, ""
        self.sites[tab.page.site].drafts.pop(tab.page.url, None)
        return text

    def as_json(self) -> dict[str, object]:
        """Return what the windows hold, for the control routes."""
        windows = [
            {
                "front_tab": window.current + 1,
                "tabs": [
                    {"url": tab.url, "shows": self._loaded(tab).page.url, "box": tab.box}
                    for tab in window.tabs
                ],
            }
            for window in self._windows
        ]
        settings = self.settings.model_dump(mode="json")
        return {"settings": settings, "windows": windows, "seconds": self.clock.now()}

    def _answer(self) -> None:
        if not self.settings.running:
            raise ScriptError(NOT_RUNNING)
        if not self.settings.automation_allowed:
            raise ScriptError(NOT_ALLOWED)

    def _loaded(self, tab: Tab) -> Tab:
        if tab.loads_at is not None and tab.loads_at <= self.clock.now():
            self._show(tab, page_at(tab.url))
        return tab

    def _show(self, tab: Tab, page: Page) -> None:
        tab.url, tab.page, tab.loads_at, tab.has_focus = page.url, page, None, False
        tab.box = self.sites[page.site].drafts.get(page.url, "") if page.has_box else ""


def _new_tab(url: str) -> Tab:
    return Tab(url, page_at(url))


def _home_of(service: str) -> str:
    site = site_of(service)
    return (INBOX_URLS if service in INBOX_SERVICES else HOME_URLS)[site]
