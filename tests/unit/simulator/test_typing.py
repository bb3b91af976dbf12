"""A page that ignores JavaScript makes drivers hand the text to a shell, or type it twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import InvalidInput
from actp.safari.commands import text_of
from tests.support.looking import transport
from tests.unit.safari.commands_for_tests import command, command_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.simulator.conftest import Caller

COMMENTING = ("threads-comments", "instagram-comments", "tiktok-comments", "twitter-comments")
RUN_IN_A_SHELL = {
    "instagram-comments": "Great \\$(open -a Calculator)",
    "linkedin-automation": 'Great \\"; open -a Calculator; "',
    "tiktok-comments": "Great \\`open -a Calculator`",
    "tiktok-dm": "It's $(open -a Calculator) that's great",
    "twitter-comments": "It's great; that's what I'd say",
}


SHRUG = "I'm in & that's (fun) ¯\\_(ツ)_/¯ $5 `ok`"


def ignored(call: Caller, service: str, kind: str = "ignored") -> None:
    call.play(service, "ok", faults=[{"step": "type", "kind": kind}])


@pytest.mark.parametrize("service", RUN_IN_A_SHELL)
def test_a_text_reaches_the_shell_of_a_driver(call: Caller, service: str) -> None:
    ignored(call, service)
    call.send(service, text=RUN_IN_A_SHELL[service])
    assert [line["text"] for line in call.seen("shell")][:1] == [RUN_IN_A_SHELL[service]]


@pytest.mark.parametrize("service", [name for name, text in RUN_IN_A_SHELL.items() if "\\" in text])
def test_a_backslash_that_frees_the_next_sign_is_refused(service: str) -> None:
    for text in RUN_IN_A_SHELL.values():
        if "\\" in text:
            with pytest.raises(InvalidInput, match="hand to a shell"):
                command_of(service, text)


@pytest.mark.parametrize("service", RUN_IN_A_SHELL)
def test_other_texts_arrive_whatever_the_driver_does(
    call: Caller, tmp_path: Path, service: str
) -> None:
    for text in (*(RUN_IN_A_SHELL[n] for n in ("tiktok-dm", "twitter-comments")), SHRUG):
        call.simulator.reset()
        ignored(call, service)
        asked = command_of(service, text)
        with transport(service, call.simulator, tmp_path) as opened:
            assert opened.send(asked, opened.prepare(asked)).verdict == "sent"
        (line,) = call.seen()
        assert line["text"] == text_of(asked)
        assert line["text"].replace("\u2019", "'") == text


def test_a_line_end_at_the_beginning_makes_tiktok_dm_type_twice(
    call: Caller, tmp_path: Path
) -> None:
    text = " \nHi Anna,\n\nyour last video\nis great"
    call.send("tiktok-dm", text=text)
    asked = command_of("tiktok-dm", text)
    with transport("tiktok-dm", call.simulator, tmp_path) as opened:
        opened.send(asked, opened.prepare(asked))
    once = "Hi Anna, your last video\nis great"
    assert [line["text"] for line in call.seen()] == [text + text, once]


def test_tiktok_dm_sees_a_text_whose_first_line_is_short(call: Caller, tmp_path: Path) -> None:
    text = "Hi Anna, thank you\nfor the lovely video"
    assert call.send("tiktok-dm", text=text).json()["verified"] is False
    asked = command_of("tiktok-dm", text)
    with transport("tiktok-dm", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        assert opened.read_back(asked, outcome).verdict == "sent"
    assert [line["text"] for line in call.seen()] == [text, text.replace("\n", " ")]


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (
            "open",
            "Strategy D: NewMessage compose button not found (cannot create new conversation)",
        ),
        ("input", "event_no_input: message input not found in DOM"),
        ("type", "event_type_failed: input still empty after 2 attempts (got: empty)"),
    ],
)
def test_the_last_way_to_a_person_does_not_prove_that_none_sent(
    call: Caller, tmp_path: Path, last: str, words: str
) -> None:
    faults = [
        {"step": "row", "kind": "missing"},
        {"step": "verify", "kind": "error"},
        {"step": last, "kind": "missing", "on_try": 2},
    ]
    call.play("tiktok-dm", "ok", faults=faults)
    asked = command_of("tiktok-dm")
    with transport("tiktok-dm", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
    assert [line["text"] for line in call.seen()] == ["Hello"]
    assert outcome.result["answer"]["error"] == words
    assert (outcome.verdict, outcome.quota_back) == ("unknown", False)


def test_a_last_way_that_sends_once_more_is_told(call: Caller, tmp_path: Path) -> None:
    faults = [{"step": "row", "kind": "missing"}, {"step": "verify", "kind": "error"}]
    call.play("tiktok-dm", "ok", faults=faults)
    asked = command_of("tiktok-dm")
    with transport("tiktok-dm", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
    assert [line["text"] for line in call.seen()] == ["Hello", "Hello"]
    assert (outcome.verdict, outcome.reason) == ("sent", "unverified")
    assert "whether the message is there twice" in str(outcome.alert)


def test_a_comment_that_may_stand_twice_in_one_is_told(call: Caller, tmp_path: Path) -> None:
    ignored(call, "twitter-comments", "unseen")
    asked = command_of("twitter-comments", "Hello")
    with transport("twitter-comments", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
    assert [line["text"] for line in call.seen()] == ["HelloHello"]
    assert outcome.verdict == "sent"
    assert "look at the comment" in str(outcome.alert)


def test_a_mention_at_the_end_takes_enter_and_so_a_blank_follows(
    call: Caller, tmp_path: Path
) -> None:
    text = "My studio is @ada.prints"
    # It says that it sent the text, which still stands in the box.
    assert call.send("instagram-dm", text=text).json()["verified"] is True
    assert call.seen() == []
    asked = command_of("instagram-dm", text)
    with transport("instagram-dm", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        assert opened.read_back(asked, outcome).verdict == "sent"
    assert [line["text"] for line in call.seen()] == [f"{text} "]


@pytest.mark.parametrize(
    ("service", "level"),
    [
        ("instagram-dm", "claimed"),
        ("twitter-dm", "claimed"),
        ("linkedin-automation", "none"),
        ("threads-comments", "claimed"),
        ("instagram-comments", "none"),
        ("twitter-comments", "none"),
    ],
)
def test_a_text_that_stays_in_the_box_is_not_taken_for_sent(
    call: Caller, tmp_path: Path, service: str, level: str
) -> None:
    call.play(service, "ok", faults=[{"step": "submit", "kind": "ignored"}])
    asked = command_of(service, 'It\'s "so"\nnice \u2028 \\ there')
    with transport(service, call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        assert (outcome.verdict, outcome.result["verification"]) == ("sent", level)
        read = opened.read_back(asked, outcome)
    assert call.seen() == []
    assert (read.verdict, read.reason, read.quota_back) == ("unknown", "still_in_box", False)
    assert read.result["verification"] == "none"


@pytest.mark.parametrize("text", ["Schöne Grüße bis später 🙂", "Plain words"])
@pytest.mark.parametrize(
    ("service", "remedy"),
    [("instagram-dm", "LANG=en_US.UTF-8"), ("threads-comments", "as «class utf8»")],
)
def test_a_text_that_arrives_with_wrong_characters_holds_the_next(
    call: Caller, tmp_path: Path, text: str, service: str, remedy: str
) -> None:
    call.simulator.safari(clipboard="mac_roman", scripts="mac_roman")
    asked = command_of(service, text)
    with transport(service, call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        read = opened.read_back(asked, outcome)
    is_garbled = not text.isascii()
    assert ([line["text"] for line in call.seen()] != [text]) is is_garbled
    assert read.verdict == "sent"
    assert (read.breaker, read.wait_seconds) == (("open", 21_600) if is_garbled else ("ok", None))
    assert (remedy in str(read.alert)) is is_garbled


def test_typographic_signs_arrive_on_threads_as_plain_ones(call: Caller, tmp_path: Path) -> None:
    call.simulator.safari(scripts="mac_roman")
    asked = command_of("threads-comments", "It\u2019s \u201cgreat\u201d \u2014 really\u2026")
    with transport("threads-comments", call.simulator, tmp_path) as opened:
        assert opened.read_back(asked, opened.send(asked, opened.prepare(asked))).alert is None
    assert [line["text"] for line in call.seen()] == ['It\'s "great" - really...']


@pytest.mark.parametrize("service", COMMENTING)
@pytest.mark.parametrize("is_sent", [True, False])
def test_tries_that_gave_up_are_unknown_where_the_first_one_sent(
    call: Caller, tmp_path: Path, service: str, *, is_sent: bool
) -> None:
    first = {"step": "verify", "kind": "error"} if is_sent else {"step": "input", "kind": "missing"}
    faults = [first, *({"step": "input", "kind": "missing", "on_try": n} for n in (2, 3))]
    call.play(service, "ok", faults=faults)
    asked = command_of(service, "Lovely light in this one")
    with transport(service, call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        read = opened.read_back(asked, outcome)
    assert (outcome.verdict, outcome.reason, len(call.seen())) == ("rejected", "gave_up", is_sent)
    known = ("unknown", "last_words") if is_sent else ("rejected", "gave_up")
    assert (read.verdict, read.reason, read.quota_back) == (*known, False)
    assert (read.result["outcome"], read.result["reason"]) == known


@pytest.mark.parametrize("service", ["linkedin-automation", "tiktok-dm", "twitter-dm"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_message_that_neither_service_nor_page_shows_is_unknown(
    call: Caller, tmp_path: Path, service: str, *, is_there: bool
) -> None:
    faults = [] if is_there else [{"step": "submit", "kind": "swallowed"}]
    call.play(service, "ok", faults=faults)
    asked = command_of(service)
    with transport(service, call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        read = opened.read_back(asked, outcome)
    assert (outcome.verdict, len(call.seen())) == ("sent", is_there)
    assert read.verdict == ("sent" if is_there else "unknown")
    if not is_there:
        assert read.reason == "unverified"
        assert "whether the message stands in the conversation" in read.error


@pytest.mark.parametrize("service", ["instagram-dm", "linkedin-automation", "twitter-dm"])
def test_a_message_that_only_its_page_shows_is_sent(
    call: Caller, tmp_path: Path, service: str
) -> None:
    call.play(service, "unverified")
    asked = command_of(service)
    with transport(service, call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        read = opened.read_back(asked, outcome)
    assert len(call.seen()) == 1
    assert (read.verdict, read.result["verification"]) == ("sent", "none")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_tiktok_comment_that_nothing_shows_is_not_taken_for_sent(
    call: Caller, tmp_path: Path, *, is_there: bool
) -> None:
    faults = [] if is_there else [{"step": "submit", "kind": "ignored"}]
    call.play("tiktok-comments", "unverified" if is_there else "ok", faults=faults)
    asked = command_of("tiktok-comments", "Lovely light in this one")
    with transport("tiktok-comments", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        read = opened.read_back(asked, outcome)
    assert (outcome.verdict, outcome.reason, len(call.seen())) == ("sent", "unverified", is_there)
    assert (read.verdict, read.reason) == ("sent" if is_there else "unknown", "unverified")


def test_a_tweet_that_is_not_taken_is_not_taken_for_sent(call: Caller, tmp_path: Path) -> None:
    call.play("twitter-comments", "ok", faults=[{"step": "submit", "kind": "ignored"}])
    asked = command("tweet", text="The same again")
    with transport("twitter-comments", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
    assert call.seen() == []
    assert (outcome.verdict, outcome.reason, outcome.quota_back) == ("unknown", "unverified", False)
    assert "stayed open" in outcome.error


def test_a_tweet_whose_refusal_reads_like_a_success_is_not_taken_for_sent(
    call: Caller, tmp_path: Path
) -> None:
    faults = [{"step": "submit", "kind": "ignored"}]
    rule = {"service": "twitter-comments", "behaviour": "ok", "faults": faults}
    toast = {"twitter": {"text": "Your post was too long for us"}}
    call.simulator.play({"rules": [rule], "safari": {"notices": toast}})
    asked = command("tweet", text="The same again")
    with transport("twitter-comments", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
        assert (outcome.verdict, outcome.result["verification"]) == ("sent", "claimed")
        read = opened.read_back(asked, outcome)
    assert call.seen() == []
    assert (read.verdict, read.reason) == ("unknown", "still_in_box")


def test_a_message_that_was_pasted_twice_is_told(call: Caller, tmp_path: Path) -> None:
    ignored(call, "instagram-dm", "unseen")
    asked = command_of("instagram-dm", "Hello")
    with transport("instagram-dm", call.simulator, tmp_path) as opened:
        outcome = opened.read_back(asked, opened.send(asked, opened.prepare(asked)))
    assert [line["text"] for line in call.seen()] == ["HelloHello"]
    assert outcome.verdict == "sent"
    assert "twice in one message" in str(outcome.alert)


def test_per_cent_signs_that_a_driver_doubles_are_told(call: Caller, tmp_path: Path) -> None:
    ignored(call, "tiktok-comments")
    asked = command_of("tiktok-comments", "100% true")
    with transport("tiktok-comments", call.simulator, tmp_path) as opened:
        outcome = opened.send(asked, opened.prepare(asked))
    assert [line["text"] for line in call.seen()] == ["100%% true"]
    assert "shows %% for %" in str(outcome.alert)


@pytest.mark.parametrize(
    ("text", "arrived"),
    [
        ("Write to Ada <ada@example.org> please", "Write to Ada  please"),
        ("We need x<y and R&amp;D", "We need x"),
    ],
)
def test_markup_of_a_linkedin_message_is_lost_and_so_rejected(
    call: Caller, text: str, arrived: str
) -> None:
    call.send("linkedin-automation", text=text)
    assert [line["text"] for line in call.seen()] == [arrived]
    with pytest.raises(InvalidInput, match="pastes as HTML"):
        command_of("linkedin-automation", text)
    assert text_of(command_of("linkedin-automation", "R&D <3 a < b")) == "R&D <3 a < b"
