"""An attempt as one straight line: turn, look, begin, send, finish."""

from __future__ import annotations

from contextlib import closing
from time import time
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Drained, Stop, StopNow
from actp.marks import SentMarks
from actp.safari.commands import Comment
from actp.safari.outcomes import Outcome
from actp.safari.turns import TurnTable
from tests.actors.desk import CONTACT
from tests.actors.house import DEADLINE_SECONDS, Grenade
from tests.actors.postman import SENT, Reader
from tests.actors.rows import eventually, row_of
from tests.actors.worker.scene import OTHER, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.actors.house import House

ADA = row_of("ada")
COMMENT = row_of(
    service="twitter-comments",
    action="comment",
    platform="twitter",
    params={"handle": "ada", "text": "Nice"},
)
NOT_READY = Outcome("wait", "not_ready", error="no tab", quota_back=True, wait_seconds=60.0)


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[TurnTable]:
    turns = TurnTable(tmp_path / "locks")
    yield turns
    turns.close()


@pytest.fixture
def scene(house: House, turns: TurnTable, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(house, turns, tmp_path)
    scene.open()
    yield scene
    scene.close()


@pytest.fixture
def reader() -> Reader:
    return Reader("twitter-comments")


@pytest.fixture
def looking(house: House, turns: TurnTable, tmp_path: Path, reader: Reader) -> Iterator[Scene]:
    """A comment whose post is being looked for."""
    scene = Scene(house, turns, tmp_path, postman=reader)
    scene.open()
    scene.give(COMMENT)
    assert reader.looks.get(timeout=DEADLINE_SECONDS).id == COMMENT.id
    yield scene
    reader.find()
    scene.close()


def test_turn_then_begin_then_send_then_finish(scene: Scene) -> None:
    assert scene.turns.try_take(OTHER, time() + 60)
    scene.give(ADA)
    assert scene.settle() == ((ADA.id, ADA.lease),)
    assert not scene.desk.was_asked
    scene.turns.release(OTHER)
    asked = scene.desk.asked()
    assert (asked.id, asked.lease, asked.recipient) == (ADA.id, ADA.lease, "ada")
    assert scene.postman.has_sent_nothing_more
    scene.desk.answer()
    assert scene.postman.sent().id == ADA.id
    assert not scene.is_turn_free
    scene.postman.answer(SENT)
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.verdict) == (1, "sent")
    assert scene.is_turn_free


def test_a_begin_that_was_granted_too_late_is_not_sent(
    house: House, turns: TurnTable, tmp_path: Path
) -> None:
    scene = Scene(house, turns, tmp_path, begin_valid_seconds=0.0)
    scene.open()
    scene.give(ADA)
    scene.desk.asked()
    eventually(lambda: scene.is_turn_free, "Safari is free for others while the answer is late")
    scene.desk.answer()
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.verdict, finished.quota_back) == (1, "wait", True)
    assert scene.postman.has_sent_nothing_more
    scene.close()


def test_what_was_sent_before_a_restore_is_unknown_and_not_read(
    house: House, turns: TurnTable, tmp_path: Path
) -> None:
    with closing(SentMarks(tmp_path / "marks", "before")) as marks:
        marks.begin(ADA.id, 1)
        scene = Scene(house, turns, tmp_path, marks=marks)
        scene.open()
        scene.give(ADA)
        scene.desk.asked()
        scene.desk.answer()
        assert scene.desk.finished(ADA).verdict == "unknown"
        assert scene.postman.has_sent_nothing_more
        assert scene.postman.read_again == []
        scene.close()


@pytest.mark.parametrize("verdict", ["lost", "refused", "wait"])
def test_what_may_not_begin_is_dropped_and_safari_is_free_for_others(
    scene: Scene, verdict: str
) -> None:
    scene.give(ADA)
    scene.desk.asked()
    scene.desk.answer(verdict, 0)
    eventually(lambda: scene.settle() == (), "nothing is held")
    assert scene.postman.has_sent_nothing_more
    assert scene.is_turn_free


def test_words_that_nobody_judged_are_judged_before_it_begins(
    house: House, turns: TurnTable, tmp_path: Path
) -> None:
    heard: list[Sequence[str]] = []
    scene = Scene(house, turns, tmp_path, hear=heard.append)
    scene.open()
    scene.give(ADA)
    scene.desk.asked()
    scene.desk.answer("unheard", 0)
    scene.desk.asked()
    assert heard == [(CONTACT,)]
    assert scene.postman.has_sent_nothing_more
    scene.desk.answer()
    assert scene.postman.sent().id == ADA.id
    scene.postman.answer(SENT)
    assert scene.desk.finished(ADA).verdict == "sent"
    scene.close()


def test_nothing_is_sent_while_words_cannot_be_judged(
    house: House, turns: TurnTable, tmp_path: Path
) -> None:
    def fail(_: Sequence[str]) -> None:
        raise ValueError("a word that cannot be read")

    scene = Scene(house, turns, tmp_path, hear=fail)
    scene.open()
    scene.give(ADA)
    scene.desk.asked()
    scene.desk.answer("unheard", 0)
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.verdict, finished.reason) == (0, "wait", "unheard")
    assert scene.postman.has_sent_nothing_more
    eventually(lambda: scene.is_turn_free, "Safari is free")
    scene.close()


def test_a_begin_that_was_overtaken_after_it_was_granted_ends_unsent(scene: Scene) -> None:
    scene.give(ADA)
    scene.desk.asked()
    scene.desk.answer("lost", 3)
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.verdict, finished.quota_back) == (3, "wait", True)
    assert scene.postman.has_sent_nothing_more
    eventually(lambda: scene.is_turn_free, "Safari is free")


def test_a_row_that_makes_no_request_is_refused_without_a_turn(scene: Scene) -> None:
    assert scene.turns.try_take(OTHER, time() + 60)
    scene.give(row_of("ada", params={"username": "ada"}))
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.verdict) == (0, "rejected")
    assert "params.text" in (finished.error or "")


def test_a_begin_that_is_granted_after_the_stop_is_not_sent(scene: Scene) -> None:
    scene.give(ADA)
    scene.desk.asked()
    scene.tell(Stop())
    scene.settle()
    scene.desk.answer()
    assert scene.desk.finished(ADA).verdict == "wait"
    assert scene.postman.has_sent_nothing_more


def test_a_stop_ends_the_wait_for_the_turn(scene: Scene) -> None:
    assert scene.turns.try_take(OTHER, time() + 60)
    scene.give(ADA)
    scene.settle()
    scene.tell(Stop())
    finished = scene.desk.finished(ADA)
    assert (finished.attempt, finished.reason) == (0, "handed_back")
    scene.house.supervisor.take(Drained)


def test_an_exception_while_sending_leaves_the_command_unknown(scene: Scene) -> None:
    scene.send(ADA)
    scene.postman.answer(ZeroDivisionError("ours"))
    finished = scene.desk.finished(ADA)
    assert finished.verdict == "unknown"
    assert "ZeroDivisionError" in (finished.error or "")
    assert not scene.is_turn_free


def test_a_comment_is_begun_once_its_post_is_found(looking: Scene, reader: Reader) -> None:
    assert not looking.desk.was_asked
    reader.find()
    assert looking.desk.asked().id == COMMENT.id
    looking.desk.answer()
    sent = looking.postman.sent()
    assert isinstance(sent, Comment)
    assert sent.post_url == reader.post


def test_a_page_that_is_not_ready_keeps_the_row_from_being_begun(
    looking: Scene, reader: Reader
) -> None:
    reader.find(NOT_READY)
    finished = looking.desk.finished(COMMENT)
    assert (finished.attempt, finished.verdict, finished.reason) == (0, "wait", "not_ready")
    assert looking.house.settle(looking.name).state["state"] == "wait"
    assert looking.is_turn_free


def test_a_post_that_is_not_there_counts_as_an_attempt(looking: Scene, reader: Reader) -> None:
    reader.find(Outcome("retry", "posts_not_shown", error="none", quota_back=True))
    looking.desk.asked()
    looking.desk.answer()
    finished = looking.desk.finished(COMMENT)
    assert (finished.attempt, finished.verdict) == (1, "retry")
    assert looking.postman.has_sent_nothing_more


def test_a_stop_while_looking_hands_the_row_back(looking: Scene, reader: Reader) -> None:
    looking.tell(Stop())
    looking.settle()
    assert looking.house.supervisor.all_of(Drained) == []
    reader.find()
    assert looking.desk.finished(COMMENT).reason == "handed_back"
    looking.house.supervisor.take(Drained)
    assert looking.is_turn_free


def test_look_that_outlasts_the_stop_is_released(looking: Scene, reader: Reader) -> None:
    looking.tell(Stop(), StopNow())
    assert looking.desk.finished(COMMENT).reason == "handed_back"
    looking.house.supervisor.take(Drained)
    assert not looking.is_turn_free
    reader.find()
    eventually(lambda: looking.attempts.holding.current is None, "the attempt has ended")
    assert not looking.is_turn_free
    assert not looking.desk.was_asked


def test_a_crash_while_looking_leaves_the_look_to_its_thread(
    looking: Scene, reader: Reader
) -> None:
    looking.tell(Grenade())
    looking.move_in()
    looking.settle()
    assert not looking.is_turn_free
    reader.find()
    assert looking.desk.asked().id == COMMENT.id
