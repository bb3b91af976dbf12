"""Rows that anybody could have written: hostile texts in every column, JSON of every shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from psycopg import sql

from tests.console.test_browser import fill
from tests.console.test_pages import CORPUS, PAGES, check_harmless

if TYPE_CHECKING:
    from tests.console.conftest import Served

# What the console's own pages cannot be asked for without.
KEPT: Final = frozenset({"version", "function", "secret"})
KINDS: Final = {
    "text": ["text", "character varying"],
    "jsonb": ["jsonb"],
    "time": ["timestamp with time zone", "timestamp without time zone", "date"],
}
MOMENTS: Final = ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01")
SHAPES: Final = (
    '"a text"', "17", "null", "[]", "{}", "[[1]]", '{"a": {"b": [null, true, 1e300]}}',
    '{"text": 5, "username": [], "error": {}, "service": 3, "platform": {}}',
    '{"postUrl": "javascript:alert(1)", "link": "javascript:alert(1)"}',
)  # fmt: skip


def columns(admin: psycopg.Connection, kind: str) -> list[tuple[str, str]]:
    return admin.execute(
        "select c.table_name::text, c.column_name::text from information_schema.columns c"
        " join information_schema.tables t using (table_schema, table_name)"
        " where c.table_schema = 'public' and t.table_type = 'BASE TABLE'"
        " and c.data_type = any(%s) and c.is_generated = 'NEVER' order by 1, 2",
        (KINDS[kind],),
    ).fetchall()


def overwrite(admin: psycopg.Connection, kind: str, value: str) -> int:
    """Put a value into every column of a kind that takes it; return how many did."""
    done = 0
    for table, column in columns(admin, kind):
        if column in KEPT or table.startswith("safari_schema"):
            continue
        try:
            with admin.transaction():
                admin.execute("set local session_replication_role = replica")
                admin.execute(
                    sql.SQL("update {} set {} = %s").format(
                        sql.Identifier(table), sql.Identifier(column)
                    ),
                    (value,),
                )
        except psycopg.Error:
            continue  # a key or a check keeps it out
        done += 1
    return done


def pages(admin: psycopg.Connection) -> list[str]:
    def ids(query: str) -> list[str]:
        return [str(row[0]) for row in admin.execute(query.encode())]

    return [
        *PAGES,
        *(f"/commands/{id_}" for id_ in ids("select id from safari_command_queue limit 3")),
        *(f"/people/{id_}" for id_ in ids("select id from crm_contacts limit 3")),
        "/people/twitter:ada",
    ]


def visit(served: Served, admin: psycopg.Connection) -> dict[str, Any]:
    answers = {page: served.client.get(page) for page in pages(admin)}
    return {page: answer for page, answer in answers.items() if answer.status_code >= 500} | {
        page: answer.text for page, answer in answers.items() if answer.status_code < 500
    }


@pytest.fixture
def is_small(request: pytest.FixtureRequest) -> bool:
    """Tell whether the short dose is asked for."""
    return not request.config.getoption("--chaos")


@pytest.mark.timeout(300)
def test_no_page_breaks_or_runs_what_stands_in_a_column(served: Served, *, is_small: bool) -> None:
    fill(served)
    with served.database.connect() as admin:
        admin.execute(
            "insert into safari_webhooks (command_id, body)"
            " select id, '{}' from safari_command_queue limit 1"
        )
        for text in CORPUS[:3] if is_small else CORPUS:
            assert overwrite(admin, "text", text) > 50
            for page, found in visit(served, admin).items():
                assert isinstance(found, str), (page, text)
                check_harmless(found, text)


@pytest.mark.timeout(300)
def test_no_page_breaks_on_json_of_another_shape(served: Served, *, is_small: bool) -> None:
    fill(served)
    with served.database.connect() as admin:
        for shape in SHAPES[::3] if is_small else SHAPES:
            overwrite(admin, "jsonb", shape)
            found = visit(served, admin)
            broken = [page for page, text in found.items() if not isinstance(text, str)]
            assert broken == [], shape


@pytest.mark.timeout(300)
def test_no_page_breaks_on_a_time_that_no_calendar_has(served: Served, *, is_small: bool) -> None:
    fill(served)
    with served.database.connect() as admin:
        for moment in MOMENTS[:2] if is_small else MOMENTS:
            assert overwrite(admin, "time", moment) > 50
            found = visit(served, admin)
            broken = [page for page, text in found.items() if not isinstance(text, str)]
            assert broken == [], moment
