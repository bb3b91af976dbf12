"""``inbox``: an answer that is given twice, or says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import ExitCode
from tests.unit.cli.conftest import check_error

if TYPE_CHECKING:
    from tests.support.databases import Database
    from tests.unit.cli.conftest import Cli


@pytest.fixture
def ada(queue: Database) -> str:
    """A contact who asked us something."""
    with queue.connect() as admin:
        ((id_,),) = admin.execute(
            "insert into crm_contacts (platform, username) values ('twitter', 'ada')"
            " returning id::text"
        ).fetchall()
        admin.execute(
            "insert into crm_messages (contact_id, platform, direction, body, sent_at)"
            " values (%s, 'twitter', 'inbound', 'What does it cost?', now())",
            (id_,),
        )
    return str(id_)


def test_the_same_answer_is_queued_once_a_day(run: Cli, ada: str) -> None:
    first = run("inbox", "reply", ada[:8], "100", "a", "month.").out
    assert first.startswith("Queued for ada on twitter")
    again = run("inbox", "reply", "@ada", "100 a month.").out
    assert again.startswith("Already queued for ada on twitter")
    assert again.split()[-1] == first.split()[-1]
    other = run("inbox", "reply", "@ada", "100 a month.", "--key", "again").out
    assert other.startswith("Queued for")
    assert run("inbox", "reply", "@ada", "Or 900 a year.").out.startswith("Queued for")


@pytest.mark.parametrize("words", ["", "  ", "\u200b", "Hi {first_name}", "None"])
def test_an_answer_that_says_nothing_is_refused(run: Cli, ada: str, words: str) -> None:
    answer = run("inbox", "reply", ada[:8], "--", words)
    check_error(answer, ExitCode.USAGE, "the answer cannot be sent")


def test_done_and_snooze_may_be_repeated(run: Cli, ada: str) -> None:
    for command in (("snooze", "2d"), ("snooze", "1h"), ("done",), ("done",)):
        name, *rest = command
        assert run("inbox", name, ada[:8], *rest).code == ExitCode.OK
    assert "No conversation waits" in run("inbox").out


def test_a_draft_without_a_key_names_what_to_set(run: Cli, ada: str) -> None:
    result = run("inbox", "draft", ada[:8])
    assert result.code != ExitCode.OK
    assert "ANTHROPIC_API_KEY" in result.err
    assert "Traceback" not in result.err
