"""Every answer of the nine services means what the services mean by it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actp.safari.answers import read_answer
from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.outcomes import Failure, Outcome, Phase, Reply
from tests.unit.safari.answer_cases import CASES, Meaning, fails
from tests.unit.safari.commands_for_tests import command, command_of
from tests.unit.safari.texts_within import texts_within

NOON = datetime(2026, 3, 8, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
ONCE = [service.name for service in HTTP_SERVICES if service.effect == "once"]
ALL = [service.name for service in HTTP_SERVICES]
HTML = b"<!DOCTYPE html><html><body><pre>Cannot POST /api</pre></body></html>"


def read(
    service: str,
    status: int,
    body: Any,
    headers: dict[str, str] | None = None,
    now: datetime = NOON,
) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status, headers or {}, raw)
    return read_answer(SERVICES[service], command_of(service), reply, now=now, took_seconds=1.0)


@pytest.mark.parametrize(
    ("meaning", "service", "status", "body"),
    [(meaning, *case) for meaning, cases in CASES.items() for case in cases],
)
def test_an_answer_means_what_the_service_means(
    meaning: Meaning, service: str, status: int, body: Any
) -> None:
    outcome = read(service, status, body)
    read_as = (outcome.verdict, outcome.reason, outcome.quota_back, outcome.breaker)
    assert read_as == tuple(meaning)
    assert outcome.result["outcome"] == meaning.verdict
    assert outcome.http_status == outcome.result["http_status"] == status
    assert (outcome.wait_seconds is not None) == (meaning.verdict == "wait")
    assert bool(outcome.error) == (meaning.verdict != "sent")
    assert bool(outcome.alert) == (meaning.verdict != "unknown" and meaning.breaker == "open")


def test_a_tiktok_message_to_the_first_of_a_search_is_told() -> None:
    unchecked = read("tiktok-dm", 200, {"success": True, "rateLimits": {"hourly": 1, "daily": 1}})
    checked = read("tiktok-dm", 200, {"success": True, "username": "ada", "verified": False})
    assert (unchecked.verdict, unchecked.reason) == ("sent", "unverified")
    assert "see whether that is ada" in str(unchecked.alert)
    assert (checked.verdict, checked.alert) == ("sent", None)


@pytest.mark.parametrize("service", ALL)
def test_a_refused_connection_is_not_sent(service: str) -> None:
    failure = Failure(Phase.NEVER_CONNECTED, "connection refused")
    outcome = read_answer(SERVICES[service], command_of(service), failure, now=NOON)
    assert (outcome.verdict, outcome.reason) == ("retry", "never_connected")
    assert outcome.quota_back
    assert outcome.breaker == "count"
    assert "connection refused" in outcome.error


@pytest.mark.parametrize("service", ALL)
def test_a_dropped_connection_is_unknown_for_what_happens_once(service: str) -> None:
    failure = Failure(Phase.MAYBE_SENT, "read timeout")
    outcome = read_answer(SERVICES[service], command_of(service), failure, now=NOON)
    assert outcome.verdict == ("unknown" if service in ONCE else "retry")
    assert not outcome.quota_back


@pytest.mark.parametrize("service", ONCE)
@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 404, 408, 418, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b'{"success": tr', b"[]", b"null", b"\xff\xfe\x00"])
def test_an_unreadable_answer_never_sends_again(service: str, status: int, body: bytes) -> None:
    outcome = read(service, status, body)
    assert outcome.verdict in {"unknown", "rejected", "wait"}
    if not body or body.startswith(b"{") or status not in {400, 404}:
        assert outcome.verdict == "unknown"


@pytest.mark.parametrize("service", ONCE)
@pytest.mark.parametrize("status", [400, 404, 500, 503, 504, 429, 401])
def test_success_in_an_answer_of_failure_is_unknown(service: str, status: int) -> None:
    assert read(service, status, {"success": True}).verdict == "unknown"


@pytest.mark.parametrize("status", [400, 415, 422])
def test_what_express_refuses_itself_was_not_sent(status: int) -> None:
    outcome = read("twitter-dm", status, HTML)
    assert (outcome.verdict, outcome.reason, outcome.quota_back) == ("rejected", "validation", True)


def test_a_success_that_is_not_true_is_no_success() -> None:
    assert read("twitter-dm", 200, {"success": "true"}).verdict == "unknown"
    assert read("twitter-dm", 200, {"ok": True}).verdict == "unknown"


@pytest.mark.parametrize(
    ("service", "level"),
    [
        ("instagram-dm", "claimed"),
        ("twitter-dm", "claimed"),
        ("threads-comments", "claimed"),
        ("instagram-comments", "none"),
        ("tiktok-comments", "claimed"),
        ("twitter-comments", "claimed"),
        ("tiktok-dm", "seen"),
        ("linkedin-automation", "seen"),
    ],
)
def test_verified_is_worth_what_the_service_looked_at(service: str, level: str) -> None:
    name = {"linkedin-automation": "Ada Lovelace", "tiktok-dm": "Ada"}.get(service, "ada")
    verified = {"success": True, "verified": True, "verifiedRecipient": name}
    result = read(service, 200, verified).result
    assert (result["verification"], result["verified"]) == (level, level == "seen")
    for answer in ({"success": True}, {"success": True, "verified": False}):
        result = read(service, 200, answer).result
        assert (result["verification"], result["verified"]) == ("none", False)


@pytest.mark.parametrize("service", ["tiktok-dm", "linkedin-automation"])
@pytest.mark.parametrize("named", ["composer_open_inbox_trusted", "ada", "Adam Smith", "", None])
def test_a_text_below_another_name_is_not_seen_by_its_recipient(
    service: str, named: str | None
) -> None:
    answer = {"success": True, "verified": True, "verifiedRecipient": named}
    assert read(service, 200, answer).result["verification"] == "claimed"


@pytest.mark.parametrize(
    ("answer", "is_unclear"),
    [
        ((504, {"error": "Gateway Timeout"}), True),
        ((502, b"<html>Bad Gateway</html>"), True),
        ((200, b'{"success": tr'), True),
        ((500, {"success": False, "error": "Command failed: osascript"}), False),
        ((200, {"success": False, "error": "something new"}), False),
        ((200, {"success": True}), False),
    ],
)
def test_only_an_incomplete_answer_leaves_safari_busy(
    answer: tuple[int, Any], *, is_unclear: bool
) -> None:
    assert read("twitter-dm", *answer).is_unclear is is_unclear


def test_altered_text_is_sent_and_alerted() -> None:
    outcome = read(
        "twitter-comments",
        200,
        {"success": True, "verified": True, "generatedComment": "We [FILTERED:update]"},
    )
    assert outcome.verdict == "sent"
    assert outcome.result["rewritten"] is True
    assert "[FILTERED:update]" in (outcome.alert or "")


def test_an_unaltered_tweet_is_just_sent() -> None:
    tweet = command("tweet", text="a\r\nb")
    reply = Reply(200, {}, json.dumps({"success": True, "tweetText": "a\nb"}).encode())
    outcome = read_answer(tweet.service, tweet, reply, now=NOON)
    assert outcome.alert is None
    assert "rewritten" not in outcome.result


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "42"}, {}, 42),
        ({"retry-after": "99999"}, {}, 3600),
        ({"Retry-After": "0"}, {}, 1),
        ({"Retry-After": "Sun, 08 Mar 2026 17:02:00 GMT"}, {}, 120),
        ({"Retry-After": "soon"}, {}, 900),
        ({}, {"retryAfter": 30}, 30),
        ({}, {"retryAfter": "45s"}, 45),
        ({}, {}, 900),
    ],
)
def test_retry_after_is_honoured_up_to_an_hour(
    headers: dict[str, str], body: dict[str, Any], seconds: float
) -> None:
    outcome = read("threads-comments", 429, {"error": "Too Many Requests", **body}, headers)
    assert outcome.wait_seconds == seconds


def test_the_linkedin_lock_is_awaited_for_its_real_time() -> None:
    body = {"error": "Safari busy — another operation is in progress"}
    outcome = read("linkedin-automation", 429, body, {"Retry-After": "120"})
    assert outcome.wait_seconds == 30


@pytest.mark.parametrize(
    ("hour", "seconds"), [(8, 3600), (22, 11 * 3600), (21, 12 * 3600), (0, 9 * 3600), (12, 900)]
)
def test_outside_hours_waits_until_nine(hour: int, seconds: float) -> None:
    now = NOON.replace(hour=hour)
    outcome = read("tiktok-dm", 429, fails("Outside active hours"), now=now)
    assert outcome.wait_seconds == seconds


def test_a_quota_of_the_day_is_asked_about_hourly() -> None:
    assert read("tiktok-dm", 429, fails("Daily limit reached")).wait_seconds == 3600
    assert read("tiktok-dm", 429, fails("Hourly limit reached")).wait_seconds == 900


def test_what_research_found_is_kept() -> None:
    posts = [{"id": str(n), "text": "x" * 200} for n in range(200)]
    outcome = read("market-research", 200, {"success": True, "posts": posts, "count": 200})
    assert outcome.result["answer"]["posts"] == posts


@given(
    st.sampled_from(ALL),
    st.integers(100, 599),
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))
    | st.fixed_dictionaries(
        {},
        optional={
            "success": st.none() | st.booleans() | st.text(),
            "error": st.none() | st.text() | st.integers(),
            "profileError": st.text() | st.none(),
            "retryAfter": st.floats() | st.text() | st.booleans(),
            "generatedComment": st.text() | st.integers(),
        },
    ).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.dictionaries(st.sampled_from(["Retry-After", "X-Other"]), st.text(max_size=30)),
)
def test_no_answer_makes_the_reader_raise(
    service: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    outcome = read(service, status, body, headers)
    stored = json.dumps(outcome.result, allow_nan=False)
    assert not any("\x00" in text for text in texts_within(outcome.result))
    assert len(stored) < 100_000
    assert len(outcome.error) <= 500
    if outcome.verdict == "sent":
        assert 200 <= status < 300
