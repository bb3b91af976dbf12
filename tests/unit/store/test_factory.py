from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from actp.errors import SettingsError
from actp.store import open_store
from actp.store.postgres import PostgresStore
from actp.store.supabase import SupabaseStore
from actp.store.version import CheckedStore


@dataclass(frozen=True, slots=True)
class Choice:
    store_kind: str
    database_url: SecretStr | None = None
    supabase_url: str | None = None
    supabase_service_role_key: SecretStr | None = None
    actp_home: Path = Path("unused")


def test_an_address_opens_postgres_without_connecting() -> None:
    store = open_store(Choice("postgres", database_url=SecretStr("postgresql://h.invalid/db")))
    assert isinstance(store, CheckedStore)
    assert type(store.inner) is PostgresStore
    store.close()


def test_a_project_opens_supabase_without_connecting() -> None:
    key = SecretStr("sb_secret_0123456789abcdef")
    store = open_store(
        Choice("supabase", supabase_url="http://h.invalid", supabase_service_role_key=key)
    )
    assert isinstance(store, CheckedStore)
    assert type(store.inner) is SupabaseStore
    store.close()


@pytest.mark.parametrize("kind", ["postgres", "supabase", "oracle"])
def test_incomplete_settings_are_an_error(kind: str) -> None:
    with pytest.raises(SettingsError, match=kind):
        open_store(Choice(kind))
