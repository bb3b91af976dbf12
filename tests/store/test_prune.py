"""What is removed of campaigns and of the schedule once it is past its age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

OLD = "now() - interval '91 days'"
AGED = (
    f"update safari_campaign_events set at = {OLD}, handled_at = {OLD} where handled_at < now()",  # noqa: S608
    f"update safari_campaign_targets set updated_at = {OLD}",  # noqa: S608
    f"update safari_campaign_runs set completed_at = {OLD} where completed_at < now()",  # noqa: S608
    f"update safari_command_queue set completed_at = {OLD} where completed_at < now()",  # noqa: S608
)


@pytest.fixture
def campaigns(store: Store, admin: psycopg.Connection) -> Campaigns:
    return Campaigns(store, admin)


def ended(campaigns: Campaigns, *handles: str) -> str:
    id_ = campaigns.create("comment_warmup", *handles, spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    assert campaigns.run(id_)["status"] == "completed"
    return id_


def age(campaigns: Campaigns) -> None:
    """Let everything that has ended have done so long ago."""
    for statement in AGED:
        campaigns.admin.execute(statement.encode())


def left(campaigns: Campaigns, table: str) -> list[str]:
    sources = {
        "runs": "select campaign_id from safari_campaign_runs",
        "targets": "select campaign_id from safari_campaign_targets",
        "events": "select t.campaign_id from safari_campaign_events e"
        " left join safari_campaign_targets t on t.id = e.target_id",
    }
    return [id_ for (id_,) in campaigns.admin.execute(sources[table].encode())]


def test_a_campaign_goes_with_its_targets_and_events_and_others_stay(campaigns: Campaigns) -> None:
    ended(campaigns, "ada")
    age(campaigns)
    fresh = ended(campaigns, "grace")
    running = campaigns.create("dm_sequence", "mary")
    # Not ours: nobody created it through safari_campaign_create.
    campaigns.admin.execute(
        "insert into safari_campaign_runs (campaign_id, status, completed_at)"
        " values ('foreign', 'completed', now() - interval '91 days')"
    )
    campaigns.store.call("safari_prune")
    counts = campaigns.store.call("safari_campaign_prune")
    assert counts == {"campaign_events": 3, "campaign_targets": 1, "campaigns": 1}
    assert sorted(left(campaigns, "runs")) == sorted([fresh, running, "foreign"])
    assert sorted(left(campaigns, "targets")) == sorted([fresh, running])
    assert set(left(campaigns, "events")) == {fresh}


def test_a_target_stays_while_a_command_of_its_own_could_be_sent_again(
    campaigns: Campaigns,
) -> None:
    id_ = ended(campaigns, "ada")
    age(campaigns)
    counts = campaigns.store.call("safari_campaign_prune")
    assert (counts["campaign_targets"], counts["campaigns"]) == (0, 0)
    assert left(campaigns, "targets") == [id_]


def test_an_old_campaign_that_is_under_way_loses_no_target(campaigns: Campaigns) -> None:
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    age(campaigns)
    campaigns.store.call("safari_prune")
    counts = campaigns.store.call("safari_campaign_prune")
    assert (counts["campaign_targets"], counts["campaigns"]) == (0, 0)
    assert left(campaigns, "targets") == left(campaigns, "runs") == [id_]


def test_a_campaign_is_removed_in_batches(campaigns: Campaigns) -> None:
    ended(campaigns, "ada", "grace")
    age(campaigns)
    campaigns.store.call("safari_prune")
    rounds = [campaigns.store.call("safari_campaign_prune", batch=1) for _ in range(8)]
    assert [count["campaign_events"] for count in rounds] == [1] * 6 + [0] * 2
    assert [sum(count[name] for count in rounds) for name in ("campaign_targets", "campaigns")] == [
        *(2, 1)
    ]
    assert left(campaigns, "runs") == []


def test_slots_of_the_schedule_are_removed_in_batches(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into safari_schedule_runs (job, slot, run, host)"
        " select 'job', now() - make_interval(days => d), gen_random_uuid(), 'here'"
        " from unnest(array[1, 89, 91, 92, 93]) d"
    )
    removed = [store.call("safari_schedule_prune", batch=2)["schedule_runs"] for _ in range(3)]
    assert removed == [2, 1, 0]
    assert admin.execute("select count(*) from safari_schedule_runs").fetchall() == [(2,)]
