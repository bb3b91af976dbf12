"""What one look of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding", "fine", "problem", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; a problem or a warning has a remedy."""

    check: str
    said: str
    remedy: str | None = None
    is_warning: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether it keeps the worker from its work."""
        return self.remedy is not None and not self.is_warning


def fine(check: str, said: str) -> Finding:
    """Return that all is well with something."""
    return Finding(check, said)


def problem(check: str, said: str, remedy: str) -> Finding:
    """Return that something is wrong, and what to do."""
    return Finding(check, said, remedy)


def warning(check: str, said: str, remedy: str) -> Finding:
    """Return what works but not as intended, and what to do."""
    return Finding(check, said, remedy, is_warning=True)
