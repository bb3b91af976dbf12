"""SIGTERM in the middle of things."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from tests.chaos.commands import command_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

STOP_SECONDS = 2.0
# For the interpreter to end, on a machine that does other things too; what hangs does so longer.
MARGIN_SECONDS = 60.0


def test_a_stop_records_what_is_on_the_wire_and_hands_back_the_rest(rig: Rig) -> None:
    # One turn for all: the other services have claimed, and wait for Safari.
    worker = rig.host(
        SAFARI_TURNS="1", SAFARI_ACTION_TIMEOUT_SECONDS="30", STOP_SECONDS="30"
    ).start()
    rig.play({"service": "twitter-dm", "behaviour": "held", "times": 1})
    sent = rig.enqueue(command_for("twitter-dm"))[0]
    rig.simulator.wait_for(used=1)
    waiting = rig.enqueue(command_for("instagram-dm"), command_for("threads-comments"))
    for id_ in waiting:
        rig.wait_for_status(id_, "running")
    worker.ask_to_stop()
    for id_ in waiting:
        rig.wait_for_event(id_, "handed_back")
    rig.simulator.release()
    assert worker.end() == 0
    assert rig.row(sent)["status"] == "completed"
    for id_ in waiting:
        row = rig.row(id_)
        assert (row["status"], row["attempt"], row["retry_count"]) == ("pending", 0, 0)
        assert (row["crash_count"], row["boot_id"], row["lease_expires_at"]) == (0, None, None)
        assert rig.events(id_) == ["enqueued", "claimed", "handed_back"]
    rig.host("successor").start()
    rig.settle()
    assert rig.audit().completed == 3


def test_a_stop_does_not_wait_for_ever_for_a_service_that_hangs(rig: Rig) -> None:
    worker = rig.host(STOP_SECONDS=str(STOP_SECONDS), SAFARI_ACTION_TIMEOUT_SECONDS="60").start()
    rig.play({"service": "twitter-dm", "behaviour": "hang_then_post", "seconds": 0.0})
    id_ = rig.enqueue(command_for("twitter-dm"))[0]
    rig.simulator.wait_for(effects=1)
    began = monotonic()
    assert worker.terminate(STOP_SECONDS + MARGIN_SECONDS) == 0
    assert monotonic() - began >= STOP_SECONDS
    row = rig.row(id_)
    assert (row["status"], row["reason"]) == ("failed", "unknown")
    assert rig.audit().unknown == 1


def test_a_stop_without_a_database_spools_and_ends(rig: Rig) -> None:
    host = rig.host(STOP_SECONDS=str(STOP_SECONDS))
    worker = host.start()
    with rig.gate("completed") as gate:
        id_ = rig.enqueue(command_for("twitter-dm"))[0]
        gate.wait_until_reached()
        assert worker.terminate(STOP_SECONDS + MARGIN_SECONDS) == 0
        gate.break_off()
    assert host.spooled_bytes
    assert rig.row(id_)["status"] == "running"
    host.start()
    rig.wait_for_status(id_, "completed")
    eventually(lambda: not host.spooled_bytes, "the spool was replayed")
    assert rig.audit().completed == 1
