"""Pages that are prepared two at a time hold the same rows as pages one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.domains.paging import pages
from tests.domains.people import People

if TYPE_CHECKING:
    import psycopg

    from actp.store import Store

PEOPLE = 23
PROSPECTS = ("agent_outreach_prospects", "agent_outreach_prospect_ends")
UNHEARD = ("agent_inbox_unheard", "agent_inbox_unheard_ends")


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def crowd(people: People) -> list[str]:
    """Return contacts with three scores, who all wrote to us."""
    contacts = [people.add(f"person{n}", score=40 + n % 3) for n in range(PEOPLE)]
    for contact in contacts:
        people.hears(contact)
    return contacts


@pytest.mark.parametrize(("function", "ends"), [PROSPECTS, UNHEARD])
@pytest.mark.parametrize("row_limit", [1, 7, PEOPLE - 1, PEOPLE, 100])
def test_every_row_comes_once_and_in_order(
    crowd: list[str], store: Store, function: str, ends: str, row_limit: int
) -> None:
    whole = store.call(function, row_limit=len(crowd) + 1)
    assert len(whole) == PEOPLE
    together = list(pages(store, function, row_limit=row_limit, ends=ends))
    one_by_one = list(pages(store, function, row_limit=row_limit))
    assert together == one_by_one == whole


def test_ends_are_those_of_full_pages(crowd: list[str], store: Store) -> None:
    function, ends = PROSPECTS
    ids = [row["id"] for row in store.call(function, row_limit=len(crowd))]
    assert store.call(ends, row_limit=10) == [ids[9], ids[19]]
    assert store.call(ends, row_limit=10, min_score=42) == []
    assert store.call(ends, row_limit=len(crowd)) == [ids[-1]]


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("change", ["fewer", "more"])
def test_rows_that_come_or_go_meanwhile_are_not_read_twice(
    people: People, store: Store, admin: psycopg.Connection, change: str
) -> None:
    function, ends = PROSPECTS
    reading = pages(store, function, row_limit=4, ends=ends)
    read = [next(reading)["contact_id"]]
    if change == "fewer":
        admin.execute("delete from actp_prospect_scores where score = 41")
    else:
        for number in range(PEOPLE):
            people.add(f"late{number}", score=41)
    read += [row["contact_id"] for row in reading]
    assert len(read) == len(set(read))
    lasting = {
        row["contact_id"]
        for row in people.rows(
            "select contact_id::text from actp_prospect_scores where score <> 41"
        )
    }
    assert lasting <= set(read)
