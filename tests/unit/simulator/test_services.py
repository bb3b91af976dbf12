"""Each service in its own words when all goes well, and the quirks that need no scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.catalogue import NAMES
from simulator.scenario.behaviours import Behaviour
from simulator.scenario.settings import ServiceSettings
from simulator.services.limits import Limits

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller

GUARDED = ("threads-comments", "instagram-comments", "twitter-comments", "linkedin-automation")
SENDERS = tuple(name for name in NAMES if name != "market-research")


@pytest.mark.parametrize("service", NAMES)
def test_every_service_acts_once_and_says_so(call: Caller, service: str) -> None:
    answer = call.send(service)
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    (effect,) = call.seen()
    assert effect["service"] == service
    assert effect["text"] == "hello"


@pytest.mark.parametrize("service", [name for name in NAMES if name != "instagram-dm"])
def test_health_names_the_service(call: Caller, service: str) -> None:
    assert call.get(service, "/health").json()["service"] == service


def test_the_health_of_instagram_dm_names_no_service(call: Caller) -> None:
    health = call.get("instagram-dm", "/health").json()
    assert "service" not in health
    assert health["rateLimits"]["limits"]["messagesPerDay"] == 30


@pytest.mark.parametrize("service", GUARDED)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic x"])
def test_without_the_token_nothing_is_sent(
    call: Caller, service: str, authorization: str | None
) -> None:
    answer = call.send_with(service, authorization)
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")
    assert call.seen() == []


@pytest.mark.parametrize("service", GUARDED)
def test_health_needs_no_token(call: Caller, service: str) -> None:
    assert call.http.get(f"{call.simulator.url(service)}/health").status_code == 200


@pytest.mark.parametrize(("service", "status"), [("linkedin-automation", 401), ("twitter-dm", 400)])
def test_only_linkedin_guards_the_tab_routes(call: Caller, service: str, status: int) -> None:
    assert call.post(service, "/api/tabs/claim", {}, headers={}).status_code == status


def test_an_unknown_route_is_404(call: Caller) -> None:
    assert call.get("twitter-dm", "/api/nothing").status_code == 404


@pytest.mark.parametrize(
    ("service", "status"),
    [("linkedin-automation", 400), ("twitter-comments", 400), ("threads-comments", 401)],
)
def test_an_empty_token_has_its_own_status(call: Caller, service: str, status: int) -> None:
    assert call.send_with(service, "Bearer").status_code == status


@pytest.mark.parametrize(
    ("service", "path", "body", "words"),
    [
        (
            "instagram-dm",
            "/api/messages/send-to",
            {"username": "m", "message": "x"},
            {"error": "username and text required"},
        ),
        (
            "twitter-dm",
            "/api/twitter/messages/send-to",
            {"username": "m"},
            {"success": False, "error": "username and text required"},
        ),
        (
            "tiktok-dm",
            "/api/tiktok/messages/send-to",
            {"text": "x"},
            {"error": "username and text (or message) are required"},
        ),
        ("tiktok-comments", "/api/tiktok/comments/post", {}, {"error": "text is required"}),
        (
            "twitter-comments",
            "/api/twitter/comments/post",
            {"text": "x"},
            {"error": "Bad Request", "message": "Missing required field: postUrl"},
        ),
        (
            "twitter-comments",
            "/api/twitter/comments/post",
            {"text": "x", "postUrl": "nowhere"},
            {"success": False, "error": "Invalid URL format for postUrl"},
        ),
    ],
)
def test_a_bad_request_is_refused_in_the_words_of_the_service(
    call: Caller, service: str, path: str, body: dict[str, Any], words: dict[str, Any]
) -> None:
    answer = call.post(service, path, body)
    assert (answer.status_code, answer.json()) == (400, words)
    assert call.seen() == []


def test_a_tweet_of_281_characters_is_counted_and_refused(call: Caller) -> None:
    answer = call.post("twitter-comments", "/api/twitter/tweet", {"text": "x" * 281})
    assert answer.status_code == 400
    assert answer.json()["charCount"] == 281


def test_twitter_publishes_rewritten_words(call: Caller) -> None:
    text = "We update the schedule"
    answer = call.post("twitter-comments", "/api/twitter/tweet", {"text": text})
    assert answer.json()["tweetText"] == "We [FILTERED:update] the schedule"
    assert [e["text"] for e in call.seen("tweet")] == ["We [FILTERED:update] the schedule"]


def test_a_new_tweet_is_found_in_the_timeline(call: Caller) -> None:
    call.post("twitter-comments", "/api/twitter/tweet", {"text": "news"})
    answer = call.post("twitter-comments", "/api/twitter/timeline", {"handle": "me"})
    (tweet,) = answer.json()["tweets"]
    assert tweet["text"] == "news"
    assert tweet["tweetUrl"].startswith("https://x.com/")


def test_twitter_answers_broken_json_with_a_stack(call: Caller) -> None:
    url = f"{call.simulator.url('twitter-comments')}/api/twitter/tweet"
    headers = {**call.headers("twitter-comments"), "Content-Type": "application/json"}
    answer = call.http.post(url, content=b"{", headers=headers)
    assert answer.status_code == 500
    assert "server.ts" in answer.json()["stack"]


def test_threads_wants_json(call: Caller) -> None:
    url = f"{call.simulator.url('threads-comments')}/api/threads/comments/post"
    answer = call.http.post(url, content=b"x", headers=call.headers("threads-comments"))
    assert answer.status_code == 415


def test_threads_writes_its_own_comment_when_given_no_text(call: Caller) -> None:
    body = {"postUrl": "https://www.threads.net/@a/post/1", "comment": "mine"}
    call.post("threads-comments", "/api/threads/comments/post", body)
    (effect,) = call.seen("comment")
    assert effect["text"].startswith("Appreciate you sharing")


def test_use_ai_overrides_the_text(call: Caller) -> None:
    call.send("threads-comments", useAI=True)
    assert call.seen("comment")[0]["text"] != "hello"


def test_a_dry_run_on_threads_posts_nothing(call: Caller) -> None:
    assert call.send("threads-comments", dry_run=True).json()["dry_run"] is True
    assert call.seen() == []


def test_threads_replays_its_answer_for_the_same_post_and_text(call: Caller) -> None:
    first, second = call.send("threads-comments"), call.send("threads-comments")
    assert first.json() == second.json()
    assert len(call.seen("comment")) == 1
    assert len(call.seen("repeat")) == 1


def test_instagram_comments_drops_verified(call: Caller) -> None:
    assert "verified" not in call.send("instagram-comments").json()


def test_tiktok_fails_after_posting_to_an_url_without_scheme(call: Caller) -> None:
    answer = call.send("tiktok-comments", postUrl="www.tiktok.com/@a/video/1")
    assert answer.json() == {"error": "TypeError: Invalid URL"}
    assert answer.status_code == 500
    assert len(call.seen("comment")) == 1


def test_tiktok_refuses_short_links(call: Caller) -> None:
    assert call.send("tiktok-comments", postUrl="https://vm.tiktok.com/x").status_code == 400


def test_tiktok_messages_a_user_only_once_even_after_a_crash(call: Caller) -> None:
    call.simulator.play({"services": {"tiktok-dm": {"restart_after_seconds": 0.05}}})
    call.send("tiktok-dm")
    call.simulator.crash("tiktok-dm")
    call.simulator.wait_for(up="tiktok-dm")
    answer = call.send("tiktok-dm")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("already_messaged: @maria")
    assert len(call.seen("dm")) == 1


def test_tiktok_forced_messages_again(call: Caller) -> None:
    call.send("tiktok-dm")
    assert call.send("tiktok-dm", force=True).status_code == 200
    assert len(call.seen("dm")) == 2


def test_instagram_lists_conversations_by_tab(call: Caller) -> None:
    call.simulator.play(
        {
            "services": {
                "instagram-dm": {
                    "conversations": [{"username": "ana", "lastMessage": "hi", "tab": "requests"}]
                }
            }
        }
    )
    call.send("instagram-dm")
    tabs = call.get("instagram-dm", "/api/conversations/all").json()
    assert [c["username"] for c in tabs["conversations"]["primary"]] == ["maria"]
    assert [c["username"] for c in tabs["conversations"]["requests"]] == ["ana"]
    assert tabs["totalCount"] == 2


@pytest.mark.parametrize(
    ("service", "path", "key"),
    [
        ("twitter-dm", "/api/twitter/conversations", "username"),
        ("tiktok-dm", "/api/tiktok/conversations", "username"),
        ("linkedin-automation", "/api/linkedin/conversations", "participantName"),
    ],
)
def test_what_was_sent_shows_in_the_conversations(
    call: Caller, service: str, path: str, key: str
) -> None:
    call.send(service)
    (conversation,) = call.get(service, path).json()["conversations"]
    assert conversation["lastMessage"].removeprefix("You: ") == "hello"
    assert conversation[key].lower() == "maria"


@pytest.mark.parametrize("is_asked_first", [True, False])
def test_a_counter_can_wait_for_the_next_request_to_go_back(*, is_asked_first: bool) -> None:
    now = [0.0]
    limits = Limits(
        1, 9, ServiceSettings(per_hour=1), is_asked_first=is_asked_first, clock=lambda: now[0]
    )
    limits.count()
    now[0] = 2 * 3600.0
    assert limits.this_hour == (1 if is_asked_first else 0)
    assert not limits.forbid(Behaviour.QUOTA)
    assert limits.this_hour == 0


def test_rate_limits_count_what_was_sent(call: Caller) -> None:
    call.send("instagram-dm")
    assert call.get("instagram-dm", "/api/rate-limits").json()["messagesSentToday"] == 1
    assert call.get("linkedin-automation", "/api/linkedin/rate-limits").json()["config"]


def test_a_tab_is_claimed_by_one_agent(call: Caller) -> None:
    service = "twitter-dm"
    assert call.post(service, "/api/tabs/claim", {"agentId": "a"}).json()["ok"] is True
    assert call.post(service, "/api/tabs/claim", {"agentId": "b"}).status_code == 409
    assert call.get(service, "/api/tabs/claims").json()["count"] == 1
    call.post(service, "/api/tabs/release", {"agentId": "a"})
    assert call.post(service, "/api/tabs/heartbeat", {"agentId": "a"}).status_code == 404
