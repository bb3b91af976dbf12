"""Contacts that somebody else wrote: one with odd times keeps no other from its score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.cli.agents.prospect import script

if TYPE_CHECKING:
    import psycopg

    from tests.domains.conftest import RunScript


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_contact_with_an_impossible_time_is_scored(
    run_script: RunScript, admin: psycopg.Connection, moment: str
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, last_inbound_at, last_outbound_at)"
        " values ('twitter', 'odd', %s, %s), ('twitter', 'ada', now(), null)",
        (moment, moment),
    )
    admin.execute(
        "insert into crm_messages (contact_id, platform, body, sent_at)"
        " select id, 'twitter', 'Hello', %s from crm_contacts where username = 'odd'",
        (moment,),
    )
    code, _ = run_script(script, "--score-all")
    assert code == 0
    assert admin.execute("select count(*) from actp_prospect_scores").fetchone() == (2,)
