"""Campaigns carried by real actors against the simulator: posts found, steps followed by steps."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pykka
import pytest

from actors.runtime.messages import Drained, Stop, Wake
from actors.sentinel.campaigns import CAMPAIGNS, LOOK_SECONDS, CampaignActor
from actors.worker.process import Worker, take_ports
from actp.errors import StoreUnavailable
from tests.actors.house import DEADLINE_SECONDS, STOP_SECONDS, House
from tests.actors.latch import LatchedStore
from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for, settings_for
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[3]
PLATFORMS = ("instagram", "threads", "tiktok", "twitter")


@pytest.fixture
def campaigns(database: Database) -> Iterator[Campaigns]:
    with database.connect() as admin:
        yield Campaigns(database.store, admin)


@pytest.fixture
def settings(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    return settings_for(database, simulator, tmp_path, SAFARI_TURNS="1")


def campaigner(house: House, store: object, look_seconds: float = LOOK_SECONDS) -> None:
    start = partial(CampaignActor.start, house.context, store=store, look_seconds=look_seconds)
    house.move_in(CAMPAIGNS, start())


@contextmanager
def working(settings: Settings, campaigns: Campaigns, *services: str) -> Iterator[None]:
    worker = Worker(settings, campaigns.store, take_ports(settings, services))
    worker.start()
    try:
        yield
    finally:
        worker.stop()
        worker.wait(DEADLINE_SECONDS)
        worker.close()
        pykka.ActorRegistry.stop_all(timeout=STOP_SECONDS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_three_comments_go_to_the_three_newest_posts(
    platform: str, settings: Settings, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    id_ = campaigns.create("comment_warmup", "ada", platform=platform, spacing_seconds=0)
    house = House()
    with ExitStack() as stack:
        stack.callback(house.close)
        stack.enter_context(working(settings, campaigns, f"{platform}-comments"))
        campaigner(house, campaigns.store)
        eventually(lambda: campaigns.run(id_)["status"] == "completed", "all are done")
    comments = [(e["recipient"], e["text"]) for e in simulator.effects()]
    assert len({post for post, _ in comments}) == 3
    assert all("ada" in post for post, _ in comments)
    assert [text for _, text in comments] == [f"comment_{n} for ada" for n in (1, 2, 3)]


def test_without_posts_the_target_fails_and_nothing_is_written(
    settings: Settings, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    simulator.play({"services": {"twitter-comments": {"posts": []}}})
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    house = House()
    with ExitStack() as stack:
        stack.callback(house.close)
        stack.enter_context(working(settings, campaigns, "twitter-comments"))
        campaigner(house, campaigns.store)
        eventually(lambda: campaigns.run(id_)["status"] == "failed", "it has failed")
    assert simulator.effects() == []
    assert [row["reason"] for row in campaigns.rows(id_)] == [
        "no_posts",
        "campaign_ended",
        "campaign_ended",
    ]
    used = campaigns.admin.execute("select sum(used) from safari_rate_limits").fetchone()
    assert used == (0,)


def test_a_timeline_that_fails_once_is_looked_at_again(
    settings: Settings, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    rule = {"service": "twitter-comments", "behaviour": "server_error", "action": "timeline"}
    simulator.play({"rules": [{**rule, "times": 1}]})
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    with working(settings, campaigns, "twitter-comments"):
        eventually(lambda: len(simulator.effects()) == 3, "all are sent")
    (first, *_) = campaigns.rows(id_)
    assert campaigns.attempts(first["id"])[0][0] == "not_sent"


def test_campaigns_go_on_when_the_database_is_back(campaigns: Campaigns) -> None:
    house, store = House(), LatchedStore(campaigns.store)
    store.break_with(StoreUnavailable("gone"))
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigner(house, store)
    house.settle(CAMPAIGNS)
    store.mend()
    eventually(lambda: campaigns.run(id_)["status"] == "completed", "it has ended")
    house.close()


def test_a_request_to_stop_ends_every_campaign_to_the_person(campaigns: Campaigns) -> None:
    ids = [
        campaigns.create("comment_warmup", "ada"),
        campaigns.create("dm_sequence", "ada_ig", platform="instagram"),
    ]
    campaigns.admin.execute(
        "insert into crm_contacts (platform, username, email) values"
        " ('twitter', 'ada', 'ada@kiln.example'), ('instagram', 'ada_ig', 'ada@kiln.example')"
    )
    house = House()
    campaigner(house, campaigns.store)
    house.settle(CAMPAIGNS)
    campaigns.admin.execute(
        "insert into crm_interactions (contact_id, type, summary)"
        " select id, 'dm_reply', 'Please stop writing to me' from crm_contacts limit 1"
    )
    house.tell(CAMPAIGNS, Wake())
    eventually(lambda: [campaigns.states(id_) for id_ in ids] == [["replied"]] * 2, "all end")
    listed = "select count(*) from safari_do_not_contact where recipient in ('ada', 'ada_ig')"
    eventually(lambda: campaigns.admin.execute(listed).fetchone() == (2,), "they are listed")
    house.close()


@pytest.mark.usefixtures("moving_clock")
def test_two_campaigners_decide_once(campaigns: Campaigns) -> None:
    ids = [campaigns.create("dm_sequence", f"ada{n}", spacing_seconds=0) for n in range(8)]
    campaigns.send_all()
    campaigns.move()
    campaigns.pass_hours(24.1)
    houses = [House(), House()]
    for house in houses:
        campaigner(house, campaigns.store)
    eventually(lambda: all(len(campaigns.rows(id_)) == 4 for id_ in ids), "all go on")
    for house in houses:
        house.close()


def test_next_look_is_returned_only_while_a_target_waits(
    campaigns: Campaigns,
) -> None:
    assert campaigns.store.call("safari_campaign_due")["next_due_seconds"] is None
    campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    assert campaigns.store.call("safari_campaign_due")["next_due_seconds"] > 60


def test_without_a_living_campaign_it_asks_seldom(
    campaigns: Campaigns,
) -> None:
    store = LatchedStore(campaigns.store)
    house = House()
    campaigner(house, store, look_seconds=0.01)
    store.await_answers("safari_campaign_due", 1)
    house.settle(CAMPAIGNS)
    house.tell(CAMPAIGNS, Wake(frozenset({"twitter-dm"})))
    house.settle(CAMPAIGNS)
    assert len(store.calls("safari_campaign_due")) == 1
    campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    house.tell(CAMPAIGNS, Wake())
    store.await_answers("safari_campaign_due", 4)
    house.close()


def test_it_stops_when_told(campaigns: Campaigns) -> None:
    house = House()
    campaigner(house, campaigns.store)
    house.tell(CAMPAIGNS, Wake(), Stop())
    house.supervisor.take(Drained)
    house.close()


def test_the_process_moves_campaigns_and_ends_when_told(
    campaigns: Campaigns, simulator: SimulatorProcess, database: Database, tmp_path: Path
) -> None:
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    campaigns.send_all()
    environment = {"PATH": os.environ["PATH"], **environment_for(database, simulator, tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "actors.sentinel"], cwd=ROOT, env=environment)
    try:
        eventually(lambda: campaigns.run(id_)["status"] == "completed", "it has ended")
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)
