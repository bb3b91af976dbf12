"""A campaign through simulated weeks on a real database: waits, limits, hours, replies, counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import pytest
from psycopg.rows import class_row

from actp.campaigns.plan import COMMENT_STEPS, DM_STEPS
from tests.support.campaigns import Campaigns
from tests.support.databases import postgres_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.databases import Databases

TICK = timedelta(hours=2)
LONGEST = timedelta(days=40)
LIMITS = {"comment": 14, "dm": 5}
HOURS = range(9, 21)
WAITS = {"first_dm": 24, "follow_up": 72, "final_touch": 72}
STEPS = (*COMMENT_STEPS, *DM_STEPS)


@dataclass(frozen=True, slots=True)
class Reply:
    """A person writes so long after a step; one of our people has seen it, or the CRM knows it."""

    after: str
    hours: float
    seen_by: Literal["person", "crm"]


REPLIES = {
    "quick": Reply("comment_1", 0, "person"),
    "warm": Reply("comment_3", 4, "crm"),
    "direct": Reply("first_dm", 30, "crm"),
    "reminded": Reply("follow_up", 2, "person"),
    "late": Reply("final_touch", 48, "person"),
}
COLD = tuple(f"cold{number}" for number in range(5))
PEOPLE = (*REPLIES, *COLD)


@dataclass(frozen=True, slots=True)
class Sent:
    """One comment or message that went out."""

    handle: str
    step: str
    kind: str
    day: date
    begun_at: datetime
    completed_at: datetime


SENT = """
  select t.handle, q.params ->> 'campaign_step' as step, a.quota_kind as kind, a.quota_day as day,
         a.begun_at at time zone 'utc' as begun_at,
         q.completed_at at time zone 'utc' as completed_at
    from safari_command_attempts a
    join safari_command_queue q on q.id = a.command_id
    join safari_campaign_targets t on t.id::text = q.batch_id
   where a.outcome = 'sent' order by a.begun_at
"""


class World:
    """A worker, a campaigner, a CRM that is synced, and people who answer or do not."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.campaigns = campaigns
        self.clock = campaigns.clock
        self.replied_at: dict[str, datetime] = {}
        admin = campaigns.admin
        for kind, limit in LIMITS.items():
            admin.execute(
                "update safari_policies set daily_limit = %s, active_from = %s, active_to = %s,"
                " time_zone = 'UTC' where platform = 'twitter' and kind = %s",
                (limit, HOURS.start, HOURS.stop, kind),
            )
        for handle in PEOPLE:
            admin.execute(
                "insert into crm_contacts (platform, username, relationship_stage)"
                " values ('twitter', %s, 'contacted')",
                (handle,),
            )
        self.clock.advance_to(midnight_after(self.clock.now()))
        self.started_at = self.clock.now()
        self.id = campaigns.create("dm_sequence", *PEOPLE)

    def sent(self) -> list[Sent]:
        cursor = self.campaigns.admin.cursor(row_factory=class_row(Sent))
        return cursor.execute(SENT).fetchall()

    def live(self, until: Callable[[], bool]) -> None:
        """Let time pass in steps, at each of which everybody does what there is to do."""
        while not until():
            assert self.clock.now() - self.started_at < LONGEST, "it takes too long"
            self.clock.advance(TICK)
            self.campaigns.sync()
            self.campaigns.move()
            self.campaigns.send_all()
            self._answer()
            self.campaigns.move()

    def _answer(self) -> None:
        now = utc(self.clock.now())
        for one in self.sent():
            reply = REPLIES.get(one.handle)
            if reply is None or reply.after != one.step or one.handle in self.replied_at:
                continue
            if now < one.completed_at + timedelta(hours=reply.hours):
                continue
            self.replied_at[one.handle] = now
            if reply.seen_by == "person":
                self.campaigns.store.call("safari_campaign_replied", handle=one.handle)
            else:
                self.campaigns.admin.execute(
                    "update crm_contacts set last_inbound_at = moving_clock.now()"
                    " where username = %s",
                    (one.handle,),
                )


def utc(moment: datetime) -> datetime:
    """Return it as the database shows a time of UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def midnight_after(now: datetime) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def steps_up_to(step: str) -> list[str]:
    return list(STEPS[: STEPS.index(step) + 1])


@pytest.fixture(scope="module")
def world(moving_databases: Databases) -> Iterator[World]:
    """One world for the module, lived to its end."""
    with (
        postgres_database(moving_databases, "embedded") as database,
        database.connect() as admin,
    ):
        world = World(Campaigns(database.store, admin))
        world.live(until=lambda: len(world.replied_at) == len(REPLIES))
        world.live(until=lambda: world.campaigns.run(world.id)["status"] != "running")
        yield world


def test_everybody_stands_where_their_script_leads(world: World) -> None:
    targets = world.campaigns.show(world.id)["targets"]
    states = {target["handle"]: target["state"] for target in targets}
    assert states == dict.fromkeys(REPLIES, "replied") | dict.fromkeys(COLD, "cold")


def test_each_gets_the_steps_up_to_their_reply_in_order_and_each_once(world: World) -> None:
    got = {handle: [one.step for one in world.sent() if one.handle == handle] for handle in PEOPLE}
    expected = {handle: steps_up_to(reply.after) for handle, reply in REPLIES.items()}
    assert got == expected | {handle: list(STEPS) for handle in COLD}


def test_nobody_hears_from_us_after_a_reply(world: World) -> None:
    for one in world.sent():
        if one.handle in world.replied_at:
            assert one.begun_at < world.replied_at[one.handle], one


def test_the_waits_between_the_steps_are_kept(world: World) -> None:
    ended = {(one.handle, one.step): one.completed_at for one in world.sent()}
    for one in world.sent():
        if hours := WAITS.get(one.step):
            before = ended[one.handle, STEPS[STEPS.index(one.step) - 1]]
            assert one.begun_at - before >= timedelta(hours=hours), one


def test_no_day_exceeds_its_limit_and_counters_agree(world: World) -> None:
    sent = Counter((one.kind, one.day) for one in world.sent())
    assert all(count <= LIMITS[kind] for (kind, _), count in sent.items())
    assert {kind for (kind, _), count in sent.items() if count == LIMITS[kind]} == LIMITS.keys()
    rows = world.campaigns.admin.execute(
        "select action, limit_date, used from safari_rate_limits where used > 0"
    ).fetchall()
    assert {(kind, day): used for kind, day, used in rows} == sent
    assert all(one.day == one.begun_at.date() for one in world.sent())


def test_nothing_goes_out_outside_the_hours(world: World) -> None:
    assert {one.begun_at.hour for one in world.sent()} <= set(HOURS)
    assert world.clock.now() - world.started_at > timedelta(days=7)


def test_the_end_is_told_once_with_counts_that_add_up(world: World) -> None:
    run = world.campaigns.run(world.id)
    steps = sum(len(steps_up_to(reply.after)) for reply in REPLIES.values())
    steps += len(COLD) * len(STEPS)
    assert len(world.sent()) == steps
    assert (run["status"], run["completed"], run["failed"]) == ("completed", steps, 0)
    assert world.campaigns.alerts("campaign_complete") == [
        {
            "campaign_id": world.id,
            "campaign_type": "dm_sequence",
            "platform": "twitter",
            "targets": len(PEOPLE),
            "completed": len(PEOPLE),
            "failed": 0,
            "seconds": run["seconds"],
        }
    ]
    assert world.campaigns.alerts("campaign_held") == []


def test_the_crm_knows_who_went_cold(world: World) -> None:
    rows = world.campaigns.admin.execute(
        "select username from crm_contacts where relationship_stage = 'cold'"
    ).fetchall()
    assert {handle for (handle,) in rows} == {*COLD, "late"}
