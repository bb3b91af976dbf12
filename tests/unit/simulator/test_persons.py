"""Whom the drivers reach where they press the first thing that looks right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from actp.safari.commands import Comment, recipient
from actp.safari.hindrances import ask_ready
from actp.safari.outcomes import Outcome
from tests.support.looking import commands_of, transport
from tests.unit.safari.commands_for_tests import command, command_of
from tests.unit.simulator.test_safari import POSTS, received

if TYPE_CHECKING:
    from pathlib import Path

    from actp.safari.commands import Command
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


CHATS = {
    "instagram-dm": "anna",
    "linkedin-automation": "https://www.linkedin.com/in/anna-bell/",
    "twitter-dm": "anna",
}


@pytest.mark.parametrize("service", CHATS)
def test_a_conversation_over_the_page_gets_the_message(
    call: Caller, tmp_path: Path, service: str
) -> None:
    site = service.partition("-")[0]
    call.simulator.safari(open_chats={site: CHATS[service]})
    assert call.send(service).json()["success"] is True
    assert received(call) == [("dm", CHATS[service])]
    with transport(service, call.simulator, tmp_path, time_scale=0.01) as opened:
        waits = opened.look(command_of(service))
        if service == "twitter-dm":
            assert isinstance(waits, Outcome)
            assert (waits.verdict, waits.reason) == ("wait", "not_ready")
            assert "conversation is open" in waits.error
            return
        assert waits == command_of(service)
        opened.send(waits, opened.prepare(waits))
    person = "ada" if site == "instagram" else "https://www.linkedin.com/in/ada-lovelace/"
    assert received(call)[1:] == [("dm", person)]


def test_a_claim_on_another_tab_does_not_take_linkedin_there(call: Caller, tmp_path: Path) -> None:
    call.simulator.safari(
        front="https://www.google.com/", pinned_to={"linkedin-automation": "instagram-dm"}
    )
    asked = command_of("linkedin-automation")
    with transport(
        "linkedin-automation", call.simulator, tmp_path, logins={"linkedin": "me"}, time_scale=0.01
    ) as opened:
        looked = opened.look(asked)
        assert looked == asked
        assert opened.send(looked, opened.prepare(looked)).verdict == "sent"
    assert received(call) == [("dm", recipient(asked))]


def test_linkedins_conversation_stays_open_after_a_message(call: Caller, tmp_path: Path) -> None:
    commands = list(commands_of("linkedin-automation"))[:3]
    with transport("linkedin-automation", call.simulator, tmp_path) as opened:
        for each in commands:
            looked = opened.look(each)
            assert looked == each
            opened.send(looked, opened.prepare(looked))
        assert received(call) == [("dm", recipient(each)) for each in commands]
        # Not looked at, a message goes to the person before.
        outcome = opened.send(commands[0], opened.prepare(commands[0]))
    assert received(call)[-1] == ("dm", recipient(commands[2]))
    assert outcome.result["verification"] == "claimed"
    assert "see whether that is ada" in str(outcome.alert)


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


WORDS = {
    "threads-comments": "We celebrate our limited edition",
    "twitter-comments": "Rate limiting, explained",
}


def post_of(command: Command) -> str:
    assert isinstance(command, Comment)
    return command.post_url or ""


@pytest.mark.parametrize("service", WORDS)
def test_words_of_a_post_are_not_taken_for_a_failure_of_the_site(
    call: Caller, tmp_path: Path, service: str
) -> None:
    asked = command_of(service)
    call.simulator.safari(post_texts={post_of(asked): WORDS[service]})
    with transport(service, call.simulator, tmp_path) as opened:
        # The driver takes them for one, and answers after three tries.
        assert "rate_limit" in opened.send(asked, opened.prepare(asked)).error
        refused = opened.look(asked)
        assert isinstance(refused, Outcome)
        assert (refused.verdict, refused.reason) == ("rejected", "words_of_a_block")
        assert refused.quota_back
        call.simulator.safari(notices={service.partition("-")[0]: {"text": "Rate limit exceeded"}})
        waits = opened.look(asked)
        assert isinstance(waits, Outcome)
        assert (waits.verdict, waits.reason, waits.wait_seconds) == ("wait", "blocked", 900.0)
    assert received(call) == []


def test_a_tweet_does_not_fail_for_the_words_of_a_page_that_is_open(
    call: Caller, tmp_path: Path
) -> None:
    post, tweet = command_of("twitter-comments"), command("tweet", text="Hello")
    texts = {post_of(post): WORDS["twitter-comments"]}
    call.simulator.safari(post_texts=texts)
    with transport("twitter-comments", call.simulator, tmp_path) as opened:
        assert isinstance(opened.look(post), Outcome)
        # The post stays open, and the driver takes its words for a failure.
        assert opened.send(tweet, opened.prepare(tweet)).verdict == "unknown"
        assert opened.look(tweet) == tweet
        assert opened.send(tweet, opened.prepare(tweet)).verdict == "sent"
        asked = call.simulator.requests("twitter-comments")
        assert opened.look(tweet) == tweet
        assert len(call.simulator.requests("twitter-comments")) - len(asked) <= 2
        call.simulator.safari(notices={"twitter": {"text": "Rate limit exceeded"}})
        waits = opened.look(tweet)
    assert isinstance(waits, Outcome)
    assert (waits.verdict, waits.reason) == ("wait", "blocked")
    assert received(call) == [("tweet", "")]


def test_words_of_a_comment_are_told_from_a_limit_of_tiktok(call: Caller, tmp_path: Path) -> None:
    asked = command_of("tiktok-comments")
    call.simulator.safari(
        post_texts={post_of(asked): "So many, too many comments!"}, time_scale=0.02
    )
    with transport("tiktok-comments", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        read = opened.read_back(asked, replace(outcome, verdict="unknown", reason="last_words"))
    assert (read.verdict, read.reason) == ("rejected", "words_of_a_block")
    assert received(call) == []


def test_words_of_a_person_are_not_taken_for_a_protected_account(
    call: Caller, tmp_path: Path
) -> None:
    call.simulator.safari(post_texts={"https://x.com/ada": "My tweets are not protected"})
    asked = command_of("twitter-dm")
    with transport("twitter-dm", call.simulator, tmp_path, time_scale=0.01) as opened:
        assert "Account is protected" in opened.send(asked, opened.prepare(asked)).error
        refused = opened.look(asked)
    assert isinstance(refused, Outcome)
    assert (refused.verdict, refused.reason) == ("rejected", "words_of_a_block")
    assert "words that stand there" in refused.error


def test_a_login_that_a_language_hides_is_no_plain_missing_login(call: Caller) -> None:
    call.simulator.safari(languages={"threads": "de"})
    ready = ask_ready(
        ["threads-comments", "twitter-dm"], call.simulator.url, lambda _: None, logins={}
    )
    assert ready == {
        "threads-comments": "not logged in, or not shown in English",
        "twitter-dm": None,
    }


def test_a_button_that_a_language_hides_is_no_fault_of_the_command(
    call: Caller, tmp_path: Path
) -> None:
    asked = command_of("threads-comments")
    with transport("threads-comments", call.simulator, tmp_path, time_scale=0.001) as opened:
        assert opened.look(asked) == asked
        call.simulator.safari(languages={"threads": "pt-BR"})
        read = opened.read_back(asked, opened.send(asked, opened.prepare(asked)))
    assert received(call) == []
    assert (read.verdict, read.reason, read.quota_back) == ("wait", "not_ready", True)
    assert "shown in another language (pt-BR)" in str(read.alert)


@pytest.mark.parametrize("service", ["instagram-comments", "instagram-dm", "threads-comments"])
def test_a_site_in_another_language_keeps_commands_and_is_told(
    call: Caller, tmp_path: Path, service: str
) -> None:
    site = service.partition("-")[0]
    call.simulator.safari(languages={site: "de"})
    asked = command_of(service)
    with transport(service, call.simulator, tmp_path, time_scale=0.001) as opened:
        looked = opened.look(asked)
        call.simulator.safari(languages={})
        assert opened.look(asked) == asked
    assert isinstance(looked, Outcome)
    assert (looked.verdict, looked.reason, looked.quota_back) == ("wait", "not_ready", True)
    assert "shown in another language (de)" in str(looked.alert)


def test_a_conversation_whose_words_read_like_a_limit_is_named(
    call: Caller, tmp_path: Path
) -> None:
    call.simulator.receive("tiktok-dm", "eve", "Please slow down a bit")
    asked = command_of("tiktok-dm")
    with transport("tiktok-dm", call.simulator, tmp_path, time_scale=0.001) as opened:
        assert opened.look(asked) == asked
        read = opened.read_back(asked, opened.send(asked, opened.prepare(asked)))
    assert received(call) == []
    assert (read.verdict, read.reason) == ("wait", "blocked")
    assert "TikTok rate limited: slow down" in str(read.alert)
    assert "the last message of the conversation with eve" in str(read.alert)


def test_words_in_a_conversation_do_not_hold_other_messages_back(
    call: Caller, tmp_path: Path
) -> None:
    call.simulator.receive("instagram-dm", "ada", "Please slow down a bit")
    first, second = list(commands_of("instagram-dm"))[:2]
    with transport("instagram-dm", call.simulator, tmp_path) as opened:
        read = [
            opened.read_back(each, opened.send(each, opened.prepare(each)))
            for each in (first, second, first)
        ]
    assert [(each.verdict, each.reason) for each in read] == [
        ("wait", "blocked"),
        ("sent", "sent"),
        ("rejected", "words_of_a_block"),
    ]
    assert received(call) == [("dm", "eve")]
