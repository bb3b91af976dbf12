"""A row of the queue becomes a command, or is refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actp.errors import InvalidInput
from actp.safari.commands import handle_of, parse_command, parse_params, recipient, text_hash
from tests.unit.safari.commands_for_tests import command


@pytest.mark.parametrize("params", [None, "", "  ", "null", {}, "{}"])
def test_absent_params_are_empty(params: Any) -> None:
    assert parse_params(params) == {}


def test_params_may_be_the_text_of_an_object() -> None:
    assert parse_params(json.dumps({"username": "ada"})) == {"username": "ada"}


@pytest.mark.parametrize("params", ["[1]", [1], "{broken", '"text"', 7, True, "[" * 100_000])
def test_params_that_are_no_object_are_refused(params: Any) -> None:
    with pytest.raises(InvalidInput, match="params"):
        parse_params(params)


@pytest.mark.parametrize("action", [None, "", "  ", 5])
def test_a_row_without_an_action_is_refused(action: Any) -> None:
    with pytest.raises(InvalidInput, match="no action"):
        parse_command({"id": "1", "action": action})


def test_a_platform_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="platform must be a text"):
        parse_command({"id": "1", "action": "send_dm", "platform": 5})


POST = "https://x.com/ada/status/1"


@pytest.mark.parametrize(
    ("action", "platform", "params", "field", "value"),
    [
        ("send_dm", "twitter", {"username": "ada", "message": "Hi"}, "text", "Hi"),
        ("send_dm", "twitter", {"handle": "@Ada", "text": "", "message": "Hi"}, "text", "Hi"),
        ("comment", "twitter", {"url": POST, "text": "Hi"}, "post_url", POST),
        ("comment", "twitter", {"tweetUrl": POST, "text": "Hi"}, "post_url", POST),
        ("send_dm", "twitter", {"handle": "@Ada", "text": "Hi"}, "to", "ada"),
        ("send_dm", "twitter", {"profileUrl": "https://x.com/ada", "text": "Hi"}, "to", "ada"),
        (
            "send_dm",
            "linkedin",
            {"username": "a", "profileUrl": "b-c", "text": "Hi"},
            "to",
            "https://www.linkedin.com/in/b-c/",
        ),
        ("market_research", "twitter", {"keyword": "ai"}, "query", "ai"),
        ("market_research", "twitter", {"query": "ai", "N": "5"}, "max_posts", 5),
        ("market_research", "twitter", {"query": "ai"}, "max_posts", 20),
        ("market_research", "tiktok", {"query": "ai", "deepScrape": True}, "deep_scrape", True),
        ("navigate", None, {"url": "https://x.com/"}, "url", "https://x.com/"),
        ("score", None, {"limit": 7}, "limit", 7),
        ("generate", None, {"minScore": 30.0}, "min_score", 30),
    ],
)
def test_fields_have_the_names_that_other_tools_use(
    action: str, platform: str | None, params: dict[str, Any], field: str, value: Any
) -> None:
    assert getattr(command(action, platform, **params), field) == value


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"send_dm needs params\.text"):
        command("send_dm", "twitter")


def test_a_field_of_another_type_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"params\.text must be a text, not an array"):
        command("send_dm", "twitter", text=["Hi"])


@pytest.mark.parametrize("count", [0, 1001, True, "many", 2.5, "-1"])
def test_a_number_out_of_bounds_is_refused(count: Any) -> None:
    with pytest.raises(InvalidInput, match="whole number from 1 to 1000"):
        command("market_research", "twitter", query="ai", maxPosts=count)


@pytest.mark.parametrize("spelling", ["ada", "@Ada", " ADA ", "https://x.com/Ada"])
def test_one_person_has_one_recipient(spelling: str) -> None:
    assert recipient(command("send_dm", "twitter", username=spelling, text="Hi")) == "ada"


@pytest.mark.parametrize(
    "spelling",
    [
        "ada-l",
        "@ada-l",
        "https://www.linkedin.com/in/Ada-L",
        "https://de.linkedin.com/in/ada-l/?x=1",
    ],
)
def test_one_linkedin_profile_has_one_recipient(spelling: str) -> None:
    dm = command("send_dm", "linkedin", profileUrl=spelling, text="Hi")
    assert recipient(dm) == "https://www.linkedin.com/in/ada-l/"
    assert handle_of(dm) == "ada-l"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://x.com/ada/status/1",
        "https://twitter.com/ada/status/1/?s=20",
        "https://x.com/ada/status/1#m",
    ],
)
def test_one_post_has_one_recipient(spelling: str) -> None:
    comment = command("comment", "twitter", postUrl=spelling, text="Hi")
    assert recipient(comment) == "https://x.com/i/status/1"
    assert handle_of(comment) == "ada"


def test_a_post_without_its_author_names_no_person() -> None:
    nameless = command("comment", "instagram", url="https://www.instagram.com/p/C1/", text="Hi")
    assert handle_of(nameless) is None


def test_a_tweet_reaches_nobody_in_particular() -> None:
    assert recipient(command("tweet", text="Hi")) is None


def test_the_hash_of_a_text_does_not_depend_on_line_ends() -> None:
    one, other = (command("tweet", text=text) for text in ("a\nb", "a\r\nb "))
    assert text_hash(one) == text_hash(other) != text_hash(command("tweet", text="a b"))


@pytest.mark.parametrize(
    "text",
    [
        "Hi  there",
        "Hi\u00a0there ",
        "\u200bHi there",
        "\uff28i there",
        "Hi\tthere\r\n",
        "H\u00adi there",
    ],
)
def test_signs_that_show_nothing_make_no_other_text(text: str) -> None:
    seen = text_hash(command("tweet", text="Hi there"))
    assert text_hash(command("tweet", text=text)) == seen
    assert text_hash(command("tweet", text="Hi There")) != seen


@pytest.mark.parametrize(
    ("sign", "most"), [("a", 280), ("ж", 280), ("漢", 140), ("한", 140), ("カ", 140), ("👍", 140)]
)
def test_a_post_on_x_is_counted_as_x_counts_it(sign: str, most: int) -> None:
    assert command("tweet", text=sign * most) is not None
    with pytest.raises(InvalidInput, match="twitter-comments takes 280"):
        command("tweet", text=sign * (most + 1))


def test_research_has_no_text_to_compare() -> None:
    assert text_hash(command("market_research", "twitter", query="ai", text="x")) is None
