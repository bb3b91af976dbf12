"""The entries of the ledger: begins and finishes of attempts, as the database takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from actp.errors import StoreRefused
from actp.safari.commands import handle_of, parse_command, recipient, text_hash
from actp.safari.outcomes import Outcome

if TYPE_CHECKING:
    from actors.worker.messages import Row
    from actp.errors import StoreError
    from actp.safari.commands import Command

__all__ = [
    "Begin",
    "Begun",
    "Finish",
    "begin_item",
    "begin_of",
    "begun_from",
    "command_of",
    "finish_item",
    "finish_of",
    "handed_back",
    "is_about_entry",
    "reduced",
]

# A lock, a timeout, and what a trigger's own statements lack: a right, a table, a column.
_ABOUT_A_ROW = ("55P03", "57014", "42")
_HANDED_BACK = Outcome("wait", "handed_back", quota_back=True)


@dataclass(frozen=True, slots=True)
class Begin:
    """Asks to store the intent to send."""

    id: str
    lease: int
    service: str
    recipient: str | None
    person: str | None
    text_hash: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """The database's answer to a Begin: granted, wait, refused, lost or unheard.

    ``unheard`` are contacts of the person whose words must be judged before it is asked again.
    """

    verdict: str
    reason: str | None
    attempt: int
    unheard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The outcome of an attempt; attempt 0 ends a row that was never begun."""

    id: str
    lease: int
    service: str
    attempt: int
    outcome: Outcome


def command_of(row: Row) -> Command:
    """Return the command of a claimed row; raises InvalidInput with what is wrong with it."""
    return parse_command(
        {"id": row.id, "action": row.action, "platform": row.platform, "params": row.params}
    )


def begin_of(row: Row, command: Command) -> Begin:
    """Return the question whether a row may be sent."""
    return Begin(
        id=row.id,
        lease=row.lease,
        service=row.service,
        recipient=recipient(command),
        person=handle_of(command),
        text_hash=text_hash(command),
    )


def finish_of(row: Row, attempt: int, outcome: Outcome) -> Finish:
    """Return the finish of an attempt at a row; attempt 0 was never begun."""
    return Finish(row.id, row.lease, row.service, attempt, outcome)


def handed_back(row: Row) -> Finish:
    """Return the finish of a row that goes back as if it had never been claimed."""
    return finish_of(row, 0, _HANDED_BACK)


def begin_item(begin: Begin) -> dict[str, Any]:
    """Return a begin as the database takes it."""
    return {
        "id": begin.id,
        "lease": begin.lease,
        "service": begin.service,
        "recipient": begin.recipient,
        "person": begin.person,
        "text_hash": begin.text_hash,
        "hears": True,  # an older release does not judge what a person wrote
    }


def begun_from(answer: dict[str, Any]) -> Begun:
    """Return the database's answer to a begin."""
    return Begun(
        answer["verdict"],
        answer.get("reason"),
        answer.get("attempt") or 0,
        tuple(answer.get("contacts") or ()),
    )


def finish_item(finish: Finish) -> dict[str, Any]:
    """Return a finish as the database and the spool take it."""
    outcome = finish.outcome
    # The database itself alerts an unknown outcome, with the command at hand. An alert beside it is
    # about the service.
    reason = "blocked" if outcome.verdict == "unknown" else outcome.reason
    words = (word for word in ("rewritten", "unstorable") if outcome.result.get(word))
    kind = next(words, reason)
    return {
        "id": finish.id,
        "lease": finish.lease,
        "attempt": finish.attempt,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "error": outcome.error or None,
        "quota_back": outcome.quota_back,
        "http_status": outcome.http_status,
        "wait_seconds": outcome.wait_seconds,
        "alert": {"kind": kind, "text": outcome.alert} if outcome.alert else None,
        "result": outcome.result,
    }


def is_about_entry(error: StoreError) -> bool:
    """Return whether the database may take other entries, and this one later.

    Its row is locked, or another program's trigger or constraint refuses the write. An entry that
    is malformed (class 22, or refused before it was sent) is never taken.
    """
    if isinstance(error, StoreRefused):
        return bool(error.code) and not error.code.startswith("22")
    return error.code.startswith(_ABOUT_A_ROW)


def reduced(finish: Finish, error: Exception) -> Finish | None:
    """Return the finish without its answer, or None when it has none left to leave out."""
    if "unstorable" in finish.outcome.result:
        return None
    result = {"success": finish.outcome.verdict == "sent", "unstorable": str(error)[:200]}
    alert = "the answer could not be stored"
    outcome = replace(finish.outcome, result=result, error="", alert=alert)
    return replace(finish, outcome=outcome)
