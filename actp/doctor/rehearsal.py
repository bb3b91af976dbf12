"""Rehearses a worker's database calls and rolls them back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from actp.doctor.finding import Finding, fine, problem
from actp.store.sqlstate import remedy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings
    from actp.store import Store

__all__ = ["notifications", "rehearsal"]

NOTIFY_TIMEOUT_SECONDS: Final = 3.0


def rehearsal(store: Store) -> Finding:
    """Have the database do what a worker asks of it, and undo it."""
    found = store.call("safari_rehearse")
    if found["error"] is None:
        return fine("a command", "insert, claim, begin and finish succeed (rolled back)")
    return problem(
        "a command",
        f"{found['step']} fails: {found['error']}",
        remedy_of(found.get("code") or "", found["error"])
        or "Nothing is sent until this is fixed. Run bin/db migrate; see the database log.",
    )


def notifications(settings: Settings, store: Store) -> Iterator[Finding]:
    """Wait for a NOTIFY that this process sends itself."""
    if settings.store_kind == "supabase":
        yield fine("notifications", "not available over REST: commands are picked up by polling")
        return
    listener = store.listener()
    if listener is None:
        yield fine(
            "notifications",
            "not available through a transaction pooler: commands are picked up by polling",
        )
        return
    with closing(listener):
        listener.wait(NOTIFY_TIMEOUT_SECONDS)  # the first answer says that it listens
        store.call("safari_wake")
        if listener.wait(NOTIFY_TIMEOUT_SECONDS):
            yield fine("notifications", "NOTIFY arrives")
        else:
            yield problem(
                "notifications",
                "NOTIFY does not arrive: the connection goes through a transaction pooler",
                "Set DATABASE_URL to a session pooler or a direct connection.",
            )
