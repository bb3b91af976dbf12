"""Nothing leaves that a service would misread, and everything else leaves in its form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from actp.errors import InvalidInput
from actp.safari.exchange import bearer_headers
from actp.safari.requests import RequestOptions, build_request
from actp.safari.texts import MAX_LENGTHS
from tests.unit.safari.commands_for_tests import POSTS, command, command_of

SHELL_SIGNS = set("'\"`\\$;&|<>(){}*!\n\r\t\x00 ")
REWRITTEN = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "DROP",
    "CREATE",
    "ALTER",
    "EXEC",
    "UNION",
    "SCRIPT",
]


def sent(action: str, platform: str | None, **params: Any) -> tuple[str, dict[str, Any]]:
    asked = command(action, platform, **params)
    request = build_request(asked.service, asked)
    assert request.method == "POST"
    return request.path, dict(request.json)


@pytest.mark.parametrize(
    ("platform", "path"),
    [
        ("instagram", "/api/messages/send-from-profile"),
        ("twitter", "/api/twitter/messages/send-to"),
        ("tiktok", "/api/tiktok/messages/send-to"),
    ],
)
def test_a_dm_goes_to_the_route_that_sends_once(platform: str, path: str) -> None:
    body = {"username": "ada", "text": "Hello"}
    assert sent("send_dm", platform, username="@Ada", message="Hello") == (path, body)


def test_the_plain_instagram_route_is_used_only_when_asked_for() -> None:
    asked = command_of("instagram-dm")
    request = build_request(asked.service, asked, RequestOptions(instagram_dm_plain_route=True))
    assert request.path == "/api/messages/send-to"


def test_a_linkedin_dm_goes_to_a_profile() -> None:
    path, body = sent("send_dm", "linkedin", username="Ada-Lovelace", text="Hello")
    assert path == "/api/linkedin/messages/send-to"
    assert body == {"profileUrl": "https://www.linkedin.com/in/ada-lovelace/", "text": "Hello"}


@pytest.mark.parametrize("platform", sorted(POSTS))
def test_a_comment_names_its_post_and_its_text(platform: str) -> None:
    path, body = sent(
        "comment",
        platform,
        postUrl=POSTS[platform] + "?utm=1",
        text="Hello",
        useAI=True,
        force=True,
    )
    assert path == f"/api/{platform}/comments/post"
    assert body == {"postUrl": POSTS[platform], "text": "Hello"}


def test_a_tweet_is_its_text() -> None:
    assert sent("tweet", None, text="Hi\r\nyou") == ("/api/twitter/tweet", {"text": "Hi\nyou"})


def test_research_is_a_search_of_so_many_posts() -> None:
    path, body = sent("market_research", "threads", keyword=" small  business ", maxPosts="30")
    assert path == "/api/research/threads/search"
    assert body["query"] == "small business"
    assert body["config"] == {"postsPerQuery": 30, "maxPosts": 30}


def test_tiktok_research_does_not_open_every_video() -> None:
    assert sent("market_research", "tiktok", query="ai")[1]["config"]["deepScrape"] is False


@pytest.mark.parametrize("count", [0, 1001, -1, "many", True, 1.5, [1]])
def test_a_number_of_posts_outside_the_range_is_refused(count: Any) -> None:
    with pytest.raises(InvalidInput, match="maxPosts"):
        sent("market_research", "twitter", query="ai", maxPosts=count)


@pytest.mark.parametrize(
    "query", ["", "   ", "it's", 'say "x"', "a`b", "a\\b", "$(x)", "a\x00", "q" * 201]
)
def test_a_query_that_would_leave_its_quotes_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput):
        sent("market_research", "twitter", query=query)


@pytest.mark.parametrize(
    "username",
    [
        "a b",
        "a'b",
        "a;b",
        "ada\nlove",
        "..",
        "a/b",
        "é",
        "a" * 31,
        "@",
        "$(id)",
        "https://evil.com/ada",
        "--x",
    ],
)
def test_a_username_with_other_signs_is_refused(username: str) -> None:
    with pytest.raises(InvalidInput):
        sent("send_dm", "twitter", username=username, text="Hi")


@pytest.mark.parametrize(
    ("platform", "url"),
    [
        ("twitter", "http://x.com/ada/status/1"),
        ("twitter", "x.com/ada/status/1"),
        ("twitter", "https://netflix.com/ada/status/1"),
        ("twitter", "https://x.com.evil.org/ada/status/1"),
        ("twitter", "https://ada@x.com/ada/status/1"),
        ("twitter", "https://x.com:8443/ada/status/1"),
        ("twitter", "https://x.com:port/ada/status/1"),
        ("twitter", "https://x.com/ada"),
        ("twitter", "https://x.com/ada/status/1'"),
        ("twitter", "https://x.com/ada/status/$(id)"),
        ("twitter", "https://x.com/ada/status/1`id`"),
        ("twitter", "https://[x.com/ada/status/1"),
        ("twitter", "javascript:alert(1)"),
        ("twitter", "https://x.com/ada/status/01"),
        ("tiktok", "https://www.tiktok.com/@ada/video/01"),
        ("instagram", "https://www.instagram.com/ada/"),
        ("threads", "https://www.threads.net/@ada"),
        ("tiktok", "https://vm.tiktok.com/ZM1/"),
        ("tiktok", "https://vt.tiktok.com/@ada/video/1"),
        ("tiktok", "https://www.tiktok.com/t/ZM1"),
        ("tiktok", "https://www.tiktok.com/@ada/video/1 2"),
    ],
)
def test_an_address_that_is_no_post_is_refused(platform: str, url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sent("comment", platform, postUrl=url, text="Hi")
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("platform", "url", "opened"),
    [
        ("twitter", "https://twitter.com/i/web/status/1", "https://x.com/i/status/1"),
        (
            "twitter",
            "https://mobile.twitter.com/ada/status/1/photo/1",
            "https://x.com/ada/status/1",
        ),
        (
            "instagram",
            "https://instagram.com/ada/reel/C1",
            "https://www.instagram.com/ada/reel/C1/",
        ),
        ("threads", "https://www.threads.net/t/C1", "https://www.threads.com/t/C1"),
        (
            "tiktok",
            "https://m.tiktok.com/@ada.b/video/7",
            "https://www.tiktok.com/@ada.b/video/7",
        ),
    ],
)
def test_a_post_is_opened_at_its_one_address(platform: str, url: str, opened: str) -> None:
    assert sent("comment", platform, postUrl=url, text="Hi")[1]["postUrl"] == opened


@pytest.mark.parametrize("service", sorted(MAX_LENGTHS))
def test_a_text_may_be_as_long_as_the_platform_allows_and_no_longer(service: str) -> None:
    longest = MAX_LENGTHS[service]
    fits = command_of(service, "x" * longest)
    assert build_request(fits.service, fits).json["text"] == "x" * longest
    with pytest.raises(InvalidInput, match=f"{longest + 1} characters, {service} takes {longest}"):
        command_of(service, "x" * (longest + 1))


def test_an_emoji_counts_as_the_services_count_it() -> None:
    fits = command_of("twitter-comments", "🙌" * 140)
    assert build_request(fits.service, fits)
    with pytest.raises(InvalidInput, match="282 characters"):
        command("tweet", text="🙌" * 141)


@pytest.mark.parametrize("text", ["", " \n", "a\x00b", "a\x1bb", "\ud800", "\x7f"])
def test_a_text_that_cannot_be_published_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        command_of("twitter-dm", text)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\u2028", "\u2029", "\x0b", "\x85"])
def test_line_ends_become_plain(ending: str) -> None:
    asked = command_of("twitter-dm", f"a{ending}b")
    assert build_request(asked.service, asked).json["text"] == "a\nb"


@pytest.mark.parametrize("word", [*REWRITTEN, "update", "Script"])
def test_a_word_that_twitter_comments_would_rewrite_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput, match=f"'{word}'"):
        command_of("twitter-comments", f"We {word} it")
    with pytest.raises(InvalidInput, match=f"'{word}'"):
        command("tweet", text=word)


def test_longer_words_and_other_services_keep_their_words() -> None:
    for asked in (
        command_of("twitter-comments", "updates, selected, description, execute"),
        command_of("twitter-dm", "We update the schedule"),
    ):
        assert build_request(asked.service, asked)


def test_the_token_is_a_header_and_never_a_word() -> None:
    token = SecretStr("s3cret")
    assert bearer_headers(token) == {"Authorization": "Bearer s3cret"}
    assert bearer_headers(None) == {}


def test_a_request_does_not_show_its_text_in_a_log() -> None:
    asked = command_of("twitter-dm", "private words")
    assert "private words" not in repr(build_request(asked.service, asked)) + repr(asked)


@given(st.text(max_size=40), st.sampled_from(["instagram", "twitter", "tiktok", "linkedin"]))
def test_a_recipient_never_carries_signs_of_a_shell(name: str, platform: str) -> None:
    try:
        _, body = sent("send_dm", platform, username=name, text="Hi")
    except InvalidInput:
        return
    assert not SHELL_SIGNS & set(body.get("username") or body["profileUrl"])


@given(st.text(max_size=40), st.sampled_from(sorted(POSTS)))
def test_a_post_never_carries_signs_of_a_shell(tail: str, platform: str) -> None:
    try:
        _, body = sent("comment", platform, postUrl=POSTS[platform] + tail, text="Hi")
    except InvalidInput:
        return
    assert not SHELL_SIGNS & set(body["postUrl"])
