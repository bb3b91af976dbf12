"""Looks, within the turn and before anything is sent, at where a service would act.

The services act in whatever tab they hold and on whatever page it shows, and compare neither with
the command. So each is asked which tab it holds, the page of the post or the person is opened and
asked for its address, and now and then whether somebody is logged in. Where the settings name the
account of this Mac, the page must not show another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from actp.clock import steady_seconds
from actp.safari.addresses import handle_in_post, is_same_post
from actp.safari.after_send import SHOWN_CHARS, comments_shown, look_after_send
from actp.safari.asking import MAX_SAID_LENGTH, Asking
from actp.safari.commands import Comment, SendDm, Tweet, recipient
from actp.safari.conversation_words import with_conversation
from actp.safari.login import look_at_login
from actp.safari.outcomes import Outcome
from actp.safari.pages import LIMIT_WORDS, PAGE_WITHOUT_POSTS, SHOWN
from actp.safari.posts import find_post
from actp.safari.recipients import is_of_site, look_at_recipient
from actp.safari.session_outcomes import (
    below_another,
    blocked,
    elsewhere,
    gave_up_for_words,
    instead,
    logged_out,
    may_be_there,
    no_tab,
    other_language,
    suspicious,
    wait,
    words_of_a_failure,
)
from actp.safari.streaks import Streaks
from actp.safari.texts import visible_text
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.safari.asking import Answer
    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.exchange import Ask
    from actp.safari.front import Front

__all__ = ["Look"]

# A login is asked about this often while all goes well.
LOGIN_DUE_SECONDS: Final = 300.0

_HOME: Final = {"tiktok-comments": "https://www.tiktok.com/"}
# These return to a claimed tab with every request, whatever session/ensure has found.
_CLAIMING: Final = frozenset({"linkedin-automation", "twitter-comments"})
# Says ok of its claim, not of Safari.
_ENSURES_NOTHING: Final = frozenset({"tiktok-comments"})
# Their page shows whether there is a tab: the route that opens it looks for one, or has claimed it.
_SHOWS_TAB: Final = frozenset({"instagram-dm", "tiktok-dm", "twitter-dm"})
_NEEDS_FRONT: Final = frozenset({"linkedin-automation"})
# Only another page shows which account it acts as, so it is asked with the login alone.
_LOGIN_NAVIGATES: Final = frozenset({"linkedin-automation"})
# They find a button that they need, or those by which they know a login, by its English word.
_READS_ENGLISH: Final = frozenset({"instagram-comments", "instagram-dm", "threads-comments"})
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
# They read whether somebody is logged in only while the site's tab is in front or tracked.
_LOGIN_NEEDS_SITE: Final = frozenset({"instagram-dm", "twitter-dm", "linkedin-automation"})


@dataclass(frozen=True, slots=True)
class _Place:
    window: int
    tab: int


class Look:
    """Looks for one service; used by its thread, with the turn at Safari."""

    def __init__(  # noqa: PLR0913  what it compares, and how it waits
        self,
        service: Service,
        ask: Ask,
        *,
        front: Front,
        own_handle: str | None = None,
        pause: Callable[[float], None] = sleep,
        time_scale: float = 1.0,
    ) -> None:
        self.service = service
        self._own_handle = own_handle
        self._asking = Asking(service, ask, pause, time_scale)
        self._front = front
        self._login_due_at = 0.0
        self._suspect: str | None = None
        self._streaks = Streaks()
        self._front_place: _Place | None = None

    def before(self, command: Command) -> Command | Outcome:
        """Return the command as it can be sent now, or why it cannot; sends nothing.

        Verdict ``wait`` is about the session and leaves the command as it was; any other is about
        the command.
        """
        is_checking = steady_seconds() >= self._login_due_at
        problem = self.session(is_checking_login=is_checking, of=command)
        if problem is not None:
            return problem
        looked = self._page(command, is_checking_tab=is_checking)
        if isinstance(looked, Outcome) or self.service.name in _LOGIN_NAVIGATES:
            return looked
        # The page is there now, and with it the navigation that names the account.
        return self._other_login() or looked

    def session(
        self, *, is_checking_login: bool = True, of: Command | None = None
    ) -> Outcome | None:
        """Return what keeps the service from Safari or from the site, or None."""
        if is_checking_login or not self._shows_tab(of):
            problem = self._tab()
            if problem is not None:
                return self._failed(problem)
        if is_checking_login:
            if self._is_logged_out():
                return self._other_language() or self._failed(logged_out(self.service))
            problem = self._other_login()
            if problem is not None:
                return problem
            self._login_due_at = steady_seconds() + LOGIN_DUE_SECONDS * self._asking.time_scale
        return None

    def after(self, command: Command, outcome: Outcome) -> Outcome:
        """Return the outcome, or that of the session where it is the session that failed.

        A failure that a page without a login also shows is followed by the question who is logged
        in. Where the service cannot say, the second in a row for another recipient is a matter of
        the session, not of two recipients.
        """
        outcome = look_after_send(self._asking, command, outcome)
        outcome = with_conversation(self._asking, outcome)
        outcome = self._streaks.after(command, self._last_words(command, outcome))
        if not outcome.is_suspicious:
            self._suspect = None if outcome.verdict != "wait" else self._suspect
            return outcome
        problem = self.session() or self._other_language()
        if problem is not None:
            return instead(problem, outcome)
        whom = recipient(command) or ""
        before, self._suspect = self._suspect, whom
        if before in {None, whom} or self._can_tell_login():
            return outcome
        self._login_due_at = 0.0
        return instead(suspicious(self.service, outcome), outcome)

    def _last_words(self, command: Command, outcome: Outcome) -> Outcome:
        """Return the outcome of tries, in view of the comments: the last words are of the last try.

        An earlier one may have sent, and words of a comment are taken for a limit of the site.
        """
        words = LIMIT_WORDS.get(self.service.name)
        is_limit = outcome.reason == "last_words" and words is not None
        if not isinstance(command, Comment) or not (is_limit or outcome.reason == "gave_up"):
            return outcome
        texts = comments_shown(self._asking)
        is_there = any(_begins(text) == _begins(command.text) for text in texts)
        if not is_limit:
            return may_be_there(self.service, outcome) if is_there else outcome
        if is_there or not any(word in text.lower() for text in texts for word in words or ()):
            return outcome
        return gave_up_for_words(self.service, command.post_url or "", outcome)

    def _failed(self, problem: Outcome) -> Outcome:
        self._login_due_at, self._front_place = 0.0, None
        return problem

    def _said(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        return self._asking.said(method, path, body)

    # -- the tab

    def _shows_tab(self, command: Command | None) -> bool:
        """Whether the look at a command's page shows the tab as well, through the claim on it."""
        match command:
            case Comment(post_url=str()) | Tweet():
                return True
            case SendDm() if self.service.name in _NEEDS_FRONT and self._front_place is not None:
                return self._bring_to_front(self._front_place) is None
            case SendDm():
                return self.service.name in _SHOWS_TAB
            case _:
                return False

    def _tab(self) -> Outcome | None:
        name = self.service.name
        if name in _ENSURES_NOTHING:
            said = self._said("POST", "/api/tiktok/navigate", {"url": _HOME[name]})
            if said.is_ok and said.data.get("success") is True:
                return None
            self._asking.release_claim()
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
            if isinstance(claim, dict) and claim.get("agentId") == self._asking.agent:
                if _place(claim) != place:
                    self._asking.release_claim()
                return

    def _bring_to_front(self, place: _Place | None) -> Outcome | None:
        """Bring the tab to the front: the service clicks at places of the screen."""
        if place is None:
            return no_tab(self.service, "it does not say which tab it holds")
        if self._front.is_available:
            shown = self._front.bring(place.window, place.tab)
        else:
            shown = self._front_address()
        if "linkedin.com" in shown:
            self._front_place = place if self._front.is_available else None
            return None
        seen = storable_text(shown or "nothing", MAX_SAID_LENGTH)
        return wait(
            self.service,
            "not_ready",
            f"its tab is not in front; {seen} is",
            "Leave the services' window in front, without dialogs.",
        )

    def _front_address(self) -> str:
        """Return the address in front, which the service gives while it tracks no tab."""
        self._said("POST", "/api/session/clear", {})
        shown = str(self._said("GET", self.service.status_path or "").data.get("currentUrl") or "")
        self._said("POST", self.service.session_path, {})
        return shown

    # -- the login

    def _is_logged_out(self) -> bool:
        if self.service.status_path is None or not self._says_logged_out():
            return False
        # A page that is still loading shows nobody either.
        self._asking.pause(2.0)
        return self._says_logged_out()

    def _says_logged_out(self) -> bool:
        said = self._said("GET", self.service.status_path or "")
        if not said.is_ok or said.data.get("isLoggedIn") is not False:
            return False
        return self.service.name not in _LOGIN_NEEDS_SITE or _is_on_site(said.data)

    def _other_login(self) -> Outcome | None:
        """Return why the account that is logged in must not act, where the settings name one."""
        if self._own_handle is None:
            return None
        problem = look_at_login(self._asking, self._own_handle)
        return None if problem is None else self._failed(problem)

    def _other_language(self) -> Outcome | None:
        """Return why no button is found on a site that is not shown in English."""
        if self.service.name not in _READS_ENGLISH:
            return None
        said, language = self._asking.evaluated("document.documentElement.lang")
        if not said.is_ok or not _LANGUAGE.fullmatch(language) or language.lower()[:2] == "en":
            return None
        return self._failed(other_language(self.service, language))

    def _can_tell_login(self) -> bool:
        """Whether the service has just said that somebody is logged in."""
        said = self._said("GET", self.service.status_path or "")
        return said.is_ok and said.data.get("isLoggedIn") is True

    # -- the page

    def _page(self, command: Command, *, is_checking_tab: bool) -> Command | Outcome:
        if isinstance(command, SendDm):
            return self._person(command, is_checking_tab=is_checking_tab) or command
        if isinstance(command, Tweet):
            return self._tweet() or command
        if not isinstance(command, Comment):
            return command
        if command.post_url is None:
            found = find_post(self._asking.ask, command, pause=self._asking.pause)
            if isinstance(found, Outcome):
                return found
            command = found
        return self._post(command.post_url or "") or command

    def _person(self, command: SendDm, *, is_checking_tab: bool) -> Outcome | None:
        problem = look_at_recipient(self._asking, command, is_checking_tab=is_checking_tab)
        if problem is None:
            return None
        if problem.is_suspicious:
            return self.after(command, problem)
        return self._failed(problem)

    def _post(self, wanted: str) -> Outcome | None:
        how, platform = SHOWN[self.service.name], self.service.platform or ""
        if how.open_path is not None:
            opened = self._said("POST", how.open_path, {"url": wanted})
            if not opened.is_ok or opened.data.get("success") is not True:
                self._asking.release_claim()
                return self._failed(opened.refusal or no_tab(self.service, opened.words))
        shown: Any = None
        first: str | None = None
        for pause_seconds in (0.0, *how.again_seconds):
            self._asking.pause(pause_seconds)
            said = self._said(*how.ask(wanted))
            if said.refusal is not None:
                return self._failed(said.refusal)
            shown = how.address(said.data)
            if isinstance(shown, str) and is_same_post(platform, shown, wanted):
                first = _other_author(platform, shown, how.first_author(said.data))
                if first is None:
                    return self._words_of_a_failure(how.failure_script, wanted)
        if first is not None:
            return below_another(self.service, wanted, first)
        # Without a tab there is no page either.
        return self._failed(self._tab() or elsewhere(self.service, shown, wanted))

    def _tweet(self) -> Outcome | None:
        """Leave a page with words of a failure: the driver looks for them before it tweets."""
        script = f"window.location.href+' '+{SHOWN[self.service.name].failure_script}"
        for is_left in (False, True):
            said, text = self._asking.evaluated(script)
            if said.refusal is not None:
                return self._failed(said.refusal)
            shown, _, place = text.partition(" ")
            if not is_of_site(self._asking, shown):
                problem = self._tab()
                return None if problem is None else self._failed(problem)
            if not place:
                return None
            if not is_left:
                self._said("POST", "/api/twitter/navigate", {"url": PAGE_WITHOUT_POSTS})
        return self._failed(blocked(self.service))

    def _words_of_a_failure(self, script: str | None, wanted: str) -> Outcome | None:
        """Return why the driver would not comment on a page, for the words that stand there."""
        if script is None:
            return None
        said, place = self._asking.evaluated(script)
        if said.refusal is not None:
            return self._failed(said.refusal)
        if place == "post":
            return words_of_a_failure(self.service, wanted)
        return self._failed(blocked(self.service)) if place == "page" else None


def _begins(text: str) -> str:
    """Return as much of a text as every service shows of a comment."""
    return visible_text(text)[:SHOWN_CHARS]


def _other_author(platform: str, shown: str, first: Any) -> str | None:
    """Return the author of the first post on the page, where the page is that of another's."""
    author = handle_in_post(platform, shown)
    if author is None or not isinstance(first, str) or not first.strip("@ "):
        return None
    name = first.strip("@ ").lower()
    return None if name == author else name


def _place(said: dict[str, Any]) -> _Place | None:
    window, tab = said.get("windowIndex"), said.get("tabIndex")
    if isinstance(window, int) and isinstance(tab, int) and 0 < window < 1000 and 0 < tab < 1000:
        return _Place(window, tab)
    return None


def _is_on_site(said: dict[str, Any]) -> bool:
    return any(value is True for key, value in said.items() if key.startswith("isOn"))
