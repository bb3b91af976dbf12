"""What a run asked of Claude, as it tells the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actp.store import Json

__all__ = ["HAIKU", "asked"]

HAIKU = "claude-haiku-4-5"


def asked(**changes: Json) -> dict[str, Json]:
    """One answered question for a DM, at a tenth of a dollar."""
    usual: dict[str, Json] = {
        "purpose": "dm",
        "outcome": "answered",
        "model": HAIKU,
        "questions": 1,
        "tokens_asked": 100,
        "tokens_answered": 10,
        "dollars": 0.1,
    }
    return usual | changes
