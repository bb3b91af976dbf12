"""Nothing leaves before a service has shown in which tab and on which page it would act."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.front import Front
from actp.safari.look import Look
from actp.safari.outcomes import Failure, Outcome, Phase, Reply
from tests.unit.safari.commands_for_tests import POSTS, command, command_of

if TYPE_CHECKING:
    from pathlib import Path

    from actp.safari.commands import Command
    from actp.safari.exchange import Ask

ENSURED = {"ok": True, "windowIndex": 1, "tabIndex": 3, "url": ""}
NAMES = [service.name for service in HTTP_SERVICES]
SENDING = [service.name for service in HTTP_SERVICES if service.effect == "once"]
COMMENTING = [name for name in NAMES if name.endswith("-comments")]
INBOXES = {
    "instagram-dm": "https://www.instagram.com/direct/inbox/",
    "twitter-dm": "https://x.com/messages",
    "tiktok-dm": "https://www.tiktok.com/messages",
    "linkedin-automation": "https://www.linkedin.com/messaging/",
}
# The recipient's profile with its button, where a look opens it; else the inbox.
SHOWN_PAGES = {
    **INBOXES,
    "instagram-dm": "https://www.instagram.com/ada/ ready",
    "twitter-dm": "https://x.com/ada ready",
    "linkedin-automation": "https://www.linkedin.com/in/ada-lovelace/ ready",
}
NO_OSASCRIPT = Front(osascript="no-such-program")


@dataclass
class Shown:
    """A service that answers each route with what it was given; the last answer stays."""

    routes: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(
        self, method: str, path: str, content: bytes = b"", *, timeout_seconds: float
    ) -> Reply | Failure:
        assert timeout_seconds > 0
        assert (method == "POST") == bool(content)
        self.asked.append(f"{method} {path}")
        at = next((at for at in self.routes if at in unquote(path)), None)
        answer: Any = {} if at is None else self.routes[at]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Reply | Failure):
            return answer
        return Reply(200, {}, json.dumps(answer).encode())


def page(service: str, url: str) -> dict[str, Any]:
    """Give what each comment service says of a page."""
    return {
        "post/metrics": {"success": True, "url": url},
        "video-metrics": {"success": True, "currentUrl": url[:100]},
        "extract": {"url": url, "author": "ada"},
        "tweet/detail": {"success": True, "tweet": {"url": url}},
        "navigate": {"success": True, "url": url},
    } | ({"session/ensure": {"ok": True}} if service == "tiktok-comments" else {})


def ready(service: str, **routes: Any) -> Shown:
    """Give a service whose tab, login and page are as they should be."""
    platform = SERVICES[service].platform or ""
    usual = {
        "session/ensure": ENSURED,
        "tabs/claims": {"claims": [], "count": 0},
        "status": {"isLoggedIn": True, "isOnSite": True, "currentUrl": "https://linkedin.com/feed"},
        **page(service, POSTS.get(platform, "")),
        "execute": {"output": SHOWN_PAGES.get(service, "")},
        "debug/js": {"result": SHOWN_PAGES.get(service, "")},
        "prospect/score": {"success": True},
    }
    return Shown({**usual, **{name.replace("_", "/"): said for name, said in routes.items()}})


def look(service: str, ask: Ask, *, front: Front = NO_OSASCRIPT) -> Look:
    return Look(SERVICES[service], ask, front=front, pause=lambda _: None)


def before(service: str, ask: Ask) -> Outcome | None:
    """Return what keeps a command from being sent, or None."""
    return refusal(look(service, ask))


def refusal(looking: Look, asked: Command | None = None) -> Outcome | None:
    command = asked or command_of(looking.service.name)
    found = looking.before(command)
    if isinstance(found, Outcome):
        return found
    assert found == command
    return None


@pytest.mark.parametrize("service", NAMES)
def test_a_service_that_is_ready_may_send(service: str) -> None:
    assert before(service, ready(service)) is None


def osascript(folder: Path, shown: str) -> Front:
    """Give a Mac whose front tab shows an address."""
    program = folder / "osascript"
    program.write_text(f"#!/bin/sh\necho '{shown}'\n")
    program.chmod(0o755)
    return Front(osascript=str(program))


@pytest.mark.parametrize("service", NAMES)
def test_a_look_costs_two_requests_once_the_login_is_known(service: str, tmp_path: Path) -> None:
    shown = ready(service)
    looking = look(service, shown, front=osascript(tmp_path, "https://www.linkedin.com/feed/"))
    assert refusal(looking) is None
    shown.asked.clear()
    assert refusal(looking) is None
    assert len(shown.asked) <= 2


NO_TAB = [
    Reply(500, {}, b'{"error": "Error: No \'x.com\' tab found."}'),
    Reply(200, {}, b'{"ok": false, "error": "No tab found"}'),
    Reply(200, {}, b'{"ok": false, "message": "No tab found"}'),
    Reply(503, {}, b'{"error": "No Safari tab available for it"}'),
    Reply(200, {}, b'{"ok": "true"}'),
    Reply(200, {}, b"<html>"),
]


@pytest.mark.parametrize("answer", NO_TAB, ids=lambda answer: answer.body.decode())
@pytest.mark.parametrize("service", NAMES)
def test_without_a_tab_a_command_waits_with_its_quota(service: str, answer: Reply) -> None:
    shown = ready(service, session_ensure=answer, navigate=answer)
    waiting = before(service, shown)
    assert waiting is not None
    assert (waiting.verdict, waiting.reason, waiting.quota_back) == ("wait", "not_ready", True)
    assert waiting.breaker == "open"
    assert waiting.wait_seconds is not None
    assert waiting.wait_seconds <= 60
    assert "tab" in (waiting.alert or "")


@pytest.mark.parametrize("service", SENDING)
def test_without_a_login_a_command_waits_with_its_quota(service: str) -> None:
    status = {"isLoggedIn": False, "isOnSite": True, "currentUrl": "https://www.linkedin.com/"}
    waiting = before(service, ready(service, status=status))
    assert waiting is not None
    assert (waiting.verdict, waiting.reason, waiting.quota_back) == ("wait", "logged_out", True)
    assert "Log in" in (waiting.alert or "")


@pytest.mark.parametrize("service", SENDING)
def test_a_page_that_is_still_loading_is_no_missing_login(service: str) -> None:
    said = {"isOnSite": True, "currentUrl": "https://www.linkedin.com/"}
    answers = [{**said, "isLoggedIn": False}, {**said, "isLoggedIn": True}]
    status = [answers[1], *answers] if service == "linkedin-automation" else answers
    assert before(service, ready(service, status=status)) is None


def test_a_login_that_could_not_be_read_is_no_missing_login() -> None:
    # twitter-dm reads it only while its site is in front.
    status = {"isLoggedIn": False, "isOnTwitter": False, "currentUrl": "https://google.com/"}
    assert before("twitter-dm", ready("twitter-dm", status=status)) is None


@pytest.mark.parametrize("service", COMMENTING)
def test_a_comment_waits_while_another_page_is_shown(service: str) -> None:
    platform = SERVICES[service].platform or ""
    other = POSTS[platform].replace("17", "18").replace("Cabc123", "Cother").replace("7301", "7302")
    shown = ready(service)
    shown.routes |= page(service, other)
    waiting = before(service, shown)
    assert waiting is not None
    assert (waiting.verdict, waiting.reason, waiting.quota_back) == ("retry", "wrong_page", True)
    assert other[:80] in waiting.error


@pytest.mark.parametrize("service", COMMENTING)
def test_a_page_that_comes_late_is_waited_for(service: str) -> None:
    platform = SERVICES[service].platform or ""
    late, there = page(service, "https://example.com/"), page(service, POSTS[platform])
    shown = ready(service)
    for route in ("post/metrics", "video-metrics", "extract", "tweet/detail"):
        shown.routes[route] = [late[route], there[route]]
    assert before(service, shown) is None


@pytest.mark.parametrize(
    ("service", "shown_as"),
    [
        ("instagram-comments", "https://www.instagram.com/ada/reel/Cabc123/?igsh=1"),
        ("twitter-comments", "https://twitter.com/Ada/status/17?s=20"),
        ("threads-comments", "https://www.threads.net/t/Cabc123"),
        ("tiktok-comments", "https://www.tiktok.com/@ADA/video/7301?lang=en"),
    ],
)
def test_one_post_has_several_addresses(service: str, shown_as: str) -> None:
    shown = ready(service)
    shown.routes |= page(service, shown_as)
    assert before(service, shown) is None


def test_a_threads_page_that_could_not_be_read_is_not_believed() -> None:
    # The route then gives back the address that it was asked for.
    said = {"url": POSTS["threads"], "author": "", "text": ""}
    waiting = before("threads-comments", ready("threads-comments", extract=said))
    assert waiting is not None
    assert waiting.reason == "wrong_page"


@pytest.mark.parametrize(
    ("service", "route", "said"),
    [
        ("threads-comments", "extract", {"url": POSTS["threads"], "author": "eve"}),
        (
            "twitter-comments",
            "tweet/detail",
            {"success": True, "tweet": {"url": POSTS["twitter"], "handle": "@Eve"}},
        ),
    ],
)
def test_a_comment_below_the_post_that_is_answered_is_refused(
    service: str, route: str, said: dict[str, Any]
) -> None:
    # A reply's page shows the post that it answers first, and the driver comments on the first.
    refused = before(service, ready(service, **{route.replace("/", "_"): said}))
    assert refused is not None
    assert (refused.verdict, refused.reason) == ("rejected", "below_another")
    assert refused.quota_back
    assert "eve" in refused.error


def test_a_post_is_looked_for_in_a_tab_of_the_site() -> None:
    shown = ready("twitter-comments")
    looking = look("twitter-comments", shown)
    assert refusal(looking) is None
    shown.routes["session/ensure"] = {"ok": False, "error": "No 'x.com' tab found"}
    shown.asked.clear()
    waiting = looking.before(command("comment", "twitter", handle="ada", text="Hello"))
    assert isinstance(waiting, Outcome)
    assert (waiting.verdict, waiting.reason) == ("wait", "not_ready")
    assert shown.asked == ["POST /api/session/ensure"]


@pytest.mark.parametrize("service", ["instagram-comments", "tiktok-comments"])
def test_a_claim_on_a_tab_that_is_gone_is_released(service: str) -> None:
    shown = ready(service, navigate=[{"success": True}, {"success": False}])
    if service == "instagram-comments":
        shown.routes["navigate"] = {"success": False}
    waiting = before(service, shown)
    assert waiting is not None
    assert waiting.reason == "not_ready"
    assert "POST /api/tabs/release" in shown.asked


@pytest.mark.parametrize(("tab", "is_released"), [(3, False), (4, True)])
def test_a_claim_that_points_elsewhere_is_released(tab: int, *, is_released: bool) -> None:
    claims = [
        {"agentId": "other-stable", "windowIndex": 1, "tabIndex": 9},
        {"agentId": "twitter-comments-stable", "windowIndex": 1, "tabIndex": tab},
    ]
    shown = ready("twitter-comments", tabs_claims={"claims": claims, "count": 2})
    assert refusal(look("twitter-comments", shown), command("tweet", text="Hi")) is None
    assert ("POST /api/tabs/release" in shown.asked) is is_released


def test_linkedins_tab_is_brought_to_the_front(tmp_path: Path) -> None:
    shown = ready("linkedin-automation", status={"isLoggedIn": True, "isOnLinkedIn": True})
    linkedin, google = "https://www.linkedin.com/feed/", "https://www.google.com/"
    there = look("linkedin-automation", shown, front=osascript(tmp_path, linkedin))
    assert refusal(there) is None
    elsewhere = look("linkedin-automation", shown, front=osascript(tmp_path, google))
    waiting = refusal(elsewhere)
    assert waiting is not None
    assert (waiting.verdict, waiting.reason) == ("wait", "not_ready")
    assert google in waiting.error


def test_linkedin_waits_while_another_tab_is_in_front() -> None:
    status = {"isLoggedIn": True, "isOnLinkedIn": True, "currentUrl": "https://www.google.com/"}
    shown = ready("linkedin-automation", status=status)
    waiting = before("linkedin-automation", shown)
    # It gives the address of its tab as long as it tracks one.
    cleared = shown.asked.index("POST /api/session/clear")
    assert shown.asked[cleared + 1] == "GET /api/linkedin/status"
    assert shown.asked[cleared + 2] == "POST /api/session/ensure"
    assert waiting is not None
    assert waiting.reason == "not_ready"
    assert "not in front" in waiting.error


@pytest.mark.parametrize(
    ("failure", "reason", "is_unclear"),
    [
        (Failure(Phase.NEVER_CONNECTED, "refused"), "never_connected", False),
        (Failure(Phase.MAYBE_SENT, "timed out"), "no_answer", True),
        (Reply(504, {}, b'{"error": "Gateway Timeout"}'), "no_answer", True),
        (Reply(401, {}, b'{"error": "Unauthorized"}'), "misconfigured", False),
        (Reply(429, {}, b'{"error": "Too Many Requests"}'), "service_quota", False),
    ],
)
@pytest.mark.parametrize("service", NAMES)
def test_a_service_that_cannot_be_asked_sends_nothing(
    service: str, failure: Reply | Failure, reason: str, *, is_unclear: bool
) -> None:
    waiting = before(service, Shown({"": failure}))
    assert waiting is not None
    assert (waiting.verdict, waiting.reason, waiting.quota_back) == ("wait", reason, True)
    assert waiting.is_unclear is is_unclear


SUSPICIOUS = Outcome(
    "rejected",
    "before_send",
    error="twitter-dm: HTTP 200: Could not open DM",
    is_suspicious=True,
    http_status=200,
    result={"outcome": "rejected", "http_status": 200, "answer": {"success": False}},
)
CANNOT_TELL = {"isLoggedIn": False, "isOnTwitter": False}


def dm(username: str) -> Any:
    return command("send_dm", "twitter", username=username, text="Hi")


def test_a_suspicious_failure_without_a_session_is_the_sessions() -> None:
    shown = ready("twitter-dm", session_ensure={"ok": False, "error": "No 'x.com' tab found"})
    outcome = look("twitter-dm", shown).after(dm("ada"), SUSPICIOUS)
    assert (outcome.verdict, outcome.reason, outcome.quota_back) == ("wait", "not_ready", True)
    assert outcome.result["answer"] == {"success": False}


def test_suspicious_failure_while_logged_in_is_the_recipients() -> None:
    looking = look("twitter-dm", ready("twitter-dm"))
    for name in ("ada", "eve", "kim"):
        assert looking.after(dm(name), SUSPICIOUS) is SUSPICIOUS


def test_second_suspicious_failure_is_about_the_session() -> None:
    looking = look("twitter-dm", ready("twitter-dm", status=CANNOT_TELL))
    assert looking.after(dm("ada"), SUSPICIOUS) is SUSPICIOUS
    second = looking.after(dm("eve"), SUSPICIOUS)
    assert (second.verdict, second.reason, second.quota_back) == ("wait", "suspicious", True)
    assert "logged in" in (second.alert or "")
    # The one that waited fails again: then it is the recipient.
    assert looking.after(dm("eve"), SUSPICIOUS) is SUSPICIOUS


def test_a_message_that_went_through_clears_the_suspicion() -> None:
    looking = look("twitter-dm", ready("twitter-dm", status=CANNOT_TELL))
    assert looking.after(dm("ada"), SUSPICIOUS) is SUSPICIOUS
    sent = Outcome("sent", "sent")
    assert looking.after(dm("kim"), sent) is sent
    assert looking.after(dm("eve"), SUSPICIOUS) is SUSPICIOUS


@pytest.mark.parametrize("service", COMMENTING)
def test_a_tab_that_is_closed_between_two_comments_is_no_missing_post(service: str) -> None:
    shown = ready(service)
    looking = look(service, shown)
    assert refusal(looking) is None
    gone = Reply(503, {}, b'{"error": "No Safari tab available for it"}')
    shown.routes = dict.fromkeys(("session/ensure", "navigate", *page(service, "")), gone)
    waiting = refusal(looking)
    assert waiting is not None
    assert (waiting.verdict, waiting.reason) == ("wait", "not_ready")


def test_a_failed_session_is_asked_for_its_login_again() -> None:
    shown = ready("instagram-dm")
    looking = look("instagram-dm", shown)
    assert refusal(looking) is None
    shown.routes["prospect/score"] = Reply(503, {}, b'{"error": "Session activation failed"}')
    assert refusal(looking) is not None
    shown.routes["prospect/score"] = {"username": "ada"}
    shown.asked.clear()
    assert refusal(looking) is None
    assert any("status" in each for each in shown.asked)
