"""A database that is set back to an earlier moment under load."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.chaos.commands import command_for
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

SERVICE = "twitter-dm"
COMMANDS = 40
TABLES = (
    "safari_command_queue",
    "safari_command_attempts",
    "safari_command_events",
    "safari_idempotency_keys",
    "safari_rate_limits",
    "safari_workers",
    "safari_alerts",
)
SLOW = {"service": SERVICE, "behaviour": "slow", "seconds": 0.05}
# However long the copy takes, some are sent before it and some after.
HELD_ONCE = ({**SLOW, "times": 15}, {"service": SERVICE, "behaviour": "held", "times": 1}, SLOW)


def keep(rig: Rig) -> None:
    """Copy every table of the queue, at one moment."""
    copies = ";".join(f"create table kept_{name} as table {name}" for name in TABLES)
    rig.connection.execute(f"begin; {copies}; commit".encode())


def put_back(rig: Rig) -> None:
    """Set every table of the queue back to that moment, under the feet of the workers."""
    steps = (
        "begin",
        f"lock table {', '.join(TABLES)}",
        *(f"alter table {name} disable trigger user" for name in TABLES),
        # What refers to them would be empty in the copy too.
        *(f"truncate {name} cascade" for name in TABLES),
        *(f"insert into {name} overriding system value table kept_{name}" for name in TABLES),
        *(f"alter table {name} enable trigger user" for name in TABLES),
        "commit",
    )
    rig.connection.execute(";".join(steps).encode())


def test_nothing_is_sent_again_after_a_restore_under_load(rig: Rig) -> None:
    rig.play(*HELD_ONCE)
    rig.host().start()
    rig.enqueue(*(command_for(SERVICE) for _ in range(COMMANDS)))
    eventually(lambda: len(rig.simulator.world()) >= 5, "some are sent")
    keep(rig)
    rig.simulator.release()
    eventually(lambda: len(rig.simulator.world()) >= 20, "more are sent")
    put_back(rig)
    eventually(
        lambda: (
            not rig.connection.execute(
                "select from safari_command_queue where status = 'running'"
                " or (status = 'pending' and hold is null)"
            ).fetchall()
        ),
        "the queue settles",
    )
    sent = Counter(line["recipient"] for line in rig.simulator.world())
    assert len(sent) >= 20
    assert set(sent.values()) == {1}, sent
    alerts = rig.connection.execute("select kind from safari_alerts").fetchall()
    assert "database_restored" in {row["kind"] for row in alerts}


def test_a_worker_that_starts_on_a_restored_database_sends_nothing_twice(rig: Rig) -> None:
    rig.play()
    ids = rig.enqueue(*(command_for(SERVICE) for _ in range(3)))
    keep(rig)
    host = rig.host()
    host.start()
    for id_ in ids:
        rig.wait_for_status(id_, "completed")
    host.close()
    put_back(rig)
    host.start()
    eventually(
        lambda: all(rig.row(id_)["hold"] or rig.row(id_)["reason"] == "unknown" for id_ in ids),
        "each is held, or unknown",
    )
    # A command that was found to be forgotten is unknown at once; the next beat tells of it.
    alert = "select from safari_alerts where kind = 'database_restored'"
    eventually(lambda: rig.connection.execute(alert).fetchall(), "the restore is alerted")
    assert len(rig.simulator.world()) == 3
