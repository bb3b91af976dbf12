"""Every failure that the services' drivers can report has a meaning, or is unknown on purpose.

``driver_texts.tsv`` lists the literals of the drivers with what each means when the first try
said it, and when a later one may have.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from actp.safari.answer_texts import UNKNOWN_ON_PURPOSE, rule_for
from actp.safari.answers import read_answer
from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.outcomes import Outcome, Reply
from tests.unit.safari.commands_for_tests import command_of

FIRST_TRY_SECONDS = 3.0
LATER_SECONDS = 30.0
NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)


class Text(NamedTuple):
    service: str
    status: int
    text: str
    first: str
    later: str


def texts() -> list[Text]:
    with Path(__file__).with_name("driver_texts.tsv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Text(row[0], int(row[1]), *row[2:]) for row in rows]


TEXTS = texts()


def outcome(text: Text, took_seconds: float, **more: object) -> Outcome:
    named = {"username": "x"} if text.service == "tiktok-dm" else {}
    body = json.dumps({"success": False, "error": text.text, **named, **more}).encode()
    service = SERVICES[text.service]
    reply = Reply(text.status, {}, body)
    return read_answer(service, command_of(service.name), reply, now=NOW, took_seconds=took_seconds)


def meaning(of: Outcome) -> str:
    return f"{of.verdict} {of.reason}"


def test_the_list_covers_every_service_that_sends() -> None:
    assert {text.service for text in TEXTS} == {
        service.name for service in HTTP_SERVICES if service.effect == "once"
    }
    assert len(TEXTS) == len(set(TEXTS)) > 90


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.service}: {text.text}")
def test_each_text_has_one_meaning(text: Text) -> None:
    has_rule = rule_for(text.service, text.text) is not None
    is_unknown = any(pattern.search(text.text) for pattern in UNKNOWN_ON_PURPOSE)
    assert has_rule != is_unknown
    assert meaning(outcome(text, FIRST_TRY_SECONDS)) == text.first
    assert meaning(outcome(text, LATER_SECONDS)) == text.later
    assert is_unknown == (text.first == "unknown no_verdict")


def test_a_text_from_after_the_button_is_never_taken_for_a_refusal() -> None:
    afterwards = [text for text in TEXTS if text.first == "unknown no_verdict"]
    assert {text.service for text in afterwards} >= {
        "tiktok-dm",
        "instagram-dm",
        "twitter-comments",
    }
    for text in afterwards:
        words = f"{text.text} (captcha, daily limit reached)"
        for status in (200, 400, 403, 404, 405, 409, 422, 429, 500, 503):
            reply = Reply(status, {}, json.dumps({"error": words}).encode())
            service = SERVICES[text.service]
            read = read_answer(service, command_of(service.name), reply, now=NOW, took_seconds=1.0)
            assert meaning(read) == "unknown no_verdict", (text, status)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.service}: {text.text}")
def test_a_later_try_never_lets_a_comment_be_sent_again(text: Text) -> None:
    later = outcome(text, LATER_SECONDS)
    if SERVICES[text.service].first_try_seconds is not None:
        assert later.verdict in {"unknown", "rejected"}
        assert not later.quota_back


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.service}: {text.text}")
def test_a_complete_answer_frees_safari(text: Text) -> None:
    assert not outcome(text, FIRST_TRY_SECONDS).is_unclear
    assert not outcome(text, LATER_SECONDS).is_unclear


BLOCKED = Text("twitter-comments", 200, "error:rate_limited", "", "")


@pytest.mark.parametrize(("attempts", "seen"), [(1, "wait blocked"), (2, "unknown last_words")])
def test_the_number_of_tries_counts_more_than_the_time(attempts: int, seen: str) -> None:
    for seconds in (FIRST_TRY_SECONDS, LATER_SECONDS):
        assert meaning(outcome(BLOCKED, seconds, attempts=attempts)) == seen


def test_a_block_that_proves_nothing_still_stops_the_service() -> None:
    later = outcome(BLOCKED, LATER_SECONDS)
    assert (later.verdict, later.breaker, later.wait_seconds) == ("unknown", "open", 900)
    assert "the platform asks for human action: error:rate_limited" in (later.alert or "")
    assert not later.quota_back


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Safari got an error: Application isn\u2019t running. (-600)", "start Safari"),
        ("Safari got an error: Can\u2019t get tab 4 of window 1. (-1719)", "open its tab"),
        ("Not authorized to send Apple events to Safari. (-1743)", "allow Automation"),
        ("You must enable 'Allow JavaScript from Apple Events' in … (8)", "allow JavaScript"),
        ("osascript is not allowed to send keystrokes. (1002)", "Accessibility"),
        ("osascript is not allowed assistive access. (-25211)", "Accessibility"),
        ("Safari got an error: Connection is invalid. (-609)", "close its dialogs"),
        ("Safari got an error: AppleEvent timed out. (-1712)", "close its dialogs"),
    ],
)
def test_an_error_of_safari_itself_stops_the_service_with_the_remedy(
    said: str, remedy: str
) -> None:
    text = Text(
        "twitter-dm", 500, f"Error: Command failed: osascript\nexecution error: {said}", "", ""
    )
    failed = outcome(text, FIRST_TRY_SECONDS)
    assert (failed.verdict, failed.breaker) == ("unknown", "open")
    assert remedy in (failed.alert or "")


def test_an_enter_that_could_not_be_pressed_is_unknown_and_has_a_remedy() -> None:
    text = Text("instagram-dm", 200, "Failed to press Enter to send", "", "")
    failed = outcome(text, FIRST_TRY_SECONDS)
    assert (failed.verdict, failed.breaker, failed.quota_back) == ("unknown", "open", False)
    assert "Accessibility" in (failed.alert or "")


def test_a_second_try_that_succeeded_is_alerted() -> None:
    service = SERVICES["twitter-comments"]
    body = {"success": True, "verified": True, "attempts": 2, "generatedComment": "Hello"}
    reply = Reply(200, {}, json.dumps(body).encode())
    sent = read_answer(service, command_of(service.name), reply, now=NOW)
    assert sent.verdict == "sent"
    assert "may be there twice" in (sent.alert or "")
