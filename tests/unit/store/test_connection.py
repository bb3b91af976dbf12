from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import SettingsError
from actp.store.connection import CONNECT_TIMEOUT_SECONDS, is_transaction_pooler, parameters_of

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://u:hunter2@h/db?sslmode=requird", "sslmode"),
        ("postgresql://u:hunter2@h/db?sslmode=REQUIRE", "sslmode"),
        ("postgresql://u:hunter2@h1,h2/db?target_session_attrs=readwrite", "target_session_attrs"),
        ("host=a,b port=1,2,3 password=hunter2", "3 port numbers to 2 hosts"),
        ("host=h port=70000 password=hunter2", "70000"),
        ("service=nowhere password=hunter2", 'service "nowhere" not found'),
        ("host=h sslmode=require sslrootcert=system password=hunter2", "sslrootcert=system"),
        ("host=h channel_binding=yes password=hunter2", "channel_binding"),
        ("host=h connect_timeout=soon password=hunter2", "connect_timeout"),
        ("host=h keepalives_idle=x password=hunter2", "keepalives_idle"),
    ],
)
def test_a_value_that_libpq_does_not_take_is_named_before_it_connects(dsn: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        parameters_of(dsn)
    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://u:p@h1:1,h2:2/db?target_session_attrs=read-write", {"host": "h1,h2"}),
        ("postgresql://u:p@[::1]:1,[fe80::2]:2/db", {"host": "::1,fe80::2", "port": "1,2"}),
        ("host=a,b port=1,2 dbname=db", {"port": "1,2"}),
        ("host=a,b port=1 dbname=db", {"port": "1"}),
        ("hostaddr=127.0.0.1,::1 port=1,2 host=a,b", {"hostaddr": "127.0.0.1,::1"}),
        ("host=h options='-c search_path=x'", {"options": "-c search_path=x"}),
        ("postgresql://u:a%40b%25%20%2F%23@h/db?sslmode=require", {"password": "a@b% /#"}),
        ("host=h password='a b@%#'", {"password": "a b@%#"}),
        ("postgresql:///db?host=/var/run/postgresql", {"host": "/var/run/postgresql"}),
    ],
)
def test_what_libpq_takes_is_kept(dsn: str, expected: dict[str, str]) -> None:
    parameters = parameters_of(dsn)
    assert {name: parameters[name] for name in expected} == expected


def test_a_service_is_taken_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "services.conf"
    file.write_text("[there]\nhost=a,b\nport=1,2\ndbname=db\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert parameters_of("service=there")["service"] == "there"
    with pytest.raises(SettingsError, match='"thre" not found'):
        parameters_of("service=thre")
