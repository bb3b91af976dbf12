"""The routes that read what stands on the pages, so that what was really sent can be found."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.osascript import path_with_osascript

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.simulator.conftest import Caller

OSASCRIPT_SECONDS = 10
LONG = "x" * 600


def read(call: Caller, service: str, path: str) -> list[dict[str, Any]]:
    answer = call.get(service, path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["messages" if "messages" in path else "comments"]
    return found


def test_instagram_shows_a_thread_and_its_snippet_in_the_inbox(call: Caller) -> None:
    call.send("instagram-dm", text=LONG)
    call.post("instagram-dm", "/api/inbox/navigate", {})
    listed = call.get("instagram-dm", "/api/conversations").json()
    (item,) = listed["conversations"]
    assert (item["username"], item["threadId"]) == ("maria", "")
    assert (item["lastMessage"], item["lastMessageIsOutbound"]) == ("x" * 100, True)
    opened = call.post("instagram-dm", "/api/conversations/open", {"username": "maria"}).json()
    assert opened["success"] is True
    (message,) = read(call, "instagram-dm", "/api/messages?limit=20")
    assert (message["text"], message["isOutbound"]) == ("x" * 500, True)


def test_instagram_lists_a_text_once_however_often_it_was_sent(call: Caller) -> None:
    call.send("instagram-dm")
    call.send("instagram-dm")
    call.post("instagram-dm", "/api/conversations/open", {"username": "maria"})
    assert [m["text"] for m in read(call, "instagram-dm", "/api/messages")] == ["hello"]


def test_twitter_opens_the_first_name_that_holds_the_wanted_one(call: Caller) -> None:
    call.send("twitter-dm", username="adam")
    call.post("twitter-dm", "/api/twitter/inbox/navigate", {})
    path = "/api/twitter/conversations/open"
    assert call.post("twitter-dm", path, {"username": "ada"}).json()["success"] is True
    assert [m["text"] for m in read(call, "twitter-dm", "/api/twitter/messages")] == ["hello"]


def test_tiktok_opens_the_thread_that_is_asked_for(call: Caller) -> None:
    call.send("tiktok-dm")
    (message,) = read(call, "tiktok-dm", "/api/tiktok/messages?conversationId=maria&limit=200")
    assert (message["text"], message["isOwn"], message["id"]) == ("hello", True, "msg-0")


def test_linkedin_lists_names_and_opens_by_them(call: Caller) -> None:
    call.send("linkedin-automation")
    call.post("linkedin-automation", "/api/linkedin/navigate/messaging", {})
    (item,) = call.get("linkedin-automation", "/api/linkedin/conversations").json()["conversations"]
    assert (item["participantName"], item["lastMessage"]) == ("Maria", "hello")
    assert "profileUrl" not in item
    path, body = "/api/linkedin/messages/open", {"participantName": "Maria"}
    assert call.post("linkedin-automation", path, body).json()["success"] is True
    (message,) = read(call, "linkedin-automation", "/api/linkedin/messages")
    assert (message["content"], message["isOutbound"]) == ("hello", True)


@pytest.mark.parametrize("service", ["threads-comments", "instagram-comments"])
def test_comments_are_read_below_the_post_that_is_named(call: Caller, service: str) -> None:
    platform = service.partition("-")[0]
    url = {
        "threads": "https://www.threads.net/@a/post/1",
        "instagram": "https://www.instagram.com/p/1/",
    }[platform]
    call.send(service)
    (comment,) = read(call, service, f"/api/{platform}/comments?postUrl={url}&limit=50")
    assert (comment["username"], comment["text"]) == ("me", "hello")
    assert read(call, service, f"/api/{platform}/comments?postUrl={url}2") == []


@pytest.mark.parametrize("service", ["tiktok-comments", "twitter-comments"])
def test_comments_are_read_below_the_post_that_was_opened(call: Caller, service: str) -> None:
    platform = service.partition("-")[0]
    url = {
        "tiktok": "https://www.tiktok.com/@a/video/1",
        "twitter": "https://x.com/a/status/1",
    }[platform]
    call.send(service)
    assert call.post(service, f"/api/{platform}/navigate", {"url": url}).json()["success"] is True
    (comment,) = read(call, service, f"/api/{platform}/comments?limit=50")
    assert (comment["username"], comment["text"]) == ("me", "hello")


def test_timeline_shows_tweets_below_the_pinned_one(call: Caller) -> None:
    pinned = "https://x.com/me/status/5"
    call.simulator.safari(pinned_posts={"twitter": pinned})
    call.post("twitter-comments", "/api/twitter/tweet", {"text": "news"})
    body = {"handle": "me", "maxResults": 10}
    tweets = call.post("twitter-comments", "/api/twitter/timeline", body).json()["tweets"]
    assert tweets[0]["tweetUrl"] == pinned
    assert (tweets[1]["text"], tweets[1]["handle"]) == ("news", "@me")
    assert tweets[1]["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("service", "ask"),
    [
        ("instagram-comments", ("GET", "/api/instagram/post/metrics", "url")),
        ("tiktok-comments", ("GET", "/api/tiktok/video-metrics", "currentUrl")),
    ],
)
def test_a_page_can_be_asked_where_it_is(
    call: Caller, service: str, ask: tuple[str, str, str]
) -> None:
    platform = service.partition("-")[0]
    url = {
        "instagram": "https://www.instagram.com/p/2/",
        "tiktok": "https://www.tiktok.com/@a/video/2",
    }[platform]
    call.send(service)
    before = call.get(service, ask[1]).json()[ask[2]]
    call.simulator.safari(load_seconds={platform: 10})
    call.post(service, f"/api/{platform}/navigate", {"url": url})
    assert call.get(service, ask[1]).json()[ask[2]] == before
    call.simulator.safari(load_seconds={})
    call.post(service, f"/api/{platform}/navigate", {"url": url})
    assert call.get(service, ask[1]).json()[ask[2]] == url


@pytest.mark.parametrize(
    ("service", "path", "key", "said"),
    [
        ("instagram-dm", "/api/execute", "script", "output"),
        ("twitter-dm", "/api/twitter/execute", "script", "output"),
        ("tiktok-dm", "/api/execute", "script", "output"),
        ("linkedin-automation", "/api/linkedin/debug/js", "js", "result"),
    ],
)
def test_a_page_says_its_own_address_and_not_that_of_the_page_to_come(
    call: Caller, service: str, path: str, key: str, said: str
) -> None:
    inbox = call.simulator.tabs()["windows"][0]["tabs"]
    urls = {tab["url"] for tab in inbox}
    script = {key: "window.location.href"}
    assert call.post(service, path, script).json()[said] in urls
    sites = ("instagram", "twitter", "tiktok", "linkedin")
    call.simulator.safari(load_seconds=dict.fromkeys(sites, 1000))
    call.send(service)
    assert call.post(service, path, script).json()[said] in urls


def test_a_script_looks_for_the_button_of_the_profile_that_is_open(call: Caller) -> None:
    script = {"script": "window.location.href; document.querySelector('[aria-label]')"}
    execute = "/api/twitter/execute"
    assert call.post("twitter-dm", execute, script).json()["output"].endswith("messages ")
    call.get("twitter-dm", "/api/twitter/prospect/score/maria")
    assert call.post("twitter-dm", execute, script).json()["output"] == "https://x.com/maria ready"
    call.simulator.safari(unreachable=["maria"])
    assert call.post("twitter-dm", execute, script).json()["output"] == "https://x.com/maria "
    body = {"profileUrl": "https://www.linkedin.com/in/ada/"}
    call.post("linkedin-automation", "/api/linkedin/navigate/profile", body)
    js = {"js": script["script"]}
    said = call.post("linkedin-automation", "/api/linkedin/debug/js", js).json()["result"]
    assert said == "https://www.linkedin.com/in/ada/ ready"


def test_threads_and_twitter_name_the_post_that_they_open(call: Caller) -> None:
    url = "https://www.threads.com/@ada/post/C1"
    shown = call.get("threads-comments", f"/api/threads/extract?postUrl={url}").json()
    assert (shown["url"], shown["author"]) == (url, "ada")
    url = "https://x.com/ada/status/9"
    body = {"url": url}
    detail = call.post("twitter-comments", "/api/twitter/tweet/detail", body).json()
    assert detail["tweet"]["url"] == url


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("instagram-dm", "/api/rate-limits"),
        ("twitter-dm", "/api/twitter/rate-limits"),
        ("tiktok-dm", "/api/tiktok/rate-limits"),
        ("linkedin-automation", "/api/linkedin/rate-limits"),
        ("threads-comments", "/api/threads/rate-limits"),
        ("instagram-comments", "/api/instagram/rate-limits"),
        ("tiktok-comments", "/api/tiktok/rate-limits"),
        ("twitter-comments", "/api/twitter/rate-limits"),
    ],
)
def test_limits_can_be_set_on_all_eight(call: Caller, service: str, path: str) -> None:
    url = f"{call.simulator.url(service)}{path}"
    body = {"messagesPerDay": 7, "commentsPerDay": 7}
    assert call.http.put(url, json=body, headers=call.headers(service)).status_code == 200
    assert 7 in _numbers(call.get(service, path).json())


def _numbers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for inner in value.values() for number in _numbers(inner)]
    return [value] if isinstance(value, int) else []


def test_osascript_brings_a_tab_to_the_front_and_names_what_is_there(
    call: Caller, tmp_path: Path
) -> None:
    path = path_with_osascript(call.simulator, tmp_path)

    def osascript(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/usr/bin/env", "osascript", *arguments],
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=OSASCRIPT_SECONDS,
        )

    tell = 'tell application "Safari" to '
    select = osascript("-e", f"{tell}set current tab of window 1 to tab 8 of window 1")
    assert (select.returncode, select.stderr) == (0, "")
    ask = f"{tell}get URL of current tab of front window"
    assert osascript("-e", ask).stdout.strip() == "https://www.linkedin.com/messaging/"
    call.simulator.safari(running=False)
    gone = osascript("-e", ask)
    assert gone.returncode == 1
    assert gone.stderr.strip().endswith("(-600)")
