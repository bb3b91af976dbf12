"""A database that was there before us, with rows that an older controller left."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from actp.store.migrate import migrate
from tests.chaos.commands import RESEARCH, command_for
from tests.chaos.rig import Rig
from tests.chaos.waiting import eventually
from tests.chaos.workers import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path
    from typing import LiteralString

    from simulator.process import SimulatorProcess
    from tests.chaos.commands import Command
    from tests.support.databases import Database

CLI_SECONDS = 90
OLD_TABLE: LiteralString = """
create table safari_command_queue (
  id uuid primary key default gen_random_uuid(),
  action text not null,
  platform text,
  params jsonb default '{}',
  priority integer default 5,
  status text default 'pending',
  result text,
  error text,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
)
"""


def _insert(rig: Rig, command: Command, **columns: Any) -> str:
    """Put in a row as an older controller did, past all our functions."""
    values = {**command, "params": Jsonb(command["params"]), **columns}
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    row = rig.connection.execute(
        f"insert into safari_command_queue ({names}) values ({marks}) returning id::text".encode(),  # noqa: S608
        values,
    ).fetchone()
    assert row is not None
    return str(row["id"])


def _age(rig: Rig, id_: str) -> None:
    rig.connection.execute(
        "update safari_command_queue set started_at = now() - interval '1 hour' where id = %s",
        (id_,),
    )


def test_what_an_older_controller_was_sending_is_never_sent_again(rig: Rig) -> None:
    message = _insert(rig, command_for("twitter-dm"), status="running")
    research = _insert(rig, command_for(RESEARCH), status="running")
    rig.host().start()
    other = rig.enqueue(command_for("twitter-dm"))[0]
    rig.wait_for_status(other, "completed")
    assert {rig.row(id_)["status"] for id_ in (message, research)} == {"running"}
    _age(rig, message)
    _age(rig, research)
    rig.settle()
    assert rig.row(message)["reason"] == "unknown"
    assert rig.row(research)["status"] == "completed"
    assert rig.audit().effects == 1


@pytest.mark.parametrize("verdict", ["accept", "discard"])
def test_an_old_backlog_waits_for_a_person(
    unmigrated: Database,
    simulator: SimulatorProcess,
    tmp_path: Path,
    verdict: str,
) -> None:
    with Rig(unmigrated, simulator, tmp_path) as rig:
        rig.connection.execute(OLD_TABLE)
        long_ago = rig.connection.execute("select now() - interval '2 days' as at").fetchone()
        assert long_ago is not None
        messages = [
            _insert(rig, command_for("twitter-dm"), created_at=long_ago["at"]) for _ in range(3)
        ]
        research = _insert(rig, command_for(RESEARCH), created_at=long_ago["at"])
        young = _insert(rig, command_for("twitter-dm"))
        migrate(unmigrated.dsn)
        host = rig.host()
        host.start()
        for id_ in (research, young):
            rig.wait_for_status(id_, "completed")
        rig.settle()
        assert rig.audit().waiting == len(messages)
        subprocess.run(
            [str(REPOSITORY / "bin" / "queue"), verdict],
            env=host.environment,
            check=True,
            timeout=CLI_SECONDS,
            capture_output=True,
        )
        ended = "completed" if verdict == "accept" else "cancelled"
        for id_ in messages:
            rig.wait_for_status(id_, ended)
        eventually(lambda: rig.count("pending") == 0, "nothing waits")
        assert rig.audit().effects == (4 if verdict == "accept" else 1)


def test_an_unknown_of_an_older_controller_is_not_sent_by_a_raw_edit(rig: Rig) -> None:
    id_ = _insert(rig, command_for("twitter-dm"), status="running")
    _age(rig, id_)
    rig.host().start()
    rig.wait_for_status(id_, "failed")
    rig.connection.execute(
        "update safari_command_queue set status = 'pending' where id = %s", (id_,)
    )
    rig.database.store.call("safari_wake")
    rig.settle()
    assert rig.row(id_)["reason"] == "unknown"
    assert not rig.simulator.world()
