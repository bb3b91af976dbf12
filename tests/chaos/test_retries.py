"""What waits for a moment comes back at that moment, not at the next look around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.commands import RESEARCH, command_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

# Far below the interval at which an idle worker looks without being called.
SOON_SECONDS = 10.0


def test_a_retry_on_a_quiet_queue_is_not_late(rig: Rig) -> None:
    rig.host().start()
    # A quick service asks for many rows at once, so that one alone does not look like the last.
    quick = rig.enqueue(*(command_for(RESEARCH) for _ in range(30)))
    rig.settle()
    rig.play({"service": RESEARCH, "behaviour": "server_error", "times": 1})
    id_ = rig.enqueue(command_for(RESEARCH))[0]
    rig.simulator.wait_for(used=1)
    eventually(lambda: rig.row(id_)["status"] == "completed", "it is tried again", SOON_SECONDS)
    assert rig.row(id_)["retry_count"] == 1
    assert rig.audit().completed == len(quick) + 1
