"""What the services do to the Safari that they share, in the situations that are dangerous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simulator.catalogue import NAMES
from simulator.scenario.safari import SITES

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller

CLAIMING = tuple(n for n in NAMES if n not in {"instagram-dm", "linkedin-automation"})
COMMENTING = ("threads-comments", "instagram-comments", "tiktok-comments", "twitter-comments")
POSTS = {
    "threads-comments": "https://www.threads.com/@a/post/{}",
    "instagram-comments": "https://www.instagram.com/p/{}/",
    "tiktok-comments": "https://www.tiktok.com/@a/video/{}",
    "twitter-comments": "https://x.com/a/status/{}",
}
GOOGLE = "https://www.google.com/"


def ensure(call: Caller, service: str) -> dict[str, Any]:
    answer: dict[str, Any] = call.post(service, "/api/session/ensure", {}).json()
    return answer


def received(call: Caller) -> list[tuple[str, str]]:
    kinds = {"dm", "comment", "tweet"}
    return [(e["kind"], e["recipient"]) for e in call.seen() if e["kind"] in kinds]


def site_of(service: str) -> str:
    return service.partition("-")[0]


# Who acts where


def test_untracked_instagram_dm_pastes_into_the_thread_in_the_first_tab(call: Caller) -> None:
    thread = "https://www.instagram.com/direct/t/anna/"
    call.simulator.safari(front=GOOGLE, at={"instagram-dm": thread})
    answer = call.send("instagram-dm").json()
    assert (answer["verified"], answer["verifiedRecipient"]) == (True, "maria")
    (line,) = call.seen("dm")
    assert (line["recipient"], line["asked"]) == ("anna", "maria")


def test_untracked_instagram_dm_verifies_what_was_pasted_nowhere(call: Caller) -> None:
    call.simulator.safari(front="market-research")
    assert call.send("instagram-dm").json()["verified"] is True
    assert [line["kind"] for line in call.seen()] == ["lost"]


def test_after_ensure_the_message_reaches_whom_it_is_for(call: Caller) -> None:
    call.simulator.safari(front=GOOGLE)
    assert ensure(call, "instagram-dm")["ok"] is True
    call.send("instagram-dm")
    assert received(call) == [("dm", "maria")]


def test_a_restart_loses_the_tracked_tab(call: Caller) -> None:
    call.simulator.play({"services": {"*": {"restart_after_seconds": 0.05}}})
    thread = "https://www.instagram.com/direct/t/anna/"
    call.simulator.safari(front=GOOGLE, at={"instagram-dm": thread})
    ensure(call, "instagram-dm")
    call.simulator.crash("instagram-dm")
    call.simulator.wait_for(up="instagram-dm")
    call.send("instagram-dm")
    assert received(call) == [("dm", "anna")]


def test_untracked_linkedin_drives_the_front_tab(call: Caller) -> None:
    call.simulator.safari(front=GOOGLE)
    call.send("linkedin-automation")
    tabs = [tab["url"] for tab in call.simulator.tabs()["windows"][0]["tabs"]]
    assert "https://www.linkedin.com/messaging/" in tabs
    assert tabs[-1] == "https://www.linkedin.com/in/maria"


def test_tracked_linkedin_clicks_in_whatever_is_in_front(call: Caller) -> None:
    call.simulator.safari(front=GOOGLE)
    ensure(call, "linkedin-automation")
    answer = call.send("linkedin-automation").json()
    assert answer["error"] == "Message input did not appear after clicking Message button"
    call.simulator.safari(front="linkedin-automation")
    assert call.send("linkedin-automation").json()["verified"] is True
    assert len(call.seen("dm")) == 1


def test_a_claim_means_another_tab_once_one_before_it_is_closed(call: Caller) -> None:
    assert call.send("tiktok-comments").json()["success"] is True
    call.simulator.safari(closed=["instagram-dm"])
    # The place is now that of twitter-comments' tab, and its page is driven to TikTok.
    call.send("tiktok-comments")
    tabs = [tab["url"] for tab in call.simulator.tabs()["windows"][0]["tabs"]]
    assert tabs.count("https://www.tiktok.com/@a/video/1") == 2


def test_a_window_in_front_takes_the_places_of_the_claimed_tabs(call: Caller) -> None:
    assert call.send("twitter-dm").json()["success"] is True
    call.simulator.safari(other_window=GOOGLE)
    assert "Invalid index. (-1719)" in call.send("twitter-dm").json()["error"]


def test_a_released_claim_is_taken_anew_with_the_next_request(call: Caller) -> None:
    call.simulator.safari(pinned_to={"twitter-dm": "threads-comments"})
    assert call.simulator.tabs()["claims"][0]["tabIndex"] == 3
    call.post("twitter-dm", "/api/tabs/release", {"agentId": "twitter-dm-stable"})
    call.send("twitter-dm")
    assert call.simulator.tabs()["claims"][0]["tabIndex"] == 2


def test_a_search_takes_the_tab_in_front(call: Caller) -> None:
    call.simulator.safari(front="instagram-dm")
    call.send("market-research")
    assert call.simulator.tabs()["windows"][0]["tabs"][0]["url"].startswith("https://x.com/")


# Slow pages and drafts


@pytest.mark.parametrize("service", COMMENTING)
def test_a_comment_goes_below_the_post_before_when_the_page_is_slow(
    call: Caller, service: str
) -> None:
    first, second = POSTS[service].format(1), POSTS[service].format(2)
    call.send(service, postUrl=first, text="one")
    call.simulator.safari(load_seconds={site_of(service): 10})
    assert call.send(service, postUrl=second, text="two").json()["success"] is True
    assert received(call) == [("comment", first), ("comment", first)]
    assert [line["asked"] for line in call.seen("comment")] == [first, second]


@pytest.mark.parametrize(
    ("service", "profile"),
    [
        ("instagram-dm", "https://www.instagram.com/anna/"),
        ("twitter-dm", "https://x.com/anna"),
        ("linkedin-automation", "https://www.linkedin.com/in/anna/"),
    ],
)
def test_slow_page_sends_to_the_profile_shown(call: Caller, service: str, profile: str) -> None:
    site = {"linkedin-automation": "linkedin"}.get(service, site_of(service))
    call.simulator.safari(at={service: profile}, load_seconds={site: 60})
    call.send(service)
    (line,) = call.seen("dm")
    assert line["recipient"] in {"anna", profile}
    assert "maria" in line["asked"]


@pytest.mark.parametrize("service", ["threads-comments", "instagram-comments", "tiktok-comments"])
def test_five_seconds_are_not_too_slow(call: Caller, service: str) -> None:
    call.simulator.safari(load_seconds={site_of(service): 5})
    call.send(service, postUrl=POSTS[service].format(2))
    assert received(call) == [("comment", POSTS[service].format(2))]


def test_a_draft_that_survives_a_load_is_sent_with_the_next_text(call: Caller) -> None:
    fault = {"step": "submit", "kind": "missing"}
    rule = {"service": "twitter-dm", "behaviour": "ok", "times": 1, "faults": [fault]}
    call.simulator.play({"rules": [rule], "safari": {"keeps_drafts": ["twitter"]}})
    assert call.send("twitter-dm").json()["error"] == "Could not find Send button"
    assert call.send("twitter-dm").json()["success"] is True
    assert [line["text"] for line in call.seen("dm")] == ["hellohello"]


# Sessions that ended


@pytest.mark.parametrize(
    ("service", "status", "error"),
    [
        ("instagram-dm", 200, "No Message button on profile (may need to follow first)"),
        (
            "twitter-dm",
            200,
            "Could not open DM — profile button missing and inbox compose failed",
        ),
        ("threads-comments", 400, "Reply button not found"),
        ("instagram-comments", 400, "Comment input never appeared"),
        ("tiktok-comments", 200, "Platform restriction: not_logged_in"),
        ("twitter-comments", 200, "No tweet found on page"),
        ("tiktok-dm", 400, "dms_restricted: no Message button on @maria profile"),
        ("linkedin-automation", 200, "Profile page did not load (no main element)"),
    ],
)
def test_logged_out_each_fails_in_its_own_words(
    call: Caller, service: str, status: int, error: str
) -> None:
    call.simulator.safari(logged_out=SITES)
    answer = call.send(service)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert received(call) == []


@pytest.mark.parametrize(
    ("service", "status", "error"),
    [
        ("instagram-dm", 200, "Failed to navigate to profile"),
        ("twitter-dm", 500, "(-600)"),
        ("threads-comments", 500, "Navigation failed"),
        ("instagram-comments", 500, "Failed to navigate to post"),
        ("tiktok-comments", 200, "(-600)"),
        ("twitter-comments", 200, "(-600)"),
        ("tiktok-dm", 400, "(-600)"),
        ("linkedin-automation", 200, "Profile page did not load (no main element)"),
    ],
)
def test_each_says_in_its_own_way_that_safari_is_gone(
    call: Caller, service: str, status: int, error: str
) -> None:
    call.send(service, text="while it runs")
    call.simulator.safari(running=False)
    answer = call.send(service, username="else", text="when it is gone")
    assert answer.status_code == status
    assert answer.json()["error"].endswith(error)
    assert len(received(call)) == 1


def test_a_permission_that_was_withdrawn_is_named(call: Caller) -> None:
    call.send("twitter-dm")
    call.simulator.safari(automation_allowed=False)
    assert call.send("twitter-dm").json()["error"].endswith("(-1743)")


@pytest.mark.parametrize("service", NAMES)
@pytest.mark.parametrize("situation", [{"closed": NAMES}, {"running": False}])
def test_ensure_finds_no_tab_after_the_first_claim(
    call: Caller, service: str, situation: dict[str, Any]
) -> None:
    # Their claims live on, so it is the session that answers and not the lack of a tab.
    assert ensure(call, service)["ok"] is True
    call.send(service)
    call.simulator.safari(**situation)
    answer = call.post(service, "/api/session/ensure", {})
    if service == "tiktok-comments":
        assert answer.json()["ok"] is True  # it looks at its claim only
        return
    raises = {"instagram-dm", "linkedin-automation", "market-research"}
    assert answer.status_code == (500 if service in raises else 200)
    assert answer.json().get("ok", False) is False
    assert "tab" in answer.json().get("error", answer.json().get("message"))


@pytest.mark.parametrize("service", CLAIMING)
def test_closed_tab_with_a_live_claim_is_detected_on_use(call: Caller, service: str) -> None:
    call.send(service, text="while it is open")
    call.simulator.safari(closed=NAMES)
    before = len(received(call))
    call.send(service, username="else", text="when it is closed")
    assert len(received(call)) == before


# What is in front


@pytest.mark.parametrize(
    ("service", "path", "key"),
    [
        ("twitter-dm", "/api/twitter/status", "isOnTwitter"),
        ("threads-comments", "/api/threads/status", "isOnThreads"),
        ("instagram-comments", "/api/instagram/status", "isOnInstagram"),
        ("tiktok-comments", "/api/tiktok/status", "isOnTikTok"),
        ("twitter-comments", "/api/twitter/status", "isOnTwitter"),
        ("linkedin-automation", "/api/linkedin/status", "isOnLinkedIn"),
        ("instagram-dm", "/api/status", "isOnInstagram"),
    ],
)
def test_status_is_about_the_tab_in_front(call: Caller, service: str, path: str, key: str) -> None:
    call.simulator.safari(front=GOOGLE)
    shown = call.get(service, path).json()
    assert (shown[key], shown["currentUrl"]) == (False, GOOGLE)
    call.simulator.safari(front=service)
    assert call.get(service, path).json()[key] is True


def test_whether_somebody_is_logged_in_is_read_in_the_claimed_tab(call: Caller) -> None:
    call.send("threads-comments")
    call.simulator.safari(front=GOOGLE)
    assert call.get("threads-comments", "/api/threads/status").json()["isLoggedIn"] is True
    call.simulator.safari(logged_out=["threads"])
    assert call.get("threads-comments", "/api/threads/status").json()["isLoggedIn"] is False


# Three tries


@pytest.mark.parametrize("service", COMMENTING)
def test_a_verification_that_throws_posts_a_second_time(call: Caller, service: str) -> None:
    call.play(service, "ok", faults=[{"step": "verify", "kind": "error"}])
    answer = call.send(service).json()
    assert answer["success"] is True
    assert answer.get("attempts", 2) == 2
    assert len(call.seen("comment")) == 2


@pytest.mark.parametrize(
    ("service", "notice", "error"),
    [
        ("instagram-comments", "Action blocked", "Platform restriction: action_blocked"),
        ("threads-comments", "Rate limit", "Platform error: rate_limit"),
        ("tiktok-comments", "Too many comments", "Platform restriction: rate_limit"),
        ("twitter-comments", "Rate limit", "error:rate_limited"),
    ],
)
def test_a_block_after_the_first_try_is_all_that_is_told_of_it(
    call: Caller, service: str, notice: str, error: str
) -> None:
    rule = {
        "service": service,
        "behaviour": "ok",
        "faults": [{"step": "verify", "kind": "error"}],
    }
    notices = {site_of(service): {"text": notice, "after_sends": 1}}
    call.simulator.play({"rules": [rule], "safari": {"notices": notices}})
    assert call.send(service).json()["error"] == error
    assert len(call.seen("comment")) == 1


@pytest.mark.parametrize(
    ("service", "step", "error"),
    [
        ("threads-comments", "input", "Composer never appeared"),
        ("threads-comments", "type", "All typing strategies failed"),
        ("instagram-comments", "submit", "Submit button not found or disabled"),
        ("tiktok-comments", "input", "Comment input never appeared"),
        ("twitter-comments", "input", "Reply input never appeared"),
        ("twitter-comments", "submit", "Submit failed: submit_button_never_enabled"),
        ("instagram-dm", "input", "DM composer did not open"),
        ("instagram-dm", "type", "Failed to type message"),
        ("twitter-dm", "submit", "Could not find Send button"),
        ("tiktok-dm", "input", "event_no_input: message input not found in DOM"),
        ("linkedin-automation", "open", "Message button not found — may not be connected"),
    ],
)
def test_a_step_that_fails_in_every_try_is_named(
    call: Caller, service: str, step: str, error: str
) -> None:
    faults = [{"step": step, "kind": "missing", "on_try": n} for n in (1, 2, 3)]
    call.play(service, "ok", faults=faults)
    assert call.send(service).json()["error"] == error
    assert received(call) == []


@pytest.mark.parametrize("service", ["instagram-comments", "tiktok-comments"])
def test_an_empty_box_counts_as_proof(call: Caller, service: str) -> None:
    call.play(service, "ok", faults=[{"step": "submit", "kind": "swallowed"}])
    answer = call.send(service).json()
    assert (answer["success"], answer.get("verified", True)) == (True, True)
    assert call.seen() == []


def test_an_osascript_failure_ends_linkedin(call: Caller) -> None:
    call.play("linkedin-automation", "ok", faults=[{"step": "verify", "kind": "error"}])
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        call.send("linkedin-automation")
    assert received(call) == [("dm", "https://www.linkedin.com/in/maria")]


# How long it takes


@pytest.mark.parametrize(
    ("service", "least", "most"),
    [
        ("instagram-dm", 16, 20),
        ("twitter-dm", 8, 10),
        ("tiktok-dm", 60, 75),
        ("linkedin-automation", 6, 9),
        ("threads-comments", 9, 12),
        ("instagram-comments", 8, 11),
        ("tiktok-comments", 8, 11),
        ("twitter-comments", 3, 5),
        ("market-research", 10, 30),
    ],
)
def test_a_send_takes_as_long_as_on_a_mac(
    call: Caller, service: str, least: float, most: float
) -> None:
    before = call.simulator.tabs()["seconds"]
    call.send(service)
    assert least <= call.simulator.tabs()["seconds"] - before <= most
