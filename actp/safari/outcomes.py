"""The outcome of a command, read by the ledger, the breaker and the alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.errors import ActpError

__all__ = [
    "Breaking",
    "Failure",
    "Outcome",
    "Phase",
    "Reply",
    "Verdict",
    "Verification",
    "refused_input",
]

Verdict = Literal["sent", "retry", "rejected", "wait", "unknown"]
Breaking = Literal["ok", "count", "open"]
# What is known of a text that was sent: seen in its place, claimed by the service, or nothing.
Verification = Literal["seen", "claimed", "none"]


class Phase(StrEnum):
    """How far a request without an answer got."""

    NEVER_CONNECTED = "never_connected"
    MAYBE_SENT = "maybe_sent"


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no answer, and why, for a person to read."""

    phase: Phase
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came; header names in any case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to record and do about one attempt.

    ``reason`` is a stable machine word, ``error`` says the same to a person (empty when sent).
    ``quota_back`` is true only where nothing was sent. ``breaker`` is what the circuit breaker
    makes of it: ``ok`` closes, ``count`` counts a failure, ``open`` opens at once.
    ``is_unclear`` says that no complete answer came, so the service may still drive Safari;
    ``is_suspicious`` that a page without a login would have failed in the same way.
    """

    verdict: Verdict
    reason: str
    error: str = ""
    quota_back: bool = False
    wait_seconds: float | None = None
    breaker: Breaking = "ok"
    alert: str | None = None
    http_status: int | None = None
    result: dict[str, Any] = field(default_factory=dict, repr=False)
    is_unclear: bool = False
    is_suspicious: bool = False


def refused_input(service: str, error: ActpError) -> Outcome:
    """Return the outcome of a command that was refused before anything left."""
    said = ". ".join(filter(None, (str(error).rstrip("."), error.remedy)))
    return Outcome(
        "rejected",
        "validation",
        error=said,
        quota_back=True,
        result={
            "outcome": "rejected",
            "reason": "validation",
            "success": False,
            "service": service,
        },
    )
