"""What the ledger sends to the database in one call, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from actors.worker.messages import Begun

if TYPE_CHECKING:
    from actors.worker.messages import Begin, Finish

__all__ = ["Answer", "Batch", "begin_item", "begun_message", "finish_item", "reduced"]

Answer: TypeAlias = "dict[str, list[dict[str, Any]]]"


@dataclass(frozen=True, slots=True)
class Batch:
    """One write, with its answer once there is one; each begin with when it was asked."""

    finishes: tuple[Finish, ...]
    begins: tuple[tuple[Begin, float], ...]
    answer: Answer = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return how many items it has."""
        return len(self.finishes) + len(self.begins)

    def answered(self, answer: Answer) -> Batch:
        """Return the same batch with its answer."""
        return replace(self, answer=answer)

    def is_answer_of(self, asked: Batch | None) -> bool:
        """Tell whether this is the answer of that write, not of a predecessor's."""
        return asked is not None and self.finishes is asked.finishes and self.begins is asked.begins


def begin_item(begin: Begin) -> dict[str, Any]:
    """Return a begin as the database takes it."""
    return {
        "id": begin.id,
        "lease": begin.lease,
        "service": begin.service,
        "recipient": begin.recipient,
        "person": begin.person,
        "text_hash": begin.text_hash,
    }


def begun_message(answer: dict[str, Any], begin: Begin, asked_at: float) -> Begun:
    """Return the database's answer to a begin as a message."""
    return Begun(
        id=answer["id"],
        verdict=answer["verdict"],
        reason=answer.get("reason"),
        attempt=answer.get("attempt") or 0,
        lease=begin.lease,
        asked_at=asked_at,
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


def reduced(finish: Finish, error: Exception) -> Finish | None:
    """Return the finish without its answer, or None when it has none left to leave out."""
    if "unstorable" in finish.outcome.result:
        return None
    result = {"success": finish.outcome.verdict == "sent", "unstorable": str(error)[:200]}
    alert = "the answer could not be stored"
    outcome = replace(finish.outcome, result=result, error="", alert=alert)
    return replace(finish, outcome=outcome)
