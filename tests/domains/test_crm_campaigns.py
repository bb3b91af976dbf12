"""What reading the inboxes means for a running sequence: it ends, is held, or goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.domains.crm.syncing import sync
from tests.domains.inboxes import service_urls, shows
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.tools import Tools
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools
    from tests.support.databases import Database


pytestmark = pytest.mark.usefixtures("moving_clock")


@pytest.fixture
def tools(open_tools: OpenTools, simulator: SimulatorProcess) -> Tools:
    return open_tools(**service_urls(simulator))


@pytest.fixture
def campaigns(database: Database) -> Iterator[Campaigns]:
    with database.connect() as admin:
        yield Campaigns(database.store, admin)


def in_the_wait(campaigns: Campaigns) -> str:
    """Return a sequence to ada whose first message is out."""
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    campaigns.pass_hours(24.1)
    campaigns.move()
    campaigns.send_all()
    campaigns.move()
    # As a worker would note it.
    campaigns.admin.execute("update safari_command_attempts set recipient = 'ada'")
    return id_


def test_a_reply_read_here_ends_a_sequence(
    tools: Tools, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    id_ = in_the_wait(campaigns)
    shows(simulator, {"username": "ada", "lastMessage": "first_dm for ada"})
    assert sync(tools)["campaigns_stopped"] == 0
    shows(simulator, {"username": "ada", "lastMessage": "Who are you?"})
    assert sync(tools)["campaigns_stopped"] == 1
    assert campaigns.states(id_) == ["replied"]


def test_a_sequence_goes_on_where_only_its_own_platform_was_read(
    tools: Tools, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    id_ = in_the_wait(campaigns)
    shows(simulator, {"username": "ada", "lastMessage": "first_dm for ada"})
    simulator.down("tiktok-dm")
    assert not sync(tools)["ok"]
    campaigns.pass_hours(72.1)
    campaigns.move()
    assert len(campaigns.rows(id_)) == 4
    sync(tools)
    campaigns.pass_hours(0.1)
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"


@pytest.mark.parametrize(
    "item",
    [
        {"lastMessage": "first_dm for ada", "unread": True},
        {"unread": True},
    ],
)
def test_what_may_be_a_reply_holds_a_sequence(
    tools: Tools, campaigns: Campaigns, simulator: SimulatorProcess, item: dict[str, Any]
) -> None:
    id_ = in_the_wait(campaigns)
    shows(simulator, {"username": "ada", **item})
    sync(tools)
    campaigns.pass_hours(72.1)
    sync(tools)
    campaigns.move()
    (target,) = campaigns.show(id_)["targets"]
    assert target["hold"].startswith("maybe_replied")
    campaigns.store.call("safari_campaign_go_on", handle="ada")
    campaigns.move()
    sync(tools)
    campaigns.pass_hours(0.1)
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"


def test_what_may_have_stood_there_before_a_first_message_holds_it(
    tools: Tools, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    id_ = campaigns.create("dm_sequence", "ada", spacing_seconds=0)
    campaigns.send_all()
    campaigns.move()
    shows(simulator, {"username": "ada", "lastMessage": "Hm, who is this?"})
    assert sync(tools)["replies"] == 0
    campaigns.pass_hours(24.1)
    campaigns.move()
    (target,) = campaigns.show(id_)["targets"]
    assert (target["state"], target["hold"].split(":")[0]) == ("warmup", "maybe_replied")


def test_what_stood_there_before_a_sequence_began_is_no_doubt(
    tools: Tools, campaigns: Campaigns, simulator: SimulatorProcess
) -> None:
    shows(simulator, {"username": "ada", "lastMessage": "Thanks for last year"})
    sync(tools)
    campaigns.pass_hours(1)
    id_ = in_the_wait(campaigns)
    campaigns.pass_hours(72.1)
    sync(tools)
    campaigns.pass_hours(0.1)
    campaigns.move()
    assert [row["step"] for row in campaigns.rows(id_)][-1] == "follow_up"
