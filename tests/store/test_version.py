"""What a store says to a database of another release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import SchemaMissing
from actp.store.schema import read_schema
from actp.store.version import CheckedStore

if TYPE_CHECKING:
    from tests.support.databases import Database

HERE = read_schema().version


def version_is(database: Database, version: int, oldest_code: int = 1) -> None:
    with database.connect() as connection:
        connection.execute("delete from safari_schema_versions")
        connection.execute(
            "insert into safari_schema_versions (version, release, oldest_code)"
            " values (%s, 'x', %s)",
            (version, oldest_code),
        )


def test_a_newer_database_is_worked_on_and_logged_once(
    backend: Database, caplog: pytest.LogCaptureFixture
) -> None:
    version_is(backend, HERE + 1)
    store = CheckedStore(backend.store)
    assert store.call("safari_now")
    assert store.call("safari_now")
    assert [record.message for record in caplog.records] == [
        (
            f"the database is newer than this release: schema version {HERE + 1} of release x,"
            f" this copy has {HERE}; it continues, and changes nothing in the schema"
        )
    ]


def test_a_newer_database_that_this_copy_cannot_work_on_is_refused(backend: Database) -> None:
    version_is(backend, HERE + 1, oldest_code=HERE + 1)
    with pytest.raises(SchemaMissing, match="cannot work on it") as caught:
        CheckedStore(backend.store).call("safari_now")
    assert "git pull" in caught.value.remedy


@pytest.mark.parametrize("version", [1, None])
def test_an_older_database_is_refused(backend: Database, version: int | None) -> None:
    with backend.connect() as connection:
        connection.execute("delete from safari_schema_versions")
    if version:
        version_is(backend, version)
    with pytest.raises(SchemaMissing, match=f"needs {HERE}") as caught:
        CheckedStore(backend.store).call("safari_now")
    assert "bin/db migrate" in caught.value.remedy


def test_a_database_of_the_first_release_is_refused(backend: Database) -> None:
    with backend.connect() as connection:
        connection.execute("drop function safari_schema()")
    with pytest.raises(SchemaMissing, match="no schema version"):
        CheckedStore(backend.store).call("safari_now")
