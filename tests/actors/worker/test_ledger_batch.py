from __future__ import annotations

import json
from dataclasses import replace

import pytest

from actors.worker.ledger_batch import Batch, begin_item, begun_message, finish_item, reduced
from actors.worker.messages import Begin, Begun, Finish
from actp.errors import StoreRefused
from actp.safari.outcomes import Outcome

SENT = Outcome("sent", "sent", http_status=200, result={"success": True, "answer": "ok"})
FINISH = Finish("1", 7, "instagram-dm", 2, SENT)
BEGIN = Begin("1", 7, "instagram-dm", "ada", "ada", "hash")


def with_outcome(**changes: object) -> Finish:
    return replace(FINISH, outcome=replace(SENT, **changes))  # type: ignore[arg-type]  # by name


def test_items_are_json_with_all_that_the_database_asks_for() -> None:
    item = json.loads(json.dumps(finish_item(FINISH)))
    assert item == {
        "id": "1",
        "lease": 7,
        "attempt": 2,
        "verdict": "sent",
        "reason": "sent",
        "error": None,
        "quota_back": False,
        "http_status": 200,
        "wait_seconds": None,
        "alert": None,
        "result": {"success": True, "answer": "ok"},
    }
    assert json.loads(json.dumps(begin_item(BEGIN))) == {
        "id": "1",
        "lease": 7,
        "service": BEGIN.service,
        "recipient": "ada",
        "person": "ada",
        "text_hash": "hash",
    }


@pytest.mark.parametrize(
    ("changes", "alert"),
    [
        ({"alert": "look"}, {"kind": "sent", "text": "look"}),
        (
            {"alert": "look", "result": {"rewritten": True}},
            {"kind": "rewritten", "text": "look"},
        ),
        ({"alert": "look", "reason": "blocked"}, {"kind": "blocked", "text": "look"}),
        ({"alert": "look", "verdict": "unknown"}, None),
    ],
)
def test_an_alert_has_a_kind_but_the_unknown_is_alerted_by_the_database(
    changes: dict[str, object], alert: dict[str, str] | None
) -> None:
    assert finish_item(with_outcome(**changes))["alert"] == alert


def test_what_cannot_be_stored_is_left_out_once_and_alerted() -> None:
    less = reduced(FINISH, StoreRefused("a NUL character"))
    assert less is not None
    assert less.outcome.verdict == "sent"
    assert less.outcome.result == {"success": True, "unstorable": "a NUL character"}
    assert finish_item(less)["alert"]["kind"] == "unstorable"
    assert (less.id, less.lease, less.attempt) == (FINISH.id, FINISH.lease, FINISH.attempt)
    assert reduced(less, StoreRefused("again")) is None


def test_an_answer_belongs_to_the_write_that_asked() -> None:
    asked = Batch((FINISH,), ((BEGIN, 1.0),))
    assert asked.size == 2
    assert asked.answered({"finishes": [], "begins": []}).is_answer_of(asked)
    assert not Batch((replace(FINISH),), ((BEGIN, 1.0),)).is_answer_of(asked)
    assert not asked.is_answer_of(None)


def test_a_refused_begin_has_no_attempt() -> None:
    answer = {"id": "1", "verdict": "refused", "reason": "duplicate"}
    begun = begun_message(answer, BEGIN, 3.0)
    assert begun == Begun("1", "refused", "duplicate", 0, BEGIN.lease, 3.0)
