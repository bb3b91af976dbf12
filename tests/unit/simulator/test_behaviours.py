"""What a scenario can make a service do, seen from both ends of the wire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simulator.catalogue import NAMES
from tests.unit.simulator.conftest import CALL_SECONDS

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller

SHORT_SECONDS = 0.3
DROPPED = (httpx.RemoteProtocolError, httpx.ReadError)


def test_instagram_sends_twice_on_the_plain_route_when_it_cannot_verify(call: Caller) -> None:
    call.play("instagram-dm", "unverified")
    body = {"username": "maria", "text": "hello"}
    answer = call.post("instagram-dm", "/api/messages/send-to", body).json()
    assert (answer["success"], answer["strategy"]) == (True, "inbox")
    assert "verified" not in answer
    assert len(call.seen("dm")) == 2


def test_instagram_sends_once_on_the_careful_route(call: Caller) -> None:
    call.play("instagram-dm", "unverified")
    answer = call.send("instagram-dm").json()
    assert answer["verified"] is False
    assert len(call.seen("dm")) == 1


def test_verified_can_be_absent(call: Caller) -> None:
    call.play("twitter-dm", "verified_absent")
    assert "verified" not in call.send("twitter-dm").json()
    assert len(call.seen("dm")) == 1


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ("instagram-dm", 200),
        ("twitter-dm", 200),
        ("threads-comments", 400),
        ("instagram-comments", 400),
        ("tiktok-comments", 200),
        ("twitter-comments", 200),
        ("tiktok-dm", 400),
        ("linkedin-automation", 200),
    ],
)
def test_a_failure_has_the_status_of_the_service(call: Caller, service: str, status: int) -> None:
    call.play(service, "refuse_before_send")
    answer = call.send(service)
    assert answer.status_code == status
    assert answer.json()["success"] is False
    assert call.seen() == []


def test_a_failure_can_have_any_status_and_text(call: Caller) -> None:
    call.play("twitter-dm", "fail", status=500, error="AppleScript error -1712")
    answer = call.send("twitter-dm")
    assert (answer.status_code, answer.json()["error"]) == (500, "AppleScript error -1712")
    assert call.seen() == []


def test_a_reported_failure_may_have_arrived(call: Caller) -> None:
    call.play("tiktok-dm", "fail_after_effect")
    assert call.send("tiktok-dm").json()["success"] is False
    assert len(call.seen("dm")) == 1


@pytest.mark.parametrize(
    ("service", "behaviour", "status", "error"),
    [
        ("instagram-dm", "quota", 429, "Hourly rate limit exceeded"),
        ("instagram-dm", "quota_daily", 429, "Daily rate limit exceeded"),
        ("instagram-dm", "outside_hours", 429, "Outside active hours"),
        ("instagram-dm", "rate_limited", 200, "Instagram action blocked - rate limited"),
        ("twitter-dm", "quota", 429, "Hourly rate limit exceeded"),
        ("threads-comments", "quota", 400, "Rate limit: 5 comments per hour"),
        ("instagram-comments", "outside_hours", 429, "Outside active hours"),
        ("instagram-comments", "quota", 400, "Rate limit: 5 comments per hour"),
        ("tiktok-comments", "quota", 200, "5/hr limit"),
        ("tiktok-comments", "logged_out", 200, "Platform restriction: not_logged_in"),
        ("twitter-comments", "quota", 200, "10/hr limit"),
        ("tiktok-dm", "quota", 429, "Hourly limit reached"),
        ("tiktok-dm", "captcha", 429, "TikTok rate limited: captcha shown"),
        ("tiktok-dm", "in_flight", 429, "in_flight: send to @maria already in progress"),
        ("linkedin-automation", "quota_daily", 429, "Daily message limit reached"),
        ("linkedin-automation", "outside_hours", 429, "outside_active_hours"),
    ],
)
def test_a_refusal_is_in_the_words_of_the_service(
    call: Caller, service: str, behaviour: str, status: int, error: str
) -> None:
    call.play(service, behaviour)
    answer = call.send(service)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert call.seen() == []


def test_the_lock_of_linkedin_says_when_to_come_back(call: Caller) -> None:
    call.play("linkedin-automation", "lock")
    answer = call.send("linkedin-automation")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "120"
    assert answer.json()["error"].startswith("Safari busy")


@pytest.mark.parametrize("service", NAMES)
def test_a_send_can_be_refused_for_want_of_a_tab(call: Caller, service: str) -> None:
    call.play(service, "no_tab")
    assert call.send(service).status_code == 503
    assert call.seen() == []


def test_without_its_tab_linkedin_takes_the_one_in_front(call: Caller) -> None:
    call.simulator.play({"safari": {"closed": NAMES}})
    assert call.send("twitter-dm").json()["error"] == "No Safari tab available for twitter-dm"
    assert call.send("tiktok-dm").json()["ok"] is False
    assert call.seen() == []
    assert call.send("linkedin-automation").json()["success"] is True
    assert [window["tabs"][0]["url"] for window in call.simulator.tabs()["windows"]] == [
        "https://www.linkedin.com/in/maria"
    ]


@pytest.mark.parametrize(
    ("service", "status"),
    [("instagram-dm", 500), ("twitter-dm", 200), ("tiktok-dm", 200), ("threads-comments", 503)],
)
def test_session_ensure_reports_a_missing_tab_in_its_own_way(
    call: Caller, service: str, status: int
) -> None:
    call.simulator.play({"safari": {"closed": NAMES}})
    answer = call.post(service, "/api/session/ensure", {})
    assert answer.status_code == status
    assert answer.json().get("ok") is not True


def test_a_gateway_timeout_on_threads_is_followed_by_the_post(call: Caller) -> None:
    call.play("threads-comments", "gateway_timeout_then_post", seconds=0, type_on_seconds=0.4)
    answer = call.send("threads-comments")
    assert (answer.status_code, answer.json()["error"]) == (504, "Gateway Timeout")
    assert call.seen() == []
    call.simulator.wait_for(quiet="threads-comments")
    assert len(call.seen("comment")) == 1


def test_instagram_comments_dies_after_a_gateway_timeout(call: Caller) -> None:
    call.play(
        "instagram-comments",
        "gateway_timeout_then_post",
        seconds=0,
        times=1,
        restart_after_seconds=0.5,
    )
    assert call.send("instagram-comments").status_code == 504

    call.simulator.wait_for(down="instagram-comments")
    assert len(call.seen("comment")) == 1
    with pytest.raises(httpx.ConnectError):
        call.get("instagram-comments", "/health")
    call.simulator.wait_for(up="instagram-comments")
    assert call.send("instagram-comments").status_code == 200


def test_typing_after_a_timeout_collides_with_the_next_request(call: Caller) -> None:
    call.play("threads-comments", "gateway_timeout_then_post", seconds=0, type_on_seconds=0.5)
    call.send("threads-comments")
    call.send("twitter-dm")
    (collision,) = call.seen("collision")
    assert (collision["service"], collision["with_service"]) == ("twitter-dm", "threads-comments")
    call.simulator.wait_for(quiet="threads-comments")
    assert len(call.seen("comment")) == 1
    call.send("instagram-dm")
    assert len(call.seen("collision")) == 1


@pytest.mark.parametrize(
    ("behaviour", "effects"),
    [
        ("drop_before_effect", 0),
        ("drop_after_effect", 1),
        ("crash", 0),
        ("crash_after_effect", 1),
    ],
)
def test_a_dropped_connection_says_nothing_of_what_was_sent(
    call: Caller, behaviour: str, effects: int
) -> None:
    call.play("linkedin-automation", behaviour, restart_after_seconds=30)
    with pytest.raises(DROPPED):
        call.send("linkedin-automation")
    assert len(call.seen("dm")) == effects
    if behaviour.startswith("crash"):
        with pytest.raises(httpx.ConnectError):
            call.get("linkedin-automation", "/health")


@pytest.mark.parametrize(("behaviour", "effects"), [("hang", 0), ("hang_then_post", 1)])
def test_a_hanging_service_never_answers(call: Caller, behaviour: str, effects: int) -> None:
    call.play("twitter-dm", behaviour)
    path, body = "/api/twitter/messages/send-to", {"username": "maria", "text": "hello"}
    with pytest.raises(httpx.ReadTimeout):
        call.post("twitter-dm", path, body, timeout=SHORT_SECONDS)
    call.simulator.wait_for(used=1, effects=effects)
    assert len(call.seen("dm")) == effects


def test_a_held_request_acts_when_it_is_released(call: Caller) -> None:
    call.play("twitter-dm", "held", times=1)
    with ThreadPoolExecutor(1) as others:
        answer = others.submit(call.send, "twitter-dm")
        call.simulator.wait_for(used=1)
        assert call.send("tiktok-dm").status_code == 200
        assert [line["service"] for line in call.seen("dm")] == ["tiktok-dm"]
        call.simulator.release()
        assert answer.result(CALL_SECONDS).json()["verified"] is True
    assert len(call.seen("dm")) == 2


def test_a_reset_drops_what_is_held(call: Caller) -> None:
    call.play("twitter-dm", "held")
    with ThreadPoolExecutor(1) as others:
        answer = others.submit(call.send, "twitter-dm")
        call.simulator.wait_for(used=1)
        call.simulator.reset()
        with pytest.raises(DROPPED):
            answer.result(CALL_SECONDS)
    assert call.seen() == []


def test_a_slow_service_answers_in_the_end(call: Caller) -> None:
    call.play("twitter-dm", "slow", seconds=0.2)
    answer = call.send("twitter-dm")
    assert answer.elapsed.total_seconds() >= 0.2
    assert answer.json()["verified"] is True


def test_a_health_check_can_hang(call: Caller) -> None:
    call.play("*", "hang", action="health")
    url = f"{call.simulator.url('twitter-dm')}/health"
    with pytest.raises(httpx.ReadTimeout):
        call.http.get(url, timeout=SHORT_SECONDS)
    assert call.send("twitter-dm").status_code == 200


@pytest.mark.parametrize(
    ("behaviour", "status", "effects"),
    [
        ("html_error", 502, 0),
        ("html_error_after_effect", 502, 1),
        ("not_json", 200, 1),
        ("truncated", 200, 1),
        ("invalid_utf8", 200, 1),
    ],
)
def test_an_answer_can_be_unreadable(
    call: Caller, behaviour: str, status: int, effects: int
) -> None:
    call.play("twitter-dm", behaviour)
    answer = call.send("twitter-dm")
    assert answer.status_code == status
    with pytest.raises(ValueError, match=r".+"):
        answer.json()
    assert len(call.seen("dm")) == effects


def test_an_answer_can_hold_nul_characters(call: Caller) -> None:
    call.play("twitter-dm", "nul_bytes")
    answer: dict[str, Any] = call.send("twitter-dm").json()
    assert answer["username"] == "maria\x00"
    assert answer["success"] is True


def test_an_answer_can_be_huge(call: Caller) -> None:
    call.play("twitter-dm", "huge", size_bytes=2_000_000)
    assert len(call.send("twitter-dm").content) > 2_000_000


def test_a_server_error_shows_a_stack(call: Caller) -> None:
    call.play("twitter-comments", "server_error")
    answer = call.send("twitter-comments")
    assert answer.status_code == 500
    assert "server.ts" in answer.json()["error"]
    assert call.seen() == []


def test_limits_hold_when_switched_on(call: Caller) -> None:
    call.simulator.play({"services": {"instagram-dm": {"per_hour": 2}}})
    answers = [call.send("instagram-dm", username=f"u{n}").status_code for n in range(3)]
    assert answers == [200, 200, 429]


def test_the_http_limiter_of_threads_counts_health_but_never_refuses_it(call: Caller) -> None:
    call.simulator.play({"services": {"threads-comments": {"http_limiter": True}}})
    assert {call.get("threads-comments", "/health").status_code for _ in range(61)} == {200}
    answer = call.send("threads-comments")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_health_can_claim_to_be_another_service(call: Caller) -> None:
    call.simulator.play({"services": {"twitter-dm": {"health": {"service": "plex"}}}})
    assert call.get("twitter-dm", "/health").json()["service"] == "plex"
