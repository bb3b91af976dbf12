"""A person is in one running campaign, whatever the platform and the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import WrongState
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


@pytest.fixture
def campaigns(store: Store, admin: psycopg.Connection) -> Campaigns:
    return Campaigns(store, admin)


def test_a_person_is_in_one_running_campaign(
    campaigns: Campaigns, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, twitter_handle)"
        " values ('instagram', 'ada_ig', 'ada'), ('instagram', 'ada_other', 'ada_two'),"
        " ('threads', 'ada_ig', 'ada_two')"
    )
    admin.execute("update crm_contacts set instagram_handle = 'ada_ig' where platform = 'threads'")
    campaigns.create("comment_warmup", "ada")
    with pytest.raises(WrongState, match="ada is in the running campaign"):
        campaigns.create("comment_warmup", "grace", "ada")
    with pytest.raises(WrongState, match="ada_two is in the running campaign"):
        campaigns.create("comment_warmup", "ada_two")
    with pytest.raises(WrongState, match=r"ada_ig is in the running campaign .* on twitter"):
        campaigns.create("comment_warmup", "ada_ig", platform="instagram")
    campaigns.create("comment_warmup", "grace")


def test_one_campaign_takes_a_person_once(campaigns: Campaigns, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, email) values"
        " ('twitter', 'ada_two', 'ada@x.example'), ('twitter', 'ada', 'Ada@X.example')"
    )
    with pytest.raises(WrongState, match="ada and ada_two are one person"):
        campaigns.create("comment_warmup", "ada", "grace", "ada_two")
    campaigns.create("comment_warmup", "grace", "ada_two")
