"""Which measurements of a test are due at its age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GIVE_UP_HOURS", "due_windows", "late_windows"]

WINDOWS: Final = (("metrics_1h", 1.0), ("metrics_4h", 4.0), ("metrics_24h", 24.0))
# The schedule looks every two hours, so a look is late from two hours after its own on.
LATE_AFTER_HOURS: Final = 2.5
# A post that cannot be read for a day after it was due will not be.
GIVE_UP_HOURS: Final = 48.0


def due_windows(test: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns to fill now: each at the first look after its hour."""
    age = test["age_hours"]
    return tuple(name for name, hours in WINDOWS if age >= hours and test[name] is None)


def late_windows(age_hours: float, windows: tuple[str, ...]) -> list[str]:
    """Return the windows, as ``1h``, for which a look at this age comes too late to stand for."""
    return [
        name.removeprefix("metrics_")
        for name, hours in WINDOWS
        if name in windows and age_hours > hours + LATE_AFTER_HOURS
    ]
