"""People and tools that set `status` by hand, at every stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.chaos.audit import Allowances
from tests.chaos.commands import command_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.rig import Rig

EDITED = Allowances(edited=True)
SERVICE = "twitter-dm"
HELD = {"service": SERVICE, "behaviour": "held", "times": 1}
SILENT = {"service": SERVICE, "behaviour": "hang_then_post", "seconds": 0.1, "times": 1}
DROPPED = {"service": SERVICE, "behaviour": "drop_after_effect", "times": 1}


@dataclass(frozen=True, slots=True)
class Stage:
    """When the edit comes, and what the row must be in the end.

    ``action_seconds``: how long an answer is waited for, and Safari left alone where none came.
    """

    name: str
    reach: Callable[[Rig, str], object]
    status: str
    reason: str | None = None
    action_seconds: float = 30.0
    rule: dict[str, object] | None = None


def _sent(rig: Rig, id_: str) -> object:
    return rig.wait_for_status(id_, "completed")


def _in_flight(rig: Rig, id_: str) -> object:
    rig.simulator.wait_for(used=1)
    return rig.row(id_)["status"] == "running"


def _unknown(rig: Rig, id_: str) -> object:
    return rig.wait_for_status(id_, "failed")


STAGES = (
    Stage("sent", _sent, "completed"),
    Stage("in_flight", _in_flight, "completed", rule=HELD),
    Stage("in_flight_to_be_unknown", _in_flight, "failed", "unknown", 0.7, rule=SILENT),
    Stage("unknown", _unknown, "failed", "unknown", 0.7, rule=DROPPED),
)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_what_may_have_gone_is_not_sent_again_by_an_edit(rig: Rig, stage: Stage) -> None:
    rig.host(SAFARI_ACTION_TIMEOUT_SECONDS=str(stage.action_seconds)).start()
    rig.play(*([stage.rule] if stage.rule else []))
    id_ = rig.enqueue(command_for(SERVICE))[0]
    stage.reach(rig, id_)
    _set(rig, id_, "pending")
    rig.simulator.release()
    rig.settle()
    row = rig.row(id_)
    assert (row["status"], row["reason"], row["attempt"]) == (stage.status, stage.reason, 1)
    assert rig.audit(EDITED).effects == 1


@pytest.mark.parametrize("status", ["failed", "cancelled", "completed"])
def test_an_edit_in_flight_does_not_hide_what_was_sent(rig: Rig, status: str) -> None:
    rig.host(SAFARI_ACTION_TIMEOUT_SECONDS="30").start()
    rig.play(HELD)
    id_ = rig.enqueue(command_for(SERVICE))[0]
    rig.simulator.wait_for(used=1)
    _set(rig, id_, status)
    rig.simulator.release()
    rig.wait_for_event(id_, "completed")
    rig.settle()
    row = rig.row(id_)
    assert (row["status"], row["reason"]) == ("completed", None)
    assert row["result"]["outcome"] == "sent"
    assert rig.audit(EDITED).effects == 1


def test_a_claimed_row_that_is_set_pending_is_sent_once(rig: Rig) -> None:
    rig.host().start()
    with rig.gate("begun") as gate:
        first, second = rig.enqueue(command_for(SERVICE), command_for(SERVICE))
        gate.wait_until_reached()
        eventually(lambda: rig.row(second)["status"] == "pending", "only one is worked on")
        gate.break_off()
        _set(rig, first, "pending")
        rig.settle()
    assert rig.audit(EDITED).effects == 2


def _set(rig: Rig, id_: str, status: str) -> None:
    rig.connection.execute(
        "update safari_command_queue set status = %s where id = %s", (status, id_)
    )
    rig.database.store.call("safari_wake")
