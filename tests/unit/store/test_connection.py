from __future__ import annotations

import pytest

from actp.errors import SettingsError
from actp.store.connection import CONNECT_TIMEOUT_SECONDS, is_transaction_pooler, parameters_of


@pytest.mark.parametrize("dsn", ["postgres//user:hunter2@host/db", "postgresql://u:hunter2@h:x y/"])
def test_a_malformed_address_is_refused_without_its_password(dsn: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parameters_of(dsn)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_address_without_timeouts_gets_ours() -> None:
    assert parameters_of("host=h")["connect_timeout"] == CONNECT_TIMEOUT_SECONDS


def test_timeouts_in_the_address_win() -> None:
    parameters = parameters_of("postgresql://h/db?connect_timeout=9&application_name=mine")
    assert (parameters["connect_timeout"], parameters["application_name"]) == ("9", "mine")


@pytest.mark.parametrize(
    ("dsn", "pooled"),
    [
        ("postgresql://u@aws-0-eu.pooler.supabase.com:6543/postgres", True),
        ("host=a,b port=6543,6543", True),
        ("postgresql://u@aws-0-eu.pooler.supabase.com:5432/postgres", False),
        ("host=h", False),
    ],
)
def test_a_transaction_pooler_is_known_by_its_port(dsn: str, *, pooled: bool) -> None:
    assert is_transaction_pooler(parameters_of(dsn)) is pooled


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://a:hunter2@h/db?pgbouncer=true",
        "postgresql://a:hunter2@h1:1,h2:2/db?sslmode=require&pgbouncer=true",
        "host=h password=hunter2 pgbouncer=true",
    ],
)
def test_an_unknown_parameter_is_named(dsn: str) -> None:
    with pytest.raises(SettingsError, match="pgbouncer") as refused:
        parameters_of(dsn)
    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"


def test_anything_else_is_no_address() -> None:
    for dsn in ("hunter2", "postgresql://a:hunter2@h/db?pgbouncer", "host=h password=hunter2 x"):
        with pytest.raises(SettingsError, match="not a PostgreSQL address") as refused:
            parameters_of(dsn)
        assert "hunter2" not in str(refused.value)
