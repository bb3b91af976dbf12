"""From a due contact to their reply: a worker, the services, and the brain that the worker runs."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pykka
import pytest

from actors.worker.process import Worker, take_ports
from actp.domains.outreach.queueing import build_queue
from actp.domains.outreach.sending import send
from tests.actors.house import DEADLINE_SECONDS, STOP_SECONDS
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for
from tests.domains.people import People
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from actp.domains.tools import Tools
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools
    from tests.support.databases import Database

SYNC_SECONDS = 60.0
# A window that is open already lies just behind.
MOMENT = timedelta(seconds=1)


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def tools(
    open_tools: OpenTools, database: Database, simulator: SimulatorProcess, tmp_path: Path
) -> Tools:
    """The tools, in an environment that the worker hands on to the brain it starts."""
    return open_tools(**environment_for(database, simulator, tmp_path, SAFARI_TURNS="1"))


@contextmanager
def working(tools: Tools, *services: str) -> Iterator[None]:
    worker = Worker(tools.settings, tools.store, take_ports(tools.settings, services))
    worker.start()
    try:
        yield
    finally:
        worker.stop()
        worker.wait(DEADLINE_SECONDS)
        worker.close()
        pykka.ActorRegistry.stop_all(timeout=STOP_SECONDS)


def read_inboxes(tools: Tools, people: People) -> None:
    """Have the worker sync, and wait until it has."""
    (made,) = tools.store.call("safari_enqueue", commands=[{"action": "sync", "params": {}}])

    def command() -> dict[str, object]:
        (row,) = people.rows("select * from safari_command_queue where id = %s", made["id"])
        return row

    ended = ("completed", "failed")
    eventually(lambda: command()["status"] in ended, "the sync has ended", SYNC_SECONDS)
    result = command()["result"]
    assert isinstance(result, dict)
    assert result["success"], result
    assert result["read"] == ["instagram", "linkedin", "tiktok", "twitter"]


@pytest.mark.usefixtures("moving_clock")
def test_a_reply_ends_what_a_message_began(
    tools: Tools, people: People, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    campaigns = Campaigns(tools.store, admin)
    ada = people.add("ada", display_name="Ada L", niche_label="ai_automation")
    assert build_queue(tools)["queued"] == 1
    (message,) = people.messages(ada)
    campaigns.clock.advance_to(max(message["scheduled_for"], campaigns.clock.now() + MOMENT))

    with working(tools, "twitter-dm", "local"):
        assert send(tools)["handed"] == 1
        eventually(lambda: people.state(message["id"])[0] == "sent", "it is sent")
        assert send(tools)["handed"] == 0
        assert build_queue(tools)["held"] == {"cooldown": 1}
        (noted,) = people.rows("select type, direction, contact_id::text from crm_interactions")
        assert tuple(noted.values()) == ("dm", "outbound", ada)
        (score,) = people.rows(
            "select next_touch_at - c.last_outbound_at = interval '2 days' as is_in_two_days"
            " from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id"
        )
        assert score["is_in_two_days"]

        campaign = campaigns.create("dm_sequence", "ada")
        follow_up = people.queue(ada, scheduled_for="2099-01-01")
        read_inboxes(tools, people)
        assert campaigns.states(campaign) == ["warmup"]
        assert people.state(follow_up) == ("pending", None)

        simulator.receive("twitter-dm", "ada", "Sounds good, tell me more", dated=False)
        read_inboxes(tools, people)

    assert campaigns.states(campaign) == ["replied"]
    assert {row["status"] for row in campaigns.rows(campaign)} == {"cancelled"}
    assert people.state(follow_up) == ("failed", "replied")
    said = people.rows("select direction, body from crm_messages order by direction")
    assert [tuple(row.values()) for row in said] == [
        ("inbound", "Sounds good, tell me more"),
        ("outbound", message["message_body"]),
    ]
    assert [effect["text"] for effect in simulator.effects()] == [message["message_body"]]
