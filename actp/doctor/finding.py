"""What one look of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding", "fine", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; a problem has a remedy."""

    check: str
    said: str
    remedy: str | None = None

    @property
    def is_problem(self) -> bool:
        """Whether somebody should do something."""
        return self.remedy is not None


def fine(check: str, said: str) -> Finding:
    """Return that all is well with something."""
    return Finding(check, said)


def problem(check: str, said: str, remedy: str) -> Finding:
    """Return that something is wrong, and what to do."""
    return Finding(check, said, remedy)
