from __future__ import annotations

import json
from dataclasses import replace

import pytest

from actors.worker.entries import Begin, Begun, Finish, begin_item, begun_from, finish_item, reduced
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
        "hears": True,
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
        ({"alert": "look", "verdict": "unknown"}, {"kind": "blocked", "text": "look"}),
    ],
)
def test_an_alert_has_a_kind_and_beside_an_unknown_it_is_about_the_service(
    changes: dict[str, object], alert: dict[str, str]
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


def test_a_refused_begin_has_no_attempt() -> None:
    answer = {"id": "1", "verdict": "refused", "reason": "duplicate"}
    assert begun_from(answer) == Begun("refused", "duplicate", 0)
