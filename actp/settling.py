"""Settles unknown outcomes by checking the page where the text should be."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput, SafariBusy, ServiceError
from actp.operators import act
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.commands import parse_command
from actp.safari.reading import Sight, read_text
from actp.safari.turns import TurnTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.safari.client import SafariClient
    from actp.settings import Settings
    from actp.store import Json, Store

__all__ = ["LOOKS", "free_after_research", "settle"]

LOOKS: Final = 3
BETWEEN_LOOKS_SECONDS: Final = 30.0
# Agents take turns under this name, and keep them for jobs of market-research.
AGENT_HOLDER: Final = "agent-"
RESEARCH: Final = "market-research"
JOBS_PATH: Final = "/api/research/status"
JOBS_TIMEOUT_SECONDS: Final = 10.0


def settle(
    store: Store,
    settings: Settings,
    safari: SafariClient,
    *,
    only_id: str | None = None,
    operator: str | None = None,
) -> list[dict[str, Any]]:
    """Look at the unknown outcomes that are due, or at one now; return what happened to each.

    Nothing is sent. Only a text that was found settles its command as sent; one that is absent
    stays unknown, but where its absence proves that it was not sent. With an ``operator`` the audit
    has who asked.
    """
    scale = settings.safari_time_scale
    wanted: dict[str, Json] = {
        "rest": {service.name: service.busy_seconds * scale for service in HTTP_SERVICES},
        "again_seconds": BETWEEN_LOOKS_SECONDS * scale,
        "only_id": only_id,
        "accounts": dict(settings.safari_accounts),
    }
    claimed: Any = (
        store.call("safari_claim_looks", **wanted)
        if operator is None
        else act(store, operator, "settle", **wanted)
    )
    settled = []
    for row in claimed:
        sight = _look(settings, safari, row)
        is_last = only_id is not None or row["looks"] >= LOOKS
        is_gone = sight.verdict == "absent" and sight.proves_absence and is_last
        recorded: Any = store.call(
            "safari_record_look",
            id=row["id"],
            attempt=row["attempt"],
            verdict="gone" if is_gone else sight.verdict,
            detail=sight.detail or None,
            address=sight.address,
        )
        settled.append(recorded)
    return settled


def free_after_research(settings: Settings, safari: SafariClient) -> tuple[str, ...]:
    """Give back the turns of interrupted research whose job has ended; return whose they were."""
    with closing(TurnTable(settings.actp_lock_dir, settings.safari_turns)) as table:
        left = [
            turn.holder
            for turn in table.taken()
            if turn.holder.startswith(AGENT_HOLDER)
            and turn.is_left
            and turn.why.startswith(RESEARCH)
        ]
        if not left:
            return ()
        try:
            said: Any = safari.get(
                RESEARCH, JOBS_PATH, timeout_seconds=JOBS_TIMEOUT_SECONDS, turn=False
            )
        except ServiceError:
            return ()
        if not isinstance(said, dict) or said.get("currentJob", said) is not None:
            return ()
        return tuple(freed for holder in left for freed in table.free(holder))


def _look(settings: Settings, safari: SafariClient, row: Mapping[str, Any]) -> Sight:
    try:
        command = parse_command(row)
    except InvalidInput as error:
        return Sight("unreadable", str(error))
    own = settings.safari_own_handles.get(command.platform or "")
    try:
        with safari.turn(command.service.busy_seconds, f"{row['service']} checks {row['id']}"):
            sight = read_text(
                safari,
                command,
                own_handle=own,
                begun_at=datetime.fromisoformat(row["begun_at"]),
            )
    except SafariBusy as error:
        return Sight("unreadable", str(error))
    except ServiceError as error:
        return Sight("unreadable", str(error)[:200])
    if sight.verdict == "found" and row["was_sent_before"]:
        return Sight("ambiguous", "the same text was sent there earlier")
    return sight
