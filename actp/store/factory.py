"""Chooses the adapter that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.errors import SettingsError
from actp.store.version import CheckedStore

if TYPE_CHECKING:
    from actp.store.protocol import Store, StoreSettings


def open_store(settings: StoreSettings, *, application_name: str = "actp") -> Store:
    """Return the store that the settings choose; its calls raise SchemaMissing for another schema.

    Only ``embedded`` touches its database here, because it may have to start it; the others
    connect with the first call. ``application_name`` is what pg_stat_activity shows.
    """
    return CheckedStore(_opened(settings, application_name))


def _opened(settings: StoreSettings, application_name: str) -> Store:
    # Imported late: each costs 0.1 s or more and up to 10 MiB, which its users alone owe.
    match settings.store_kind:
        case "postgres" if settings.database_url is not None:
            from actp.store.postgres import PostgresStore  # noqa: PLC0415

            return PostgresStore(
                settings.database_url.get_secret_value(), application_name=application_name
            )
        case "supabase" if settings.supabase_url and settings.supabase_service_role_key:
            from actp.store.supabase import SupabaseStore  # noqa: PLC0415

            return SupabaseStore(str(settings.supabase_url), settings.supabase_service_role_key)
        case "embedded":
            from actp.store.embedded.store import EmbeddedStore  # noqa: PLC0415

            return EmbeddedStore(settings.actp_home, application_name=application_name)
        case kind:
            raise SettingsError(f"the settings name no complete database of kind {kind!r}")
