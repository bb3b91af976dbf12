"""Tasks of publishing that somebody else wrote: one that cannot be worked on ends, alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import SchemaMissing, StoreRefused
from tests.domains.posts import Publishers, add, alerts, ended, seen, work_off

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.errors import ActpError
    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools


@pytest.mark.parametrize(
    "odd",
    [
        "lease_number = 9223372036854775807",
        "lease_number = -1",
        "input_data = (repeat('[', 3000) || repeat(']', 3000))::jsonb",
        "input_data = jsonb_build_object('n', repeat('1', 5000)::numeric)",
    ],
)
def test_a_task_that_cannot_be_worked_on_ends_alone_and_is_told(  # noqa: PLR0913, PLR0917  its parts
    open_tools: OpenTools,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    store: Store,
    tmp_path: Path,
    odd: str,
) -> None:
    blotato = f"{simulator.url('blotato')}/v2"
    tools = open_tools(BLOTATO_API_KEY="test-only", BLOTATO_API_URL=blotato)
    bad = add(admin, "twitter")
    admin.execute(f"update actp_workflow_tasks set {odd}".encode())  # noqa: S608  ours
    good = add(admin, "twitter")
    work_off(Publishers(tools.settings, store, tools.blotato, tmp_path)(), admin)
    assert (ended(admin, bad)[0], ended(admin, good)[0]) == ("failed", "succeeded")
    assert seen(simulator) == ["twitter"]
    (told,) = alerts(admin, "publish_failed")
    assert told["error"] == ended(admin, bad)[2]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("alter table actp_workflow_tasks rename next_at to another", StoreRefused),
        ("drop function agent_publish_is_stale(actp_workflow_tasks)", SchemaMissing),
    ],
)
def test_a_claim_that_the_database_refuses_is_alerted_once_a_day(  # noqa: PLR0913, PLR0917  its parts
    open_tools: OpenTools,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    store: Store,
    tmp_path: Path,
    broken: str,
    error: type[ActpError],
) -> None:
    blotato = f"{simulator.url('blotato')}/v2"
    tools = open_tools(BLOTATO_API_KEY="test-only", BLOTATO_API_URL=blotato)
    publisher = Publishers(tools.settings, store, tools.blotato, tmp_path)()
    add(admin, "twitter")
    admin.execute(broken.encode())
    for _ in range(3):
        with pytest.raises(error):
            publisher.work(lambda: False)
    (alert,) = alerts(admin, "claims_refused")
    assert alert["error"].startswith("posts: ")
