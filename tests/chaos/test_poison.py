"""A command that kills its worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.commands import RESEARCH, command_for

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

# The first death may have been a neighbour's doing; three more happen to it alone.
DEATHS = 4


def test_poisonous_command_is_quarantined_alone(rig: Rig) -> None:
    host = rig.host(SAFARI_ACTION_TIMEOUT_SECONDS="3")
    rig.play({"service": RESEARCH, "behaviour": "hang", "match": {"query": "*poison"}})
    poison = rig.enqueue(command_for(RESEARCH, unlike_all_others="poison", priority=1))[0]
    worker = host.start()
    rig.simulator.wait_for(used=1)
    others = rig.enqueue(
        *(command_for(service) for service in (RESEARCH, "twitter-dm", "threads-comments") * 4)
    )
    for death in range(2, DEATHS + 1):
        worker.kill()
        worker = host.start()
        rig.simulator.wait_for(used=death)
        assert _neighbours(rig, poison) == [], "it was not claimed alone"
    worker.kill()
    host.start()
    rig.settle()
    row = rig.row(poison)
    assert (row["status"], row["reason"], row["attempt"]) == ("failed", "poison", DEATHS)
    assert {rig.row(id_)["status"] for id_ in others} == {"completed"}
    assert rig.audit().failed == 1


def _neighbours(rig: Rig, poison: str) -> list[str]:
    rows = rig.connection.execute(
        "select id::text from safari_command_queue where status = 'running' and id <> %s", (poison,)
    )
    return [row["id"] for row in rows]
