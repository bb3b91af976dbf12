"""Whom the drivers reach where they press the first thing that looks right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.simulator.test_safari import POSTS, received

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller


@pytest.mark.parametrize("service", ["twitter-dm", "linkedin-automation"])
def test_without_a_message_button_a_message_reaches_somebody_else(
    call: Caller, service: str
) -> None:
    person = "https://www.linkedin.com/in/anna/" if service == "linkedin-automation" else "anna"
    call.simulator.receive(service, person, "Hello")
    call.simulator.safari(unreachable=["maria"])
    assert call.send(service).json()["success"] is True
    assert received(call) == [("dm", person)]


@pytest.mark.parametrize("service", ["instagram-dm", "tiktok-dm"])
def test_without_a_message_button_nothing_is_sent(call: Caller, service: str) -> None:
    call.simulator.safari(unreachable=["maria"])
    assert "no message button" in call.send(service).json()["error"].lower()
    assert received(call) == []


def test_tiktok_dm_takes_a_similar_name_for_the_persons(call: Caller) -> None:
    call.simulator.receive("tiktok-dm", "maria.garcia", "Hello")
    answer = call.send("tiktok-dm", username="maria_lopez").json()
    assert answer["verifiedRecipient"] == "maria.garcia"
    assert received(call) == [("dm", "maria.garcia")]


@pytest.mark.parametrize("service", ["threads-comments", "twitter-comments"])
def test_a_comment_on_a_reply_goes_below_the_post_that_it_answers(
    call: Caller, service: str
) -> None:
    url, above = POSTS[service].format(2), POSTS[service].format(1).replace("/a/", "/eve/")
    above = above.replace("@a/", "@eve/")
    call.simulator.safari(replies={url: above})
    call.send(service, postUrl=url)
    assert received(call) == [("comment", above)]
