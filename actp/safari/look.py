"""Looks, within the turn and before anything is sent, at where a service would act.

The services act in whatever tab they hold and on whatever page it shows, and compare neither with
the command. So each is asked which tab it holds, a comment's page is opened and asked for its
address, and now and then whether somebody is logged in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from actp.clock import steady_seconds
from actp.safari.addresses import HOSTS, is_same_post
from actp.safari.commands import Comment, SendDm, handle_of, recipient
from actp.safari.outcomes import Failure, Outcome
from actp.safari.pages import PROFILES, SHOWN
from actp.safari.posts import find_post
from actp.safari.session_check import said_object
from actp.safari.session_outcomes import (
    elsewhere,
    instead,
    logged_out,
    no_tab,
    refused,
    suspicious,
    unanswered,
    wait,
)
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.exchange import Ask
    from actp.safari.front import Front
    from actp.safari.outcomes import Reply

__all__ = ["Look"]

# A page is opened for it; Safari needs a moment.
LOOK_TIMEOUT_SECONDS: Final = 45.0
# A login is asked about this often while all goes well.
LOGIN_DUE_SECONDS: Final = 300.0
MAX_SAID_LENGTH: Final = 200
# When the page of a service of messages is asked for; a profile is left after the first.
_PROFILE_LEFT_SECONDS: Final = (0.0, 2.0, 4.0, 8.0)


_WHERE: Final = "window.location.href"
_HOME: Final = {"tiktok-comments": "https://www.tiktok.com/"}
# These return to a claimed tab with every request, whatever session/ensure has found.
_CLAIMING: Final = frozenset({"twitter-comments"})
# Says ok of its claim, not of Safari.
_ENSURES_NOTHING: Final = frozenset({"tiktok-comments"})
_NEEDS_FRONT: Final = frozenset({"linkedin-automation"})
# They read whether somebody is logged in only while the site's tab is in front or tracked.
_LOGIN_NEEDS_SITE: Final = frozenset({"instagram-dm", "twitter-dm", "linkedin-automation"})


@dataclass(frozen=True, slots=True)
class _Place:
    window: int
    tab: int


class Look:
    """Looks for one service; used by its thread, with the turn at Safari."""

    def __init__(
        self,
        service: Service,
        ask: Ask,
        *,
        front: Front,
        pause: Callable[[float], None] = sleep,
        time_scale: float = 1.0,
    ) -> None:
        self.service = service
        self._ask = ask
        self._front = front
        self._pause = pause
        self._scale = time_scale
        self._login_due_at = 0.0
        self._suspect: str | None = None

    def before(self, command: Command) -> Command | Outcome:
        """Return the command as it can be sent now, or why it cannot; sends nothing.

        Verdict ``wait`` is about the session and leaves the command as it was; any other is about
        the command.
        """
        problem = self.session(is_checking_login=steady_seconds() >= self._login_due_at, of=command)
        if problem is not None:
            return problem
        if isinstance(command, SendDm):
            return self._profile(command) or command
        if not isinstance(command, Comment):
            return command
        if command.post_url is None:
            found = find_post(self._ask, command, pause=self._pause)
            if isinstance(found, Outcome):
                return found
            command = found
        return self._post(command.post_url or "") or command

    def session(
        self, *, is_checking_login: bool = True, of: Command | None = None
    ) -> Outcome | None:
        """Return what keeps the service from Safari or from the site, or None."""
        # A comment's page is opened and asked for its address, which shows the tab as well.
        shows_page = isinstance(of, Comment)
        if not shows_page or is_checking_login:
            problem = self._tab()
            if problem is not None:
                return self._failed(problem)
        if is_checking_login:
            if self._is_logged_out():
                return self._failed(logged_out(self.service))
            self._login_due_at = steady_seconds() + LOGIN_DUE_SECONDS * self._scale
        return None

    def after(self, command: Command, outcome: Outcome) -> Outcome:
        """Return the outcome, or that of the session where it is the session that failed.

        A failure that a page without a login also shows is followed by the question who is logged
        in. Where the service cannot say, the second in a row for another recipient is a matter of
        the session, not of two recipients.
        """
        if not outcome.is_suspicious:
            self._suspect = None if outcome.verdict != "wait" else self._suspect
            return outcome
        problem = self.session()
        if problem is not None:
            return instead(problem, outcome)
        whom = recipient(command) or ""
        before, self._suspect = self._suspect, whom
        if before in {None, whom} or self._can_tell_login():
            return outcome
        self._login_due_at = 0.0
        return instead(suspicious(self.service, outcome), outcome)

    def _failed(self, problem: Outcome) -> Outcome:
        self._login_due_at = 0.0
        return problem

    # -- the tab

    def _tab(self) -> Outcome | None:
        name = self.service.name
        if name in _ENSURES_NOTHING:
            said = self._said("POST", "/api/tiktok/navigate", {"url": _HOME[name]})
            if said.is_ok and said.data.get("success") is True:
                return None
            self._release_claim()
            return said.refusal or no_tab(self.service, said.words)
        said = self._said("POST", self.service.session_path, {})
        if not said.is_ok or said.data.get("ok") is not True:
            return said.refusal or no_tab(self.service, said.words)
        place = _place(said.data)
        if name in _CLAIMING and place is not None:
            self._agree(place)
        if name in _NEEDS_FRONT:
            return self._bring_to_front(place)
        return None

    def _agree(self, place: _Place) -> None:
        """Release a claim on another tab than the one that was found; the next request claims."""
        said = self._said("GET", "/api/tabs/claims")
        claims = said.data.get("claims")
        for claim in claims if isinstance(claims, list) else ():
            if isinstance(claim, dict) and claim.get("agentId") == self._agent:
                if _place(claim) != place:
                    self._release_claim()
                return

    def _release_claim(self) -> None:
        self._said("POST", "/api/tabs/release", {"agentId": self._agent})

    @property
    def _agent(self) -> str:
        return f"{self.service.name}-stable"

    def _bring_to_front(self, place: _Place | None) -> Outcome | None:
        """Bring the tab to the front: the service clicks at places of the screen."""
        if place is None:
            return no_tab(self.service, "it does not say which tab it holds")
        if self._front.is_available:
            shown = self._front.bring(place.window, place.tab)
        else:
            said = self._said("GET", self.service.status_path or "")
            shown = str(said.data.get("currentUrl") or "")
        if "linkedin.com" in shown:
            return None
        seen = storable_text(shown or "nothing", MAX_SAID_LENGTH)
        return wait(
            self.service,
            "not_ready",
            f"its tab is not in front; {seen} is",
            "Leave the services' window in front, without dialogs.",
        )

    # -- the login

    def _is_logged_out(self) -> bool:
        if self.service.status_path is None or not self._says_logged_out():
            return False
        # A page that is still loading shows nobody either.
        self._pause(2.0 * self._scale)
        return self._says_logged_out()

    def _says_logged_out(self) -> bool:
        said = self._said("GET", self.service.status_path or "")
        if not said.is_ok or said.data.get("isLoggedIn") is not False:
            return False
        return self.service.name not in _LOGIN_NEEDS_SITE or _is_on_site(said.data)

    def _can_tell_login(self) -> bool:
        """Whether the service has just said that somebody is logged in."""
        said = self._said("GET", self.service.status_path or "")
        return said.is_ok and said.data.get("isLoggedIn") is True

    # -- the page of a message

    def _profile(self, command: SendDm) -> Outcome | None:
        """Leave another person's profile, on which a slow page would make a driver write."""
        how = PROFILES[self.service.name]
        shown = ""
        for pause_seconds in _PROFILE_LEFT_SECONDS:
            self._pause(pause_seconds * self._scale)
            said = self._said("POST", how.ask_path, {how.script_key: _WHERE})
            if said.refusal is not None:
                return self._failed(said.refusal)
            if said.status == 404:  # a version of the service that cannot be asked
                return None
            shown = str(said.data.get(how.answer_key) or "").strip()
            place = urlsplit(shown)
            if not said.is_ok or not _is_of_site(self.service, place.hostname):
                # Its claim is on a tab of another site, or on none; the next request claims anew.
                self._release_claim()
                continue
            profile = how.path.fullmatch(place.path)
            if profile is None or unquote(profile[1]).lower() == unquote(handle_of(command) or ""):
                return None
            if pause_seconds == 0.0:
                opened = self._said("POST", how.inbox_path, {})
                if opened.refusal is not None:
                    return self._failed(opened.refusal)
        if not _is_of_site(self.service, urlsplit(shown).hostname):
            return self._failed(no_tab(self.service, "its tab shows another site"))
        return self._failed(elsewhere(self.service, shown, "an inbox"))

    # -- the page of a comment

    def _post(self, wanted: str) -> Outcome | None:
        how = SHOWN[self.service.name]
        if how.open_path is not None:
            opened = self._said("POST", how.open_path, {"url": wanted})
            if not opened.is_ok or opened.data.get("success") is not True:
                self._release_claim()
                return self._failed(opened.refusal or no_tab(self.service, opened.words))
        shown: Any = None
        for pause_seconds in (0.0, *how.again_seconds):
            if pause_seconds:
                self._pause(pause_seconds * self._scale)
            said = self._said(*how.ask(wanted))
            if said.refusal is not None:
                return self._failed(said.refusal)
            shown = how.address(said.data)
            if isinstance(shown, str) and is_same_post(self.service.platform or "", shown, wanted):
                return None
        # Without a tab there is no page either.
        return self._failed(self._tab() or elsewhere(self.service, shown, wanted))

    def _said(self, method: str, path: str, body: dict[str, Any] | None = None) -> _Said:
        content = b"" if body is None else json.dumps(body).encode()
        reply = self._ask(method, path, content, timeout_seconds=LOOK_TIMEOUT_SECONDS)
        return _read(self.service, reply)


class _Said(NamedTuple):
    """What a service said to a look; ``refusal`` where it could not look at all."""

    data: dict[str, Any]
    words: str
    status: int = 0
    is_ok: bool = False
    refusal: Outcome | None = None


def _read(service: Service, reply: Reply | Failure) -> _Said:
    if isinstance(reply, Failure):
        return _Said({}, reply.detail, refusal=unanswered(service, reply))
    data = said_object(reply) or {}
    words = " ".join(
        storable_text(text, MAX_SAID_LENGTH)
        for key in ("error", "message", "detail")
        if isinstance(text := data.get(key), str) and text
    )
    if 200 <= reply.status < 300:
        return _Said(data, words, reply.status, is_ok=True)
    words = words or f"HTTP {reply.status}"
    return _Said(data, words, reply.status, refusal=refused(service, reply.status, words))


def _place(said: dict[str, Any]) -> _Place | None:
    window, tab = said.get("windowIndex"), said.get("tabIndex")
    if isinstance(window, int) and isinstance(tab, int) and 0 < window < 1000 and 0 < tab < 1000:
        return _Place(window, tab)
    return None


def _is_of_site(service: Service, host: str | None) -> bool:
    known = HOSTS[service.platform or ""]
    return host is not None and any(host == name or host.endswith(f".{name}") for name in known)


def _is_on_site(said: dict[str, Any]) -> bool:
    return any(value is True for key, value in said.items() if key.startswith("isOn"))
