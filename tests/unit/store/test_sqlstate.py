from __future__ import annotations

import pytest

from actp.errors import ActpError, SchemaMissing, StoreDenied, StoreRefused, StoreUnavailable
from actp.store.sqlstate import (
    connecting_error,
    connecting_error_class,
    error_class,
    error_of,
)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("28P01", StoreDenied),
        ("PGRST301", StoreDenied),
        ("403", StoreDenied),
        ("PGRST202", SchemaMissing),
        ("PGRST205", SchemaMissing),
        ("PGRST000", StoreUnavailable),
        ("PGRST003", StoreUnavailable),
        ("502", StoreUnavailable),
        ("53400", StoreUnavailable),
        ("530", StoreUnavailable),
        ("57P01", StoreUnavailable),
        ("", StoreRefused),
        ("PGRST116", StoreRefused),
        ("22P05", StoreRefused),
    ],
)
def test_a_code_has_one_meaning(code: str, meaning: type[ActpError]) -> None:
    assert error_class(code) is meaning


@pytest.mark.parametrize(
    "message",
    [
        'FATAL:  password authentication failed for user "x"',
        'FATAL:  role "x" does not exist',
        'FATAL:  no pg_hba.conf entry for host "1.2.3.4"',
        "fe_sendauth: no password supplied",
        "FATAL:  Tenant or user not found",
    ],
)
def test_a_connection_that_is_not_let_in_is_denied(message: str) -> None:
    assert connecting_error_class(message) is StoreDenied


@pytest.mark.parametrize(
    "message",
    [
        "connection refused",
        'FATAL:  database "x" does not exist',
        "could not translate host name",
        "connection timeout expired",
    ],
)
def test_any_other_failed_connection_is_unavailable(message: str) -> None:
    assert connecting_error_class(message) is StoreUnavailable


@pytest.mark.parametrize(
    "message",
    [
        "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "FATAL: sorry, too many clients already",
        'FATAL: too many connections for role "app"',
        "FATAL: no more connections allowed (max_client_conn)",
        "FATAL: MaxClientsInSessionMode: max clients reached",
    ],
)
def test_a_full_server_is_not_taken_for_a_wrong_address(message: str) -> None:
    error = connecting_error(f"connection to server failed: {message}")
    assert type(error) is StoreUnavailable
    assert "Close some" in error.remedy


def test_a_full_disk_is_not_taken_for_a_wrong_address() -> None:
    said = 'could not extend file "base/5/16395": No space left on device'
    errors = [error_of(code, said) for code in ("53100", "58030")]
    errors.append(connecting_error(f"connection failed: FATAL:  could not write init file: {said}"))
    for error in errors:
        assert type(error) is StoreUnavailable
        assert "Free some space" in error.remedy
