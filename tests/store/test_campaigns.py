"""Campaigns in the database: created whole, moved on by decisions, told what happened to steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.campaigns.plan import COMMENT_STEPS
from actp.errors import InvalidInput, NotFound, WrongState
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


@pytest.fixture
def campaigns(store: Store, admin: psycopg.Connection) -> Campaigns:
    return Campaigns(store, admin)


def test_a_warmup_is_three_comments_for_each_handle_at_once(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", "grace")
    rows = campaigns.rows(id_)
    assert [row["step"] for row in rows] == [*COMMENT_STEPS, *COMMENT_STEPS]
    assert {row["action"] for row in rows} == {"comment"}
    assert [row["hold"] for row in rows] == [None, "campaign", "campaign"] * 2
    times = [row["scheduled_for"] for row in rows[:3]]
    assert times[0] is None
    assert times[1] < times[2]


def test_the_same_id_again_creates_nothing(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada")
    campaigns.create("comment_warmup", "ada", "grace", campaign_id=id_)
    assert len(campaigns.rows(id_)) == 3


def test_a_comment_lets_the_next_one_go_and_tells_it_the_post(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    post = "https://x.com/ada/status/1"
    campaigns.send_next(recipient=post)
    second = campaigns.rows(id_)[1]
    assert second["hold"] is None
    assert second["params"]["exclude"] == ["https://x.com/i/status/1"]
    assert campaigns.rows(id_)[2]["hold"] == "campaign"


@pytest.mark.usefixtures("moving_clock")
def test_a_whole_sequence_in_a_simulated_week(campaigns: Campaigns) -> None:
    id_ = campaigns.create("dm_sequence", "ada", "grace", spacing_seconds=0)
    states = []
    for _ in range(3):
        campaigns.send_all()
        campaigns.move()
        states.append(campaigns.states(id_))
        campaigns.pass_hours(72.1)
        campaigns.move()
    assert states == [["warmup"] * 2, ["dm_sent"] * 2, ["awaiting_reply"] * 2]
    campaigns.send_all()
    campaigns.move()
    assert campaigns.states(id_) == ["cold", "cold"]
    run = campaigns.run(id_)
    assert (run["status"], run["completed"], run["failed"], run["total_tasks"]) == (
        "completed",
        12,
        0,
        12,
    )
    assert campaigns.alerts("campaign_complete") == [
        {
            "campaign_id": id_,
            "campaign_type": "dm_sequence",
            "platform": "twitter",
            "targets": 2,
            "completed": 2,
            "failed": 0,
            "seconds": run["seconds"],
        }
    ]


@pytest.mark.usefixtures("moving_clock")
def test_nothing_is_sent_before_its_time(campaigns: Campaigns) -> None:
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    campaigns.pass_hours(23.9)
    campaigns.move()
    assert len(campaigns.rows(id_)) == 3
    campaigns.pass_hours(0.2)
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)] == [*COMMENT_STEPS, "first_dm"]


def test_a_reply_cancels_what_waits_at_once(campaigns: Campaigns) -> None:
    id_ = campaigns.create("dm_sequence", "ada", "grace", spacing_seconds=0)
    (stopped,) = campaigns.store.call("safari_campaign_replied", handle="ada")
    assert stopped["was"] == "warmup"
    assert [row["status"] for row in campaigns.rows(id_, "ada")] == ["cancelled"] * 3
    assert [row["status"] for row in campaigns.rows(id_, "grace")] == ["pending"] * 3
    assert campaigns.states(id_) == ["replied", "warmup"]


def test_a_step_that_is_running_when_the_reply_comes_does_not_begin(campaigns: Campaigns) -> None:
    campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    (row,) = campaigns.claim()
    campaigns.store.call("safari_campaign_replied", handle="ada")
    assert campaigns.begin(row)["verdict"] == "lost"


def test_marking_a_reply_twice_is_no_error(campaigns: Campaigns) -> None:
    campaigns.create("comment_warmup", "ada")
    assert len(campaigns.store.call("safari_campaign_replied", handle="ada")) == 1
    assert campaigns.store.call("safari_campaign_replied", handle="ada") == []


def test_finishing_waits_for_no_decision(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    _, second, _ = campaigns.rows(id_)
    with campaigns.elsewhere() as other:
        other.execute("select from safari_command_queue where id = %s for update", (second["id"],))
        campaigns.send_next()
        assert campaigns.rows(id_)[1]["hold"] == "campaign"
    campaigns.move()
    assert campaigns.rows(id_)[1]["hold"] is None


def test_nobody_to_mark_is_said(campaigns: Campaigns) -> None:
    with pytest.raises(NotFound, match="nobody"):
        campaigns.store.call("safari_campaign_replied", handle="nobody")


def test_an_unknown_step_holds_until_it_is_resolved(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    command = campaigns.send_next("unknown")
    campaigns.move()
    (target,) = campaigns.show(id_)["targets"]
    assert target["hold"] == "unknown: comment_1"
    assert [row["hold"] for row in campaigns.rows(id_)[1:]] == ["campaign", "campaign"]
    campaigns.store.call("safari_resolve", id=command, verdict="sent")
    campaigns.move()
    (target,) = campaigns.show(id_)["targets"]
    assert target["hold"] is None
    assert campaigns.rows(id_)[1]["hold"] is None


def test_not_sent_and_retried_goes_on(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    command = campaigns.send_next("unknown")
    campaigns.store.call("safari_resolve", id=command, verdict="not-sent")
    campaigns.move()
    assert campaigns.show(id_)["targets"][0]["hold"] == "not_sent: comment_1"
    campaigns.store.call("safari_retry", id=command)
    campaigns.move()
    assert campaigns.show(id_)["targets"][0]["hold"] is None
    campaigns.send_all()
    campaigns.move()
    assert campaigns.states(id_) == ["completed"]


def test_a_permanent_failure_ends_the_target_and_the_counts_add_up(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", "grace", spacing_seconds=0)
    campaigns.send_next("rejected")
    campaigns.move()
    campaigns.send_all()
    campaigns.move()
    assert sorted(campaigns.states(id_)) == ["completed", "failed"]
    run = campaigns.run(id_)
    assert (run["status"], run["completed"], run["failed"]) == ("completed", 3, 1)
    (alert,) = campaigns.alerts("campaign_complete")
    assert (alert["targets"], alert["completed"], alert["failed"]) == (2, 1, 1)


def test_a_decision_on_an_older_version_is_refused(campaigns: Campaigns) -> None:
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    stale = campaigns.decisions()
    campaigns.store.call("safari_campaign_replied", handle="ada")
    (answer,) = campaigns.store.call("safari_campaign_apply", decisions=stale)
    assert answer["applied"] is False
    assert campaigns.states(id_) == ["replied"]


def test_two_deciders_do_not_get_the_same_target(campaigns: Campaigns) -> None:
    campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    campaigns.send_next()
    assert len(campaigns.decisions()) == 1
    assert campaigns.decisions() == []


@pytest.mark.usefixtures("moving_clock")
def test_a_decision_whose_answer_was_lost_changes_nothing_twice(campaigns: Campaigns) -> None:
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    campaigns.pass_hours(25)
    decisions = campaigns.decisions()
    for expected in (True, False):
        (answer,) = campaigns.store.call("safari_campaign_apply", decisions=decisions)
        assert answer["applied"] is expected
    assert len(campaigns.rows(id_)) == 4


def test_a_bulk_retry_leaves_ended_targets_alone(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", spacing_seconds=0)
    campaigns.admin.execute("update safari_settings set value = '0' where key = 'retry_limit'")
    command = campaigns.send_next("retry")
    campaigns.move()
    assert campaigns.show(id_)["targets"][0]["hold"] == "exhausted: comment_1"
    campaigns.store.call("safari_campaign_replied", handle="ada")
    assert campaigns.store.call("safari_retry_failed") == {"requeued": 0}
    with pytest.raises(WrongState, match="nothing more is sent"):
        campaigns.store.call("safari_retry", id=command)


def test_cancelling_ends_every_target(campaigns: Campaigns) -> None:
    id_ = campaigns.create("comment_warmup", "ada", "grace")
    assert campaigns.store.call("safari_campaign_cancel", campaign_id=id_[:10]) == {
        "campaign_id": id_,
        "cancelled": 2,
    }
    assert {row["status"] for row in campaigns.rows(id_)} == {"cancelled"}
    assert campaigns.run(id_)["status"] == "cancelled"
    assert campaigns.alerts("campaign_complete") == []
    with pytest.raises(WrongState, match="ended already"):
        campaigns.store.call("safari_campaign_cancel", campaign_id=id_)


def test_a_campaign_that_is_not_there_is_said(campaigns: Campaigns) -> None:
    with pytest.raises(NotFound, match="no campaign"):
        campaigns.store.call("safari_campaign_show", campaign_id="nothing")
    campaigns.create("comment_warmup", "ada", campaign_id="same-1")
    campaigns.create("comment_warmup", "grace", campaign_id="same-2")
    with pytest.raises(InvalidInput, match="2 campaigns"):
        campaigns.store.call("safari_campaign_show", campaign_id="same")


def in_the_first_wait(campaigns: Campaigns) -> str:
    campaigns.admin.execute(
        "insert into crm_contacts (platform, username, relationship_stage)"
        " values ('twitter', '@Ada', 'contacted')"
    )
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    campaigns.pass_hours(24.1)
    campaigns.move()
    campaigns.send_all()
    campaigns.move()
    return id_


def test_tables_of_a_crm_that_nobody_has_filled_are_none(campaigns: Campaigns) -> None:
    assert campaigns.store.call("safari_campaign_has_crm") is False
    campaigns.admin.execute(
        "insert into crm_contacts (platform, username) values ('twitter', 'ada')"
    )
    assert campaigns.store.call("safari_campaign_has_crm") is True


@pytest.mark.usefixtures("moving_clock")
def test_a_follow_up_waits_for_a_sync_and_asks_for_one(campaigns: Campaigns) -> None:
    id_ = in_the_first_wait(campaigns)
    campaigns.move()
    campaigns.pass_hours(72.1)
    campaigns.move()
    assert len(campaigns.rows(id_)) == 4
    campaigns.sync()
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"


@pytest.mark.usefixtures("moving_clock")
def test_a_follow_up_waits_for_a_sync_by_the_mac_that_holds_the_conversation(
    campaigns: Campaigns,
) -> None:
    shop, other = (campaigns.join(f"mac-{account}", account) for account in ("shop", "shop_en"))
    campaigns.boot_id = shop
    id_ = in_the_first_wait(campaigns)
    campaigns.pass_hours(72.1)
    campaigns.join("mac-shop", "shop", shop)
    campaigns.join("mac-shop_en", "shop_en", other)
    campaigns.move()
    # The request goes to the Mac that wrote; the other one reads its own inbox meanwhile.
    campaigns.boot_id = other
    assert campaigns.claim(100, ("local",)) == []
    campaigns.sync("mac-shop_en")
    campaigns.pass_hours(1.1)
    campaigns.move()
    assert len(campaigns.rows(id_)) == 4
    campaigns.boot_id = shop
    (asked,) = campaigns.claim(100, ("local",))
    assert asked["action"] == "sync"
    campaigns.end(asked, "sent")
    campaigns.pass_hours(1.1)
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"


@pytest.mark.usefixtures("moving_clock")
def test_a_conversation_counts_as_read_for_the_account_whose_inbox_was_read(
    campaigns: Campaigns,
) -> None:
    campaigns.boot_id = campaigns.join("mac-shop", "shop")
    campaigns.join("mac-shop_en", "shop_en")
    in_the_first_wait(campaigns)
    for account, is_read in (("shop_en", False), ("shop", True)):
        began_at = campaigns.store.call("safari_now")
        campaigns.store.call(
            "agent_crm_read", platform="twitter", began_at=began_at, account=account
        )
        row = campaigns.admin.execute(
            "select safari_campaign_synced_at('twitter', 'ada') is not null"
        ).fetchone()
        assert row == (is_read,)


@pytest.mark.usefixtures("moving_clock")
def test_a_newer_message_that_is_not_ours_is_a_reply(campaigns: Campaigns) -> None:
    id_ = in_the_first_wait(campaigns)
    campaigns.admin.execute(
        "update crm_contacts set last_message = 'Who are you?', last_message_at = now()"
    )
    campaigns.pass_hours(72.1)
    campaigns.sync()
    campaigns.move()
    assert campaigns.states(id_) == ["replied"]


@pytest.mark.usefixtures("moving_clock")
def test_our_own_text_and_our_own_messages_are_no_reply(campaigns: Campaigns) -> None:
    id_ = in_the_first_wait(campaigns)
    campaigns.admin.execute(
        "update crm_contacts set last_message = 'first_dm for ada', last_message_at = now()"
    )
    campaigns.admin.execute(
        "insert into crm_messages (contact_id, platform, is_outbound, message_text, sent_at)"
        " select id, 'twitter', true, 'by hand', now() from crm_contacts"
    )
    campaigns.move()
    campaigns.pass_hours(72.1)
    campaigns.sync()
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"


@pytest.mark.usefixtures("moving_clock")
def test_doubt_holds_visibly_until_somebody_has_looked(campaigns: Campaigns) -> None:
    id_ = in_the_first_wait(campaigns)
    campaigns.admin.execute("update crm_contacts set last_message = 'Hm?'")
    campaigns.pass_hours(72.1)
    campaigns.sync()
    campaigns.move()
    assert campaigns.show(id_)["targets"][0]["hold"].startswith("maybe_replied")
    assert len(campaigns.alerts("campaign_held")) == 1
    campaigns.store.call("safari_campaign_go_on", handle="ada")
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"


@pytest.mark.usefixtures("moving_clock")
def test_cold_is_told_to_the_crm(campaigns: Campaigns) -> None:
    in_the_first_wait(campaigns)
    for _ in range(2):
        campaigns.move()
        campaigns.pass_hours(72.1)
        campaigns.sync()
        campaigns.move()
        campaigns.send_all()
        campaigns.move()
    stage = campaigns.admin.execute("select relationship_stage from crm_contacts").fetchone()
    assert stage == ("cold",)


@pytest.mark.parametrize(
    ("given", "platform", "named"),
    [
        ("https://x.com/Ada", None, {"handle": "ada", "platform": "twitter"}),
        ("x.com/ada", None, {"handle": "ada", "platform": "twitter"}),
        ("@Ada", None, {"handle": "ada", "platform": None}),
        ("@Ada", "instagram", {"handle": "ada", "platform": "instagram"}),
    ],
)
def test_an_address_names_its_platform(
    store: Store, given: str, platform: str | None, named: dict[str, str | None]
) -> None:
    assert store.call("safari_campaign_person", given=given, platform=platform) == named
