"""A comment that names only the author: which post it is for, and what a failed look means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actp.errors import InvalidInput
from actp.safari.commands import Comment, awaits_post, handle_of, recipient
from actp.safari.outcomes import Failure, Outcome, Phase, Reply
from actp.safari.posts import find_post
from tests.unit.safari.commands_for_tests import command


def comment(platform: str, **more: Any) -> Comment:
    params = {"handle": "ada", "text": "Great point", **more}
    made = command("comment", platform, **params)
    assert isinstance(made, Comment)
    return made


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


def found(platform: str, shown: Shown, **more: Any) -> Comment:
    answer = find_post(shown, comment(platform, **more), pause=lambda _: None)
    assert isinstance(answer, Comment), answer
    return answer


def refused(platform: str, shown: Shown, **more: Any) -> Outcome:
    answer = find_post(shown, comment(platform, **more), pause=lambda _: None)
    assert isinstance(answer, Outcome), answer
    assert answer.quota_back
    return answer


PROFILE = {"success": True, "url": "https://www.instagram.com/ada/"}
CASES: dict[str, tuple[list[Any], list[Any], str]] = {
    "twitter": (
        [{"success": True, "tweets": [{"tweetUrl": "https://x.com/Ada/status/9"}]}],
        [("POST", "/api/twitter/timeline", {"handle": "ada", "maxResults": 20})],
        "https://x.com/i/status/9",
    ),
    "tiktok": (
        [{"videos": [{"url": "https://www.tiktok.com/@ada/video/7"}]}],
        [("GET", "/api/tiktok/profile/ada/videos", {})],
        "https://www.tiktok.com/@/video/7",
    ),
    "instagram": (
        [{"success": True}, {"posts": [{"shortcode": "Cx1", "url": "/p/Cx1/"}]}, PROFILE],
        [
            ("POST", "/api/instagram/navigate", {"username": "ada"}),
            ("GET", "/api/instagram/profile/posts", {}),
            ("GET", "/api/instagram/post/metrics", {}),
        ],
        "https://www.instagram.com/p/Cx1/",
    ),
    "threads": (
        [{"success": True}, {"posts": [{"postUrl": "https://www.threads.com/@ada/post/C1"}]}],
        [
            ("POST", "/api/threads/navigate", {"url": "https://www.threads.com/@ada"}),
            ("GET", "/api/threads/posts", {}),
        ],
        "https://www.threads.com/t/C1",
    ),
}


@pytest.mark.parametrize("platform", CASES)
def test_each_platform_is_asked_in_its_own_way(platform: str) -> None:
    answers, asked, post = CASES[platform]
    shown = Shown(*answers)
    found_for = found(platform, shown)
    assert shown.asked == asked
    assert recipient(found_for) == post
    assert handle_of(found_for) == "ada"


def test_before_it_is_found_a_comment_has_a_person_but_no_recipient() -> None:
    waiting = comment("instagram")
    assert awaits_post(waiting)
    assert (recipient(waiting), handle_of(waiting)) == (None, "ada")
    assert not awaits_post(comment("twitter", postUrl="https://x.com/ada/status/1"))


def test_posts_commented_on_before_and_posts_of_others_are_passed_over() -> None:
    tweets = [
        {"tweetUrl": "https://x.com/grace/status/1", "text": "https://x.com/ada/status/8"},
        {"tweetUrl": "https://twitter.com/ada/status/2"},
        {"tweetUrl": "https://x.com/ada/status/3"},
    ]
    third = found("twitter", Shown({"tweets": tweets}), exclude=["https://x.com/ada/status/2"])
    assert recipient(third) == "https://x.com/i/status/3"


@pytest.mark.parametrize("platform", ["twitter", "instagram"])
def test_without_a_post_nothing_is_commented_on(platform: str) -> None:
    outcome = refused(platform, Shown({**PROFILE, "posts": []}))
    assert (outcome.verdict, outcome.reason) == ("rejected", "no_posts")
    assert "no post of ada" in outcome.error


def test_a_profile_that_fills_in_slowly_is_looked_at_again() -> None:
    posts: list[dict[str, str]] = [{"url": "/p/Cx1/"}]
    shown = Shown({"success": True}, {"posts": []}, PROFILE, {"posts": posts}, PROFILE)
    assert recipient(found("instagram", shown)) == "https://www.instagram.com/p/Cx1/"


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


def test_a_handle_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a username"):
        comment("twitter", handle="a b;c")


def test_posts_of_the_page_before_are_not_believed() -> None:
    before = {"success": True, "url": "https://www.instagram.com/grace/"}
    posts = {"posts": [{"url": "/p/Cx1/"}]}
    outcome = refused("instagram", Shown({"success": True}, posts, before, posts, before))
    assert (outcome.verdict, outcome.reason) == ("retry", "posts_not_shown")
    late = Shown({"success": True}, posts, before, posts, PROFILE)
    assert recipient(found("instagram", late)) == "https://www.instagram.com/p/Cx1/"


PINNED_AND_NEW = {
    "twitter": (
        {"tweetUrl": "https://x.com/ada/status/555", "timestamp": "2025-01-01T00:00:00.000Z"},
        {"tweetUrl": "https://x.com/ada/status/777", "timestamp": "2026-01-01T00:00:00.000Z"},
    ),
    "tiktok": (
        {"url": "https://www.tiktok.com/@ada/video/7300000000000000000"},
        {"url": "https://www.tiktok.com/@ada/video/7400000000000000000"},
    ),
    "instagram": ({"url": "/p/CxAAAAAAAAA/"}, {"url": "/reel/DAAAAAAAAAA/"}),
    "threads": (
        {"postUrl": "https://www.threads.com/@ada/post/CxAAAAAAAAA"},
        {"postUrl": "https://www.threads.com/@ada/post/DAAAAAAAAAA"},
    ),
}


@pytest.mark.parametrize("platform", PINNED_AND_NEW)
def test_the_newest_post_is_the_one_made_last(platform: str) -> None:
    posts = PINNED_AND_NEW[platform]
    shown = Shown({**PROFILE, "posts": list(posts)})
    newest = found(platform, shown)
    assert newest.chosen_by == "time"
    assert next(iter(posts[1].values())).rstrip("/") in (newest.post_url or "")


def test_without_times_the_first_post_is_taken_and_said_to_be_so() -> None:
    posts = [{"url": "/p/PIN/"}, {"url": "/p/NEW/"}]
    first = found("instagram", Shown({**PROFILE, "posts": posts}))
    assert (first.post_url, first.chosen_by) == ("https://www.instagram.com/p/PIN/", "place")
