"""Blotato's stand-in: what it takes, what it refuses, and what readers see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller

HEADERS = {"blotato-api-key": "any="}
VIDEO = "https://media.example/clip.mp4"


def post(platform: str = "twitter", **changes: Any) -> dict[str, Any]:
    account = {"twitter": "4151", "tiktok": "710", "youtube": "228"}[platform]
    content = {"text": "hello", "mediaUrls": [], "platform": platform}
    whole = {"accountId": account, "content": content, "target": {"targetType": platform}}
    return {"post": whole | changes}


def submit(call: Caller, body: dict[str, Any], **more: Any) -> httpx.Response:
    return call.post("blotato", "/v2/posts", body, **({"headers": HEADERS} | more))


def status(call: Caller, submission_id: str) -> dict[str, Any]:
    url = f"{call.simulator.url('blotato')}/v2/posts/{submission_id}"
    said: dict[str, Any] = call.http.get(url, headers=HEADERS).json()
    return said


def play(call: Caller, *rules: dict[str, Any], **settings: Any) -> None:
    call.simulator.play({"blotato": {"rules": rules, **settings}})


def test_a_post_appears_where_its_account_is_whatever_it_says_itself(call: Caller) -> None:
    play(call, accounts={"4151": "tiktok"})
    answer = submit(call, post("twitter"))
    assert answer.status_code == 201
    [effect] = call.simulator.effects()
    assert (effect["kind"], effect["platform"]) == ("publish", "tiktok")
    said = status(call, answer.json()["postSubmissionId"])
    assert said["publicUrl"].startswith("https://www.tiktok.com/")


def test_a_post_is_in_progress_first_and_an_unknown_one_for_ever(call: Caller) -> None:
    play(call, in_progress_answers=1)
    submission_id = submit(call, post()).json()["postSubmissionId"]
    assert status(call, submission_id)["status"] == "in-progress"
    assert status(call, submission_id)["status"] == "published"
    assert status(call, "never-submitted")["status"] == "in-progress"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "post must be an object"),
        (post(accountId=4151), "must be a string"),
        (post(accountId="1"), "not found"),
        (post(content=None), "must be objects"),
        (post(target={"targetType": "threads"}), "differs"),
        (post(content={"text": "a", "mediaUrls": [], "platform": "fax"}), "unknown platform"),
        (post(content={"text": "a", "platform": "twitter"}), "an array"),
        (post(content={"text": "a" * 281, "mediaUrls": [], "platform": "twitter"}), "too long"),
        (post("tiktok"), "needs media"),
        (
            post("youtube", content={"text": "a", "mediaUrls": [VIDEO], "platform": "youtube"}),
            "lacks title, privacyStatus, shouldNotifySubscribers",
        ),
    ],
)
def test_a_body_that_is_wrong_is_refused_and_seen_by_nobody(
    call: Caller, body: dict[str, Any], said: str
) -> None:
    answer = submit(call, body)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert call.seen() == []


def test_nobody_gets_in_without_a_key_or_with_another(call: Caller) -> None:
    assert submit(call, post(), headers={}).status_code == 401
    play(call, key="mine")
    assert submit(call, post()).status_code == 401
    assert submit(call, post(), headers={"blotato-api-key": "mine"}).status_code == 201


def test_a_rule_may_be_for_one_platform_and_for_some_posts_of_it(call: Caller) -> None:
    rule = {"behaviour": "too_many_requests", "platform": "twitter", "retry_after_seconds": 9}
    play(call, rule | {"after": 1, "times": 1})
    answers = [submit(call, post()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 429, 201]
    assert answers[1].headers["Retry-After"] == "9"


def test_a_post_whose_answer_is_lost_is_out(call: Caller) -> None:
    play(call, {"behaviour": "drop_after_effect"})
    with pytest.raises(httpx.RemoteProtocolError):
        submit(call, post())
    assert len(call.simulator.effects("blotato")) == 1


def test_a_hanging_post_is_not_out(call: Caller) -> None:
    play(call, {"behaviour": "hang"})
    with pytest.raises(httpx.ReadTimeout):
        submit(call, post(), timeout=0.1)
    assert call.seen() == []


def test_nothing_is_stored_without_a_place_for_it(call: Caller) -> None:
    url = call.simulator.url("blotato")
    assert call.http.put(f"{url}/storage/1/a.mp4?signature=simulated", content=b"x").is_error
    place = call.post("blotato", "/v2/media/uploads", {"filename": "a b.mp4"}, headers=HEADERS)
    assert call.http.put(place.json()["presignedUrl"].split("?")[0], content=b"x").is_error
    assert call.http.put(place.json()["presignedUrl"], content=b"x").is_success
    assert [line["kind"] for line in call.seen()] == ["upload"]


def test_it_goes_down_and_comes_up(call: Caller) -> None:
    call.simulator.down("blotato")
    with pytest.raises(httpx.ConnectError):
        submit(call, post())
    call.simulator.up("blotato")
    assert submit(call, post()).status_code == 201
