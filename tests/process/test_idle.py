"""An idle tree over Supabase asks for little: each request is counted and paid for."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest

from simulator.process import free_port_base
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.live_tree import nothing_left
from tests.process.test_tree import command
from tests.support.phone import CHAT
from tests.support.servers import short_folder
from tests.support.supabase import supabase_project

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess
    from tests.support.databases import Databases

TOKEN = "123456:test"  # noqa: S105  # of a simulated bot
LEASE_SECONDS = 30
START_SECONDS = 80.0
# From the second beat, when the tree has settled, to the fifth.
BEATS_TO_SETTLE = 2
BEATS_WATCHED = 3
WATCH_SECONDS = 90.0
MOST_REQUESTS_AN_HOUR = 900
# What may be asked for in three beats of ten seconds; nothing else is asked for at all.
MOST_CALLS = {
    "safari_beat": BEATS_WATCHED + 1,
    "safari_claim": 2,
    "safari_campaign_due": 2,
    "safari_schedule_taken": 2,
    "safari_check_services": 2,
    "safari_all_well": 1,
}


@pytest.mark.timeout(300)
def test_an_idle_tree_asks_little_of_a_hosted_database(
    postgres15_databases: Databases, simulator: SimulatorProcess
) -> None:
    with short_folder() as folder, supabase_project(postgres15_databases) as (database, gateway):
        environment = environment_for(
            database,
            simulator,
            folder,
            SAFARI_LEASE_SECONDS=str(LEASE_SECONDS),
            METRICS_PORT_BASE=str(free_port_base()),
            TELEGRAM_API_URL=simulator.url("telegram"),
            TELEGRAM_BOT_TOKEN=TOKEN,
            TELEGRAM_CHAT_ID=CHAT,
            TELEGRAM_BUTTONS="true",
            RESULT_WEBHOOK_URL="http://127.0.0.1:9/results",
            RESULT_WEBHOOK_SECRET="s" * 32,
        )

        def beats() -> int:
            return gateway.traffic().requests["safari_beat"]

        with nothing_left(environment):
            command(environment, "up")
            eventually(lambda: beats() >= BEATS_TO_SETTLE, "it has settled", START_SECONDS)
            began, before = monotonic(), gateway.traffic()
            wanted = beats() + BEATS_WATCHED
            eventually(lambda: beats() >= wanted, "it beats", WATCH_SECONDS)
            traffic, seconds = gateway.traffic() - before, monotonic() - began
    asked = {name: count for name, count in traffic.requests.items() if count}
    jobs = {name for name in asked if name.startswith(("safari_schedule_", "agent_"))}
    steady = asked.keys() - (jobs - MOST_CALLS.keys())
    # A job of the schedule whose moment has come asks for its own things.
    due = asked.get("safari_schedule_begin", 0)
    too_often = {
        name: asked[name] for name in steady if asked[name] > MOST_CALLS.get(name, 0) + due
    }
    assert too_often == {}
    requests = sum(asked[name] for name in steady & MOST_CALLS.keys())
    assert requests / seconds * 3600 < MOST_REQUESTS_AN_HOUR, asked
