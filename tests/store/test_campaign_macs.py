"""A follow-up whose conversation is held by a Mac that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.cli.campaign_view import show_campaign, show_campaigns
from tests.store.test_campaigns import in_the_first_wait
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


@pytest.fixture
def campaigns(store: Store, admin: psycopg.Connection) -> Campaigns:
    return Campaigns(store, admin)


@pytest.mark.usefixtures("moving_clock")
def test_follow_up_of_a_missing_mac_is_reported_and_can_be_reassigned(
    campaigns: Campaigns, capsys: pytest.CaptureFixture[str]
) -> None:
    shop, other = (campaigns.join(f"mac-{account}", account) for account in ("shop", "shop_en"))
    campaigns.boot_id = shop
    id_ = in_the_first_wait(campaigns)
    campaigns.pass_hours(72.1)
    campaigns.boot_id = campaigns.join("mac-shop_en", "shop_en", other)
    campaigns.move()
    (target,) = campaigns.show(id_)["targets"]
    assert target["no_mac"].startswith(
        "no running Mac is logged in as shop on twitter, last seen on mac-shop at "
    )
    (listed,) = campaigns.store.call("safari_campaigns")
    assert (listed["held"], listed["no_mac"]) == (0, 1)
    show_campaigns([listed])
    assert "1 without a Mac" in " ".join(capsys.readouterr().out.split())
    show_campaign(shown := campaigns.show(id_))
    said = capsys.readouterr().out
    assert f"ada waits: {shown['targets'][0]['no_mac']}: a reply would not be seen\n" in said
    assert "bin/campaign replied ada or bin/campaign go-on ada\n" in said
    # Somebody has looked there: the follow-up is queued, and waits for that account in plain words.
    campaigns.store.call("safari_campaign_go_on", handle="ada")
    campaigns.move()
    follow_up = campaigns.rows(id_)[-1]
    assert follow_up["step"] == "follow_up"
    assert campaigns.claim() == []
    command = campaigns.show(id_)["targets"][0]["commands"][-1]
    assert command["waits"]["for"] == "its account"
    show_campaign(campaigns.show(id_))
    said = capsys.readouterr().out
    assert "ada waits: no running Mac is logged in as shop, last seen on mac-shop at " in said
    assert f"start that Mac, or bin/queue reassign {command['id'][:8]} ACCOUNT\n" in said
    campaigns.store.call("safari_reassign", id=str(follow_up["id"]), account="shop_en")
    (row,) = campaigns.claim()
    assert campaigns.begin(row)["verdict"] == "granted"
