"""Which tab a service takes for its own, as long as its process lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.browser.claims import Claim
from simulator.browser.safari import ScriptError, Spot

if TYPE_CHECKING:
    from simulator.browser.claims import Claims
    from simulator.browser.safari import Safari, Tab

__all__ = ["PATTERNS", "Session"]

PATTERNS = {
    "instagram": "instagram.com",
    "twitter": "x.com",
    "tiktok": "tiktok.com",
    "threads": "threads.com",
    "linkedin": "linkedin.com",
    "google": "google.com",
}


class Session:
    """The tracked tab of one service, found by address and remembered by place.

    A service that claims tabs returns to its claimed place with every request; the others track
    a tab from the first ``ensure`` on, and until then act on what is in front.
    """

    def __init__(self, safari: Safari, claims: Claims, service: str, site: str, port: int) -> None:
        self.safari = safari
        self.service = service
        self.site = site
        self.tracked: Spot | None = None
        self._claims = claims
        self._port = port
        self._pattern = PATTERNS[site]
        self._agent = f"{service}-stable"

    def claim(self) -> bool:
        """Return to the claimed tab, or claim a free one; False when there is none."""
        claim = self._claims.of(self._agent)
        if claim is None:
            own = self.safari.place_of_own(self.service)
            places = self.safari.places(self._pattern)
            # The tab meant for it is taken first, as though the services had started in order.
            free = [p for p in (own, *places) if p in places and not self._claims.holder(p)]
            if not free:
                return False
            claim = self._claimed(free[0])
        self.tracked = claim.spot
        return True

    def pin(self, to: str) -> None:
        """Track and claim the tab of the named service; an empty name forgets both."""
        self.tracked = None
        self._claims.release(self._agent)
        spot = self.safari.place_of_own(to) if to else None
        if spot is not None:
            self._claimed(spot)
            self.tracked = spot

    def follow_claim(self) -> None:
        """Track the claimed tab, if there is a claim."""
        claim = self._claims.of(self._agent)
        if claim is not None:
            self.tracked = claim.spot

    def ensure(self) -> tuple[Spot, str] | None:
        """Track a tab of the site; return its place and address, None when there is none.

        The real ones leave out the address where the tab was known before.
        """
        try:
            if self.tracked is not None and self._pattern in self.safari.tab(self.tracked).url:
                return self.tracked, ""
        except ScriptError:
            pass  # the tab is gone
        self.tracked = None
        places = self.safari.places(self._pattern)
        if not places:
            return None
        self.tracked = places[0]
        return places[0], self.safari.tab(places[0]).url

    @property
    def is_claimed(self) -> bool:
        """Return whether it holds a claim."""
        return self._claims.of(self._agent) is not None

    def front(self) -> Tab:
        """Return the tab in front; raises ScriptError."""
        return self.safari.front(self.service)

    def tab(self) -> Tab:
        """Return the tracked tab, else the one in front; raises ScriptError."""
        return self.front() if self.tracked is None else self.safari.tab(self.tracked)

    def front_url(self) -> str:
        """Return the address of the tab in front, or nothing when Safari does not answer."""
        try:
            return self.front().url
        except ScriptError:
            return ""

    def is_site(self, url: str) -> bool:
        """Return whether an address is one of its site."""
        return self._pattern in url or (self.site == "twitter" and "twitter.com" in url)

    def is_logged_in(self) -> bool:
        """Return whether the page in its tab shows somebody logged in; raises ScriptError."""
        page = self.tab().page
        return page.site == self.site and self.safari.sites[page.site].is_logged_in

    def _claimed(self, spot: Spot) -> Claim:
        url = self.safari.tab(spot).url
        claim = Claim(self._agent, self.service, self._port, spot, url)
        self._claims.add(claim)
        return claim
