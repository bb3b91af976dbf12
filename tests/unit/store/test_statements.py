from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actp.store.schema import MIGRATIONS
from actp.store.statements import statements


def test_statements_keep_their_text_and_line() -> None:
    source = "-- head\nselect 1;\n\n/* two\nlines */ select\n  2;select 3"
    assert list(statements(source)) == [("select 1;", 2), ("select\n  2;", 5), ("select 3", 6)]


@pytest.mark.parametrize(
    "statement",
    [
        "select ';';",
        "select 'it''s;';",
        r"select E'a\';b';",
        r"select 'a\';",
        'select "odd;""name";',
        "select $$ ; ' $$;",
        "select $body$ ; $$ ; $other$ $body$;",
        "select 1 -- ; not yet\n;",
        "select /* ; /* ; */ ; */ 1;",
        "select a$b$c;",
    ],
)
def test_a_semicolon_within_something_ends_nothing(statement: str) -> None:
    assert [found.text for found in statements(statement + "select 2;")] == [
        statement,
        "select 2;",
    ]


@pytest.mark.parametrize("source", ["", "  \n", "-- only words", "/* open", ";;", "\n ; "])
def test_what_says_nothing_has_no_statements(source: str) -> None:
    assert not list(statements(source))


@given(st.text(alphabet="a$'\"/*-;\n \\eE1", max_size=60))
def test_no_text_is_found_on_another_line(source: str) -> None:
    for found in statements(source):
        assert found.text.split("\n")[0] in source.split("\n")[found.line - 1]


def test_our_own_migrations_come_apart_into_statements() -> None:
    for path in MIGRATIONS.glob("*.sql"):
        assert all(found.text.endswith(";") for found in statements(path.read_text()))
