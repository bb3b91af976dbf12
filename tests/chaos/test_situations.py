"""Safari in every state that is dangerous: who really got what, against what the rows claim."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.rig import ENDED
from tests.chaos.situations import LAYOUT, SITUATIONS, Situation
from tests.chaos.waiting import eventually
from tests.support.osascript import path_with_osascript

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.chaos.records import Row
    from tests.chaos.rig import Rig

# One of each kind, on the services that are quick to fail.
SMALL = frozenset(
    {
        "instagram-dm-pinned_elsewhere",
        "instagram-dm-front_elsewhere",
        "twitter-dm-logged_out",
        "linkedin-automation-another_account",
        "threads-comments-another_account",
        "linkedin-automation-front_elsewhere",
        "twitter-dm-safari_closed",
        "twitter-comments-tab_closed",
        "threads-comments-slow_page",
        "linkedin-automation-slow_page",
        "instagram-comments-blocked_after_first_try",
        "twitter-dm-draft_kept",
        "threads-comments-gateway_timeout",
        "twitter-dm-no_message_button",
        "tiktok-dm-similar_name",
        "threads-comments-reply_below_another",
    }
)
SENDS = frozenset({"dm", "comment", "tweet"})
# Ten times as fast as on a Mac, and no longer in one piece than the slowest service.
PACE = {
    "SAFARI_TIME_SCALE": "0.1",
    "SAFARI_TURNS": "1",
    "SAFARI_ACTION_TIMEOUT_SECONDS": "12",
    "SAFARI_LEASE_SECONDS": "10",
}
LIFTED_SECONDS = 60.0
# As the stand-in for each site has it, where a situation says nothing else.
OWN_ACCOUNTS = "instagram=me,linkedin=me,threads=me,tiktok=me,twitter=me"

pytestmark = pytest.mark.timeout(300)


@pytest.mark.chaos
@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_the_right_one_gets_it_once_and_no_row_claims_more(
    rig: Rig, suite: str, situation: Situation, tmp_path: Path
) -> None:
    if suite == "small" and str(situation) not in SMALL:
        pytest.skip("the long suite runs with --chaos")
    if sys.platform == "darwin":
        pytest.skip("a worker on a Mac asks the Mac's own osascript")
    rig.play(safari=LAYOUT)
    path = path_with_osascript(rig.simulator, tmp_path)
    rig.host(PATH=path, SAFARI_ACCOUNTS=OWN_ACCOUNTS, **PACE).start()
    if situation.after_a_send:
        (first,) = rig.enqueue(situation.command())
        rig.wait_for_status(first, "completed")
    if situation.known is not None:
        rig.simulator.receive(situation.service, situation.known, "Hello")
    rig.play(*situation.rules, safari={**LAYOUT, **situation.safari})

    count = 2 if situation.promise == "waits" else 1
    ids = rig.enqueue(*(situation.command() for _ in range(count)))
    eventually(lambda: _are_at_rest(rig, ids), "it is sent or waits")
    assert _wrongs(rig) == []
    if situation.promise == "waits":
        # It may just try again.
        assert {rig.row(id_)["status"] for id_ in ids} <= {"pending", "running", "completed"}

    rig.play(safari=LAYOUT)
    eventually(lambda: all(map(rig.has_ended, ids)), "it goes on automatically", LIFTED_SECONDS)
    rig.simulator.wait_for(LIFTED_SECONDS, quiet=situation.service)
    assert _wrongs(rig) == []
    if situation.promise == "waits":
        assert [rig.row(id_)["status"] for id_ in ids] == ["completed", "completed"]


def _are_at_rest(rig: Rig, ids: Sequence[str]) -> bool:
    """Return whether all have ended, or none runs and one says that it waits."""
    statuses = [rig.row(id_)["status"] for id_ in ids]
    says_so = any({"waiting", "retrying"} & set(rig.events(id_)) for id_ in ids)
    return ENDED.issuperset(statuses) or ("running" not in statuses and says_so)


def _wrongs(rig: Rig) -> list[str]:
    sent = [line for line in rig.simulator.world() if line["kind"] in SENDS]
    rows = rig.rows()
    return [*_wrong_deliveries(sent, rows), *_wrong_claims(sent, rows)]


def _wrong_deliveries(sent: Sequence[Mapping[str, Any]], rows: Mapping[str, Row]) -> Iterator[str]:
    seen = set()
    for line in sent:
        text, recipient = line["text"], line["recipient"]
        if text not in rows:
            yield f"{recipient} got {text!r}, which no row asks for"
            continue
        if _same(recipient) != _same(_recipient(rows[text])):
            yield f"{text!r} is for {_recipient(rows[text])}, and {recipient} got it"
        if text in seen:
            yield f"{recipient} got {text!r} twice"
        seen.add(text)


def _wrong_claims(sent: Sequence[Mapping[str, Any]], rows: Mapping[str, Row]) -> Iterator[str]:
    delivered = {line["text"] for line in sent}
    for text, row in rows.items():
        if row["status"] == "completed" and text not in delivered:
            yield f"{text!r} is completed, and nobody got it"
        is_known_unsent = row["status"] == "failed" and row["reason"] != "unknown"
        if text in delivered and is_known_unsent:
            yield f"{text!r} has failed ({row['reason']}), and somebody got it"
        if row["status"] == "pending" and text in delivered:
            yield f"{text!r} waits to be sent, and somebody got it"


def _same(recipient: str) -> str:
    """Return one spelling: a command's address is written in that of its site."""
    return recipient.rstrip("/").replace("threads.net", "threads.com")


def _recipient(row: Row) -> str:
    params = row["params"]
    names = ("username", "postUrl", "profileUrl")
    return next((str(params[name]) for name in names if params.get(name)), "")
