from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from actp.cli.main import main
from actp.domains.bots import is_bot
from actp.domains.prospect import tasks
from actp.domains.sample.chance import Moment
from actp.domains.sample.people import account, contact
from actp.domains.sample.talk import talk_with
from actp.domains.sample.writing import make, remove
from actp.errors import InvalidInput

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store.protocol import Store

NOON = Moment(datetime(2026, 3, 2, 12, tzinfo=UTC))
TABLES = (
    "actp_ab_tests",
    "actp_content_performance",
    "actp_niche_resonance",
    "actp_platform_associations",
    "actp_platform_creators",
    "actp_platform_research",
    "actp_prospect_scores",
    "actp_twitter_research",
    "crm_contacts",
    "crm_conversations",
    "crm_interactions",
    "crm_message_queue",
    "crm_messages",
    "youtube_video_stats",
)


def rows_in(admin: psycopg.Connection) -> dict[str, int]:
    counts = {}
    for table in TABLES:
        count = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
        row = admin.execute(count).fetchone()
        assert row is not None
        counts[table] = row[0]
    return counts


def test_people_are_the_same_however_many_are_made() -> None:
    assert [contact(account(n), NOON) for n in (0, 7, 499)] == [
        contact(account(n), NOON) for n in (0, 7, 499)
    ]
    assert list(talk_with(account(15), NOON)) == list(talk_with(account(15), NOON))


def test_no_two_contacts_share_an_account_and_some_share_a_person() -> None:
    accounts = [account(n) for n in range(20_000)]
    assert len({(who.platform, who.username) for who in accounts}) == len(accounts)
    assert len({who.id for who in accounts}) == len(accounts)
    persons = Counter(who.person for who in accounts)
    assert Counter(persons.values()) == {1: 10_000, 2: 2_000, 3: 2_000}
    known = [who for who in accounts if who.person == 6]
    squished = {who.username.replace("_", "").replace(".", "") for who in known}
    assert (len({who.platform for who in known}), len(squished)) == (3, 1)


def test_sample_has_bots_and_malformed_rows() -> None:
    rows = [contact(account(n), NOON) for n in range(500)]
    bots = [is_bot(row["username"], row.get("email"), row.get("display_name")) for row in rows]
    assert sum(bots) == 25
    assert sum(set(row) == {"id", "platform", "username", "source"} for row in rows) == 50
    assert {row.get("pipeline_stage") for row in rows} > {None, "new", "connection_sent"}
    assert sum("evil.example" in (row.get("bio") or "") for row in rows) == 2


def test_nobody_is_behind_a_made_up_name() -> None:
    rows = [contact(account(n), NOON) for n in range(500)]
    people = [row for row in rows if not is_bot(row["username"], row.get("email"))]
    assert [row["username"] for row in people if "sample" not in row["username"]] == []
    emails = [row["email"] for row in people if row.get("email")]
    assert [email for email in emails if not email.endswith(".example")] == []


def test_sample_data_is_idempotent_and_removal_keeps_other_rows(
    tools: Tools, admin: psycopg.Connection
) -> None:
    mine = account(0)
    admin.execute(
        "insert into crm_contacts (platform, username, source) values"
        " (%s, %s, 'sample'), ('twitter', 'friend', 'sample')",
        (mine.platform, mine.username),
    )
    before = rows_in(admin)
    written = make(tools.store, 200)
    assert written["crm_contacts"] == 199, "one of our people has the first name already"
    assert written["youtube_video_stats"] == 35 * 5
    assert set(make(tools.store, 200).values()) == {0}
    tasks.score_all(tools)
    full = rows_in(admin)
    assert [table for table in TABLES if full[table] <= before[table]] == []
    removed = remove(tools.store)
    assert rows_in(admin) == before | {"actp_prospect_scores": 2}
    assert removed["crm_contacts"] == 199
    assert tools.store.call("safari_contacts") == []
    assert set(remove(tools.store).values()) == {0}


def test_prospects_of_every_stage_are_among_them(tools: Tools) -> None:
    make(tools.store)
    result = tasks.score_all(tools)
    assert (result["scored"] + result["bots"]) > 480
    assert min(result["awareness"], result["consideration"], result["decision"]) > 10


@pytest.mark.parametrize("function", ["agent_sample_write", "agent_sample_remove"])
def test_no_other_table_is_written(store: Store, function: str) -> None:
    rows = "rows" if function == "agent_sample_write" else "ids"
    with pytest.raises(InvalidInput, match="no sample rows go into safari_command_queue"):
        store.call(function, table_name="safari_command_queue", **{rows: []})


def test_the_command_says_what_it_wrote(
    tools: Tools, admin: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools.store.call("agent_prospect_page") == []
    assert main(["sample-data", "--contacts", "10"]) == 0
    assert "crm_contacts: 10 rows written" in capsys.readouterr().out
    assert sum(tools.store.call("agent_report")["stages"].values()) > 5, "the funnel is drawn"
    kinds = admin.execute("select kind from safari_alerts").fetchall()
    assert ("new_decision_prospects",) not in kinds
    assert main(["sample-data", "--remove"]) == 0
    assert "crm_contacts: 10 rows removed" in capsys.readouterr().out
    assert main(["sample-data", "--contacts", "0"]) == 2


def test_the_queue_has_ended_commands_of_every_kind_and_nothing_to_send(
    tools: Tools, admin: psycopg.Connection
) -> None:
    make(tools.store, 20)
    kinds = admin.execute(
        "select distinct case when reason = 'unknown' then reason else status end,"
        " service is not null from safari_command_queue order by 1"
    ).fetchall()
    assert kinds == [(kind, True) for kind in ("cancelled", "completed", "failed", "unknown")]
    assert admin.execute("select count(*) from safari_command_queue where ready").fetchone() == (0,)
    assert {row["status"] for row in tools.store.call("safari_campaigns")} == {"completed"}
    with pytest.raises(InvalidInput, match="not ended"):
        tools.store.call(
            "agent_sample_ended", commands=[{"status": "pending"}], runs=[], targets=[]
        )
    with pytest.raises(InvalidInput, match="not ended"):
        tools.store.call("agent_sample_write", table_name="crm_message_queue", rows=[{"id": None}])
    sent = tools.store.call("agent_outreach_stats", days=60)
    assert sent["sent"] > 3
    assert (sent["answered"] > 0, sent["open"]) == (True, 0)
    remove(tools.store)
    assert admin.execute("select count(*) from safari_command_queue").fetchone() == (0,)


def test_no_chart_of_the_report_is_empty(tools: Tools) -> None:
    make(tools.store)
    tasks.score_all(tools)
    answer = tools.store.call("agent_report")
    empty = [name for name in ("ended", "campaigns", "stages", "posts", "tests", "niches")
             if not answer[name]]  # fmt: skip
    assert empty == []
