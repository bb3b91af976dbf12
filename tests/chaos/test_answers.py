"""Answers that no database likes, and a Safari that types on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from simulator.process import SimulatorProcess
from tests.chaos.commands import SENDERS, command_for
from tests.chaos.rig import FORGETFUL, Rig
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import Database

# Over what a begin may be old, by a clock that counts sleep.
FREEZE_SECONDS = 5.3
HUGE_BYTES = 5_000_000
TOO_HUGE_BYTES = 20_000_000
ANSWERS = {
    "instagram-dm": ("nul_bytes", "completed"),
    "twitter-dm": ("invalid_utf8", "completed"),
    "tiktok-dm": ("huge", "completed"),
    "linkedin-automation": ("not_json", "failed"),
    "threads-comments": ("truncated", "failed"),
    "tiktok-comments": ("html_error_after_effect", "failed"),
}


def test_answers_that_cannot_be_stored_as_they_are_block_nobody(rig: Rig) -> None:
    # Safari stays reserved so long after the answer that is too long to be read.
    rig.host(SAFARI_ACTION_TIMEOUT_SECONDS="6").start()
    rig.play(
        *(
            {"service": service, "behaviour": behaviour, "times": 1, "size_bytes": HUGE_BYTES}
            for service, (behaviour, _) in ANSWERS.items()
        ),
        {
            "service": "twitter-comments",
            "behaviour": "huge",
            "size_bytes": TOO_HUGE_BYTES,
            "times": 1,
        },
    )
    odd = dict(zip(ANSWERS, rig.enqueue(*map(command_for, ANSWERS)), strict=True))
    too_huge = rig.enqueue(command_for("twitter-comments"))[0]
    for service, (_, status) in ANSWERS.items():
        row = rig.wait_for_status(odd[service], "completed", "failed")
        assert (service, row["status"]) == (service, status)
        assert row["result"]["answer"] or row["result"]["unstorable"]
    assert rig.wait_for_status(too_huge, "failed")["reason"] == "unknown"
    after = rig.enqueue(*map(command_for, ANSWERS))
    rig.settle()
    assert [rig.row(id_) for id_ in after if rig.row(id_)["status"] != "completed"] == []
    assert rig.audit().effects == 2 * len(ANSWERS) + 1


def test_a_begin_that_slept_too_long_is_begun_anew(rig: Rig) -> None:
    worker = rig.host(SAFARI_LEASE_SECONDS="30").start()
    with rig.gate("begun") as gate:
        id_ = rig.enqueue(command_for("twitter-dm"))[0]
        gate.wait_until_reached()
        worker.freeze()
        gate.open()
        rig.wait_for_event(id_, "begun")
        threading.Event().wait(FREEZE_SECONDS)
        assert not rig.simulator.world()
        worker.thaw()
        eventually(lambda: rig.row(id_)["status"] == "completed", "it is begun anew")
    rig.settle()
    life = ["enqueued", "claimed", "begun", "waiting", "claimed", "begun", "completed"]
    assert rig.events(id_) == life
    assert rig.row(id_)["retry_count"] == 0
    assert rig.audit().effects == 1


def test_nobody_types_where_a_service_types_on(database: Database, tmp_path: Path) -> None:
    scenario = {"services": FORGETFUL}
    with (
        SimulatorProcess(scenario=scenario, latency_ms=5, one_safari=True) as simulator,
        Rig(database, simulator, tmp_path) as rig,
    ):
        host = rig.host(SAFARI_TURNS="1", SAFARI_ACTION_TIMEOUT_SECONDS="4")
        worker = host.start()
        # It answers 504 and types on; the other one types on when its client is killed.
        rig.play(
            {
                "service": "threads-comments",
                "behaviour": "gateway_timeout_then_post",
                "seconds": 0.1,
                "type_on_seconds": 1.0,
                "times": 1,
            },
            {"service": "twitter-dm", "behaviour": "slow", "seconds": 3.0, "times": 1},
        )
        timed_out = rig.enqueue(command_for("threads-comments"))[0]
        rig.simulator.wait_for(used=1)
        rig.enqueue(*map(command_for, SENDERS))
        rig.simulator.wait_for(used=2)
        worker.kill()
        host.start()
        rig.settle()
        assert rig.row(timed_out)["reason"] == "unknown"
        tally = rig.audit()
        assert (tally.unknown, tally.effects) == (2, len(SENDERS) + 1)
