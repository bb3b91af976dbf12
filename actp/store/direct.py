"""Direct PostgreSQL connections, for migrations and for operators."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from actp.errors import InvalidInput
from actp.store.migrate import WITHOUT_DSN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.store.protocol import StoreSettings

__all__ = ["direct_dsn"]


@contextmanager
def direct_dsn(settings: StoreSettings) -> Iterator[str]:
    """Yield how PostgreSQL is reached; an embedded one runs meanwhile.

    Raises InvalidInput where only Supabase's REST interface is configured.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    elif settings.store_kind == "supabase":
        first, rest = WITHOUT_DSN.split(". ", 1)
        raise InvalidInput(f"{first}.", remedy=rest)
    else:
        from actp.store.embedded.store import EmbeddedStore  # noqa: PLC0415  # costs 0.1 s

        with closing(EmbeddedStore(settings.actp_home, application_name="actp db")) as store:
            yield store.cluster.dsn
