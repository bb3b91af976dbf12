"""What can be wrong with Safari while commands are sent, service by service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from simulator.catalogue import CATALOGUE, site_of
from tests.chaos.commands import COMMENTS, SENDERS, a_tweet, command_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.commands import Command

__all__ = ["LAYOUT", "SITUATIONS", "Situation"]

# A person's page is in front of the services' tabs, as on a Mac that is in use.
LAYOUT: dict[str, Any] = {"front": "https://www.google.com/", "time_scale": 0.1}
ANNA = {
    "instagram-dm": "https://www.instagram.com/anna/",
    "twitter-dm": "https://x.com/anna",
    "tiktok-dm": "https://www.tiktok.com/@anna",
    "linkedin-automation": "https://www.linkedin.com/in/anna/",
}
ANNAS_THREAD = {"instagram-dm": "https://www.instagram.com/direct/t/anna/"}
NOTICES = {
    "instagram": "Action blocked",
    "threads": "Rate limit",
    "tiktok": "Too many comments",
    "twitter": "Rate limit",
}
# Longer than a driver waits for the page of a post or of a person.
SLOW_SECONDS = {True: 10.0, False: 30.0}
TRIES = (1, 2, 3)

Promise = Literal["waits", "once"]


@dataclass(frozen=True, slots=True)
class Situation:
    """One service and what goes wrong.

    ``waits``: as long as it lasts nothing is lost, and once it is over everything is sent.
    ``once``: whatever the outcome, it is true, and nobody gets a text twice. ``after_a_send`` sets
    it only when the service has sent something, so that it holds a tab. ``to`` replaces whom or
    what the command is for; ``known`` is somebody with whom there is a conversation.
    """

    name: str
    service: str
    promise: Promise
    safari: dict[str, Any] = field(default_factory=dict)
    rules: tuple[dict[str, Any], ...] = ()
    after_a_send: bool = False
    is_tweet: bool = False
    to: dict[str, str] = field(default_factory=dict)
    known: str | None = None

    def command(self) -> Command:
        """Make a command for its service."""
        made = a_tweet() if self.is_tweet else command_for(self.service)
        return {**made, "params": {**made["params"], **self.to}}

    def __str__(self) -> str:
        return f"{'tweet' if self.is_tweet else self.service}-{self.name}"


def _situations(service: str) -> Iterator[Situation]:
    site = site_of(service)
    others = [place.name for place in CATALOGUE if place.site not in {site, "google"}]
    same_site = [place.name for place in CATALOGUE if place.site == site]

    def waits(name: str, *, after_a_send: bool = False, **safari: Any) -> Situation:
        return Situation(name, service, "waits", safari, after_a_send=after_a_send)

    def once(name: str, **rule: Any) -> Situation:
        more = rule.pop("safari", {})
        rule = {"service": service, "behaviour": "ok", "times": 1, **rule}
        return Situation(name, service, "once", more, (rule,))

    yield waits("pinned_elsewhere", pinned_to={service: others[0]}, at=ANNAS_THREAD)
    yield waits("front_elsewhere", at=ANNAS_THREAD)
    yield waits("logged_out", logged_out=[site])
    if service != "tiktok-comments":
        yield waits("another_account", accounts={site: "somebody_else"})
    yield waits("safari_closed", after_a_send=True, running=False)
    yield waits("automation_refused", after_a_send=True, automation_allowed=False)
    yield waits("tab_closed", after_a_send=True, closed=same_site)
    slow: dict[str, Any] = {"load_seconds": {site: SLOW_SECONDS[service in COMMENTS]}}
    if service in COMMENTS:
        yield Situation("slow_page", service, "once", slow, after_a_send=True)
    else:
        yield Situation("slow_page", service, "once", {**slow, "at": {service: ANNA[service]}})
    if service in COMMENTS:
        yield once(
            "blocked_after_first_try",
            faults=[{"step": "verify", "kind": "error"}],
            safari={"notices": {site: {"text": NOTICES[site], "after_sends": 1}}},
        )
    step = "type" if service == "linkedin-automation" else "submit"
    yield once(
        "draft_kept",
        faults=[{"step": step, "kind": "missing", "on_try": each} for each in TRIES],
        safari={"keeps_drafts": [site]},
    )
    yield once("gateway_timeout", behaviour="gateway_timeout_then_post", type_on_seconds=0.5)
    yield once("crash", behaviour="crash_after_effect")


def _persons() -> Iterator[Situation]:
    """Yield what makes a driver write to somebody else, or below another post."""
    for service, to, known in (
        ("instagram-dm", {"username": "maria"}, "anna"),
        ("twitter-dm", {"username": "maria"}, "anna"),
        ("tiktok-dm", {"username": "maria"}, "anna"),
        (
            "linkedin-automation",
            {"profileUrl": "https://www.linkedin.com/in/maria/"},
            "https://www.linkedin.com/in/anna/",
        ),
    ):
        closed = {"unreachable": ["maria"]}
        yield Situation("no_message_button", service, "once", closed, to=to, known=known)
    similar = {"username": "maria_lopez"}
    yield Situation("similar_name", "tiktok-dm", "once", to=similar, known="maria.garcia")
    for service, url, parent in (
        ("threads-comments", "https://www.threads.com/@maria/post/C2", "@anna/post/C1"),
        ("twitter-comments", "https://x.com/maria/status/2", "anna/status/1"),
    ):
        above = {"replies": {url: f"{url.partition('.com/')[0]}.com/{parent}"}}
        yield Situation("reply_below_another", service, "once", above, to={"postUrl": url})


def _tweets() -> Iterator[Situation]:
    # Its page is the one for a new tweet, so there is no other post to be slow.
    for each in _situations("twitter-comments"):
        if each.name != "slow_page":
            yield replace(each, is_tweet=True)


SITUATIONS = (
    *(each for service in SENDERS for each in _situations(service)),
    *_persons(),
    *_tweets(),
)
