"""The ages at which a post is measured, and which measurement is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["LOOKS", "due_look", "next_hours"]

# The name of each look, and the age in hours from which it is taken.
LOOKS: Final = (("1h", 1.0), ("4h", 4.0), ("24h", 24.0), ("7d", 168.0))


def due_look(age_hours: float, taken: Collection[str]) -> str | None:
    """Return the look to take at an age; None where its time has not come or it was taken.

    Of several whose time has come it is the latest: what a post had brought earlier is gone.
    """
    passed = [name for name, hours in LOOKS if age_hours >= hours]
    return passed[-1] if passed and passed[-1] not in taken else None


def next_hours(age_hours: float) -> float | None:
    """Return the age at which the look after this age is due; None after the last."""
    return next((hours for _, hours in LOOKS if hours > age_hours), None)
