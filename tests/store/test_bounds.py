"""Limits and settings written by hand: what is none is refused where it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from actp.store.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import Databases

MENDING = (MIGRATIONS / "20261127234500_bounds_kept.sql").read_bytes()
POLICIES = (
    *("min_gap_seconds = 'NaN'", "min_gap_seconds = 'Infinity'", "min_gap_seconds = 1e300"),
    *("time_zone = 'Nowhere/Land'", "time_zone = ''"),
    *("ramp_from = 'infinity'", "ramp_from = '-infinity'", "ramp_from = '0044-03-15 BC'"),
    *("weekdays = '{9}'", "weekdays = '{1,NULL}'", "weekdays = '{0}'"),
)
CHANGES = (
    *('{"daily_limit": "x"}', '{"min_gap_seconds": "NaN"}', '{"min_gap_seconds": 1e308}'),
    *('{"time_zone": "Nowhere/Land"}', '{"weekdays": "x"}', '{"active_from": 77}'),
    *('{"ramp_from": "infinity"}', '{"weekly_limit": -1}', "[]", "null", '"x"'),
)
SETTINGS = (
    *(("retry_limit", value) for value in ('"x"', "null", "1e308", "{}", "1.5", "-1", "true")),
    *(("retry_base_seconds", value) for value in ('"15"', "null", "-1", "1e300", "[]")),
    *(("foreign_actions", value) for value in ('"x"', "null", "7")),
    *(("review", value) for value in ('"some"', "null", "[]", "{}")),
)
POLICY = "update safari_policies set {} where platform = 'twitter'"
ACCOUNT = (
    "insert into safari_account_policies (platform, kind, account, changes)"
    " values ('twitter', 'dm', 'ada', '{}')"
)
SETTING = "update safari_settings set value = '{1}' where key = '{0}'"
WRITTEN = (
    *map(POLICY.format, POLICIES),
    *(ACCOUNT.replace("{}", changes) for changes in (*CHANGES, '{"platform": "instagram"}')),
    *(SETTING.format(*setting) for setting in SETTINGS),
)
BEFORE = (
    POLICY.format(
        "min_gap_seconds = 'NaN', time_zone = 'Nowhere/Land', ramp_days = 5,"
        " ramp_from = 'infinity', weekdays = '{9}'"
    ),
    ACCOUNT.replace("{}", '{"daily_limit": 3, "weekdays": "x", "time_zone": "Nowhere/Land"}'),
    ACCOUNT.replace("ada", "bob").replace("{}", "[1]"),
    "update safari_settings set value = '{}' where key <> 'database_id'",
)


@pytest.fixture(scope="module")
def owner(postgres15_databases: Databases) -> Iterator[psycopg.Connection]:
    with (
        postgres15_databases.fresh() as name,
        psycopg.connect(postgres15_databases.server.owner(name), autocommit=True) as connection,
    ):
        yield connection


def test_what_is_no_limit_is_refused(owner: psycopg.Connection) -> None:
    for statement in WRITTEN:
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute(statement.encode())
    # Ordinary ones are kept.
    with owner.transaction(force_rollback=True):
        owner.execute("update safari_policies set time_zone = 'Asia/Kolkata', weekdays = '{1,7}'")
        owner.execute("update safari_policies set ramp_days = 5, ramp_from = now()")
        owner.execute("update safari_settings set value = '0.05' where key = 'retry_base_seconds'")
        owner.execute("insert into safari_settings (key, value) values ('of_theirs', 'null')")


def test_what_was_written_before_is_taken_out(owner: psycopg.Connection) -> None:
    tables = ("safari_policies", "safari_account_policies", "safari_settings")
    with owner.transaction(force_rollback=True):
        for table in tables:
            owner.execute(f"alter table {table} disable trigger user".encode())
        for statement in BEFORE:
            owner.execute(statement.encode())
        for table in tables:
            owner.execute(f"alter table {table} enable trigger user".encode())
        owner.execute(MENDING)
        # Every gate and each report reads them.
        assert owner.execute("select safari_rehearse() ->> 'error'").fetchone() == (None,)
        kept = owner.execute(
            "select account, changes from safari_account_policies order by account"
        ).fetchall()
        assert kept == [("ada", {"daily_limit": 3}), ("bob", {})]
        owner.execute("select safari_status()")
