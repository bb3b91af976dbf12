"""A comment that names only the author: which post it is for, and what a failed look means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actp.safari.catalogue import SERVICES
from actp.safari.commands import Command, awaits_post, handle_of, parse_command, recipient
from actp.safari.outcomes import Failure, Outcome, Phase, Reply
from actp.safari.posts import find_post


def comment(platform: str, **more: Any) -> Command:
    params = {"handle": "ada", "text": "Great point", **more}
    return parse_command({"id": "1", "action": "comment", "platform": platform, "params": params})


class Shown:
    """A service that shows what it is told, the last answer again and again."""

    def __init__(self, *answers: Any) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self._answers = list(answers)

    def __call__(
        self, method: str, path: str, content: bytes = b"", *, timeout_seconds: float
    ) -> Reply | Failure:
        assert timeout_seconds > 0
        self.asked.append((method, path, json.loads(content or b"{}")))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer if isinstance(answer, Reply | Failure) else reply(answer)


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(body).encode())


def found(platform: str, shown: Shown, **more: Any) -> Command:
    command = comment(platform, **more)
    answer = find_post(shown, SERVICES[f"{platform}-comments"], command, pause=lambda _: None)
    assert isinstance(answer, Command), answer
    return answer


def refused(platform: str, shown: Shown, **more: Any) -> Outcome:
    command = comment(platform, **more)
    answer = find_post(shown, SERVICES[f"{platform}-comments"], command, pause=lambda _: None)
    assert isinstance(answer, Outcome), answer
    assert answer.quota_back
    return answer


CASES: dict[str, tuple[list[Any], list[Any], str]] = {
    "twitter": (
        [{"success": True, "tweets": [{"tweetUrl": "https://x.com/Ada/status/9"}]}],
        [("POST", "/api/twitter/timeline", {"handle": "ada", "maxResults": 20})],
        "https://x.com/ada/status/9",
    ),
    "tiktok": (
        [{"videos": [{"url": "https://www.tiktok.com/@ada/video/7"}]}],
        [("GET", "/api/tiktok/profile/ada/videos", {})],
        "https://tiktok.com/@ada/video/7",
    ),
    "instagram": (
        [{"success": True}, {"posts": [{"shortcode": "Cx1", "url": "/p/Cx1/"}]}],
        [
            ("POST", "/api/instagram/navigate", {"username": "ada"}),
            ("GET", "/api/instagram/profile/posts", {}),
        ],
        "https://instagram.com/p/Cx1",
    ),
    "threads": (
        [{"success": True}, {"posts": [{"postUrl": "https://www.threads.com/@ada/post/C1"}]}],
        [
            ("POST", "/api/threads/navigate", {"url": "https://www.threads.com/@ada"}),
            ("GET", "/api/threads/posts", {}),
        ],
        "https://threads.com/@ada/post/C1",
    ),
}


@pytest.mark.parametrize("platform", CASES)
def test_each_platform_is_asked_in_its_own_way(platform: str) -> None:
    answers, asked, post = CASES[platform]
    shown = Shown(*answers)
    command = found(platform, shown)
    assert shown.asked == asked
    assert (recipient(command) or "").lower() == post.lower()
    assert handle_of(command) == "ada"


def test_before_it_is_found_a_comment_has_a_person_but_no_recipient() -> None:
    command = comment("instagram")
    assert awaits_post(command)
    assert (recipient(command), handle_of(command)) == (None, "ada")
    assert not awaits_post(comment("twitter", postUrl="https://x.com/ada/status/1"))


def test_posts_commented_on_before_and_posts_of_others_are_passed_over() -> None:
    tweets = [
        {"tweetUrl": "https://x.com/grace/status/1", "text": "https://x.com/ada/status/8"},
        {"tweetUrl": "https://twitter.com/ada/status/2"},
        {"tweetUrl": "https://x.com/ada/status/3"},
    ]
    command = found("twitter", Shown({"tweets": tweets}), exclude=["https://x.com/ada/status/2"])
    assert recipient(command) == "https://x.com/ada/status/3"


@pytest.mark.parametrize("platform", ["twitter", "instagram"])
def test_without_a_post_nothing_is_commented_on(platform: str) -> None:
    outcome = refused(platform, Shown({"success": True, "posts": []}))
    assert (outcome.verdict, outcome.reason) == ("rejected", "no_posts")
    assert "no post of ada" in outcome.error


def test_a_profile_that_fills_in_slowly_is_looked_at_again() -> None:
    shown = Shown({"success": True}, {"posts": []}, {"posts": [{"url": "/p/Cx1/"}]})
    assert recipient(found("instagram", shown)) == "https://instagram.com/p/Cx1"


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (Failure(Phase.NEVER_CONNECTED, "refused"), "retry", "never_connected"),
        (Failure(Phase.MAYBE_SENT, "timed out"), "retry", "no_answer"),
        (reply({"error": "boom"}, 500), "retry", "posts_not_shown"),
        (Reply(200, {}, b"<html>"), "retry", "posts_not_shown"),
        (reply({"error": "Unauthorized"}, 401), "wait", "misconfigured"),
        (reply({"error": "No Safari tab available for twitter-comments"}, 503), "wait", None),
    ],
)
def test_a_failed_look_is_never_unknown(answer: Any, verdict: str, reason: str | None) -> None:
    outcome = refused("twitter", Shown(answer))
    assert outcome.verdict in {verdict, "retry"}
    assert reason is None or outcome.reason == reason


def test_a_handle_that_is_none_is_refused_without_a_look() -> None:
    shown = Shown({})
    assert refused("twitter", shown, handle="a b;c").verdict == "rejected"
    assert shown.asked == []
