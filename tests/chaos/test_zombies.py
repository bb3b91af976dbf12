"""A worker is frozen, rescued by another host, and wakes: its late writes change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.commands import command_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

SERVICE = "instagram-dm"
# The answer of a frozen worker must not be too late for its own clock when it wakes.
PATIENT = {"SAFARI_ACTION_TIMEOUT_SECONDS": "60"}


def test_worker_frozen_before_begin_sends_nothing(rig: Rig) -> None:
    zombie = rig.host("zombie", **PATIENT).start()
    with rig.gate("claimed") as gate:
        id_ = rig.enqueue(command_for(SERVICE))[0]
        gate.wait_until_reached()
        zombie.freeze()
        gate.open()
        rig.wait_for_status(id_, "running")
        rig.host("rescuer", **PATIENT).start()
        rig.wait_for_status(id_, "completed")
    before = rig.row(id_)
    zombie.thaw()
    eventually(lambda: "lease_lost" in zombie.log, "the zombie has noticed")
    _let_it_work(rig)
    assert rig.row(id_) == before
    assert rig.events(id_) == ["enqueued", "claimed", "rescued", "claimed", "begun", "completed"]
    assert rig.audit().twice == 0


def test_a_worker_frozen_in_flight_tells_the_truth_of_its_own_attempt(rig: Rig) -> None:
    zombie = rig.host("zombie", **PATIENT).start()
    rig.play({"service": SERVICE, "behaviour": "held", "times": 1})
    id_ = rig.enqueue(command_for(SERVICE))[0]
    rig.simulator.wait_for(used=1)
    zombie.freeze()
    rig.simulator.release()
    rig.host("rescuer", **PATIENT).start()
    rig.wait_for_status(id_, "failed")
    assert rig.row(id_)["reason"] == "unknown"
    zombie.thaw()
    rig.wait_for_status(id_, "completed")
    _let_it_work(rig)
    assert rig.events(id_) == ["enqueued", "claimed", "begun", "unknown", "completed"]
    assert rig.audit().twice == 0


def test_a_zombie_does_not_touch_what_a_person_has_settled(rig: Rig) -> None:
    zombie = rig.host("zombie", **PATIENT).start()
    rig.play({"service": SERVICE, "behaviour": "drop_before_effect", "times": 1})
    with rig.gate("unknown") as gate:
        id_ = rig.enqueue(command_for(SERVICE))[0]
        gate.wait_until_reached()
        zombie.freeze()
        gate.break_off()
        rig.host("rescuer", **PATIENT).start()
        rig.wait_for_status(id_, "failed")
        rig.database.store.call("safari_resolve", id=id_, verdict="not-sent")
        rig.database.store.call("safari_retry", id=id_)
        rig.wait_for_status(id_, "completed")
        before = rig.row(id_)
        zombie.thaw()
        eventually(lambda: "lease_lost" in zombie.log, "the zombie has noticed")
    assert rig.row(id_) == before
    assert rig.audit().twice == 0


def _let_it_work(rig: Rig) -> None:
    """Give both hosts something else to do, so that whatever was late has happened."""
    later = rig.enqueue(*(command_for(SERVICE) for _ in range(6)))
    for id_ in later:
        rig.wait_for_status(id_, "completed")
    rig.settle()
