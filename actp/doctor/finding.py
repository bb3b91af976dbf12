"""The result of one check of the doctor."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding", "fine", "problem", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; a problem or a warning has a remedy."""

    check: str
    said: str
    remedy: str | None = None
    is_warning: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether it prevents the worker from running."""
        return self.remedy is not None and not self.is_warning


def fine(check: str, said: str) -> Finding:
    """Return a passed check."""
    return Finding(check, said)


def problem(check: str, said: str, remedy: str) -> Finding:
    """Return a problem with its remedy."""
    return Finding(check, said, remedy)


def warning(check: str, said: str, remedy: str) -> Finding:
    """Return a warning with its remedy."""
    return Finding(check, said, remedy, is_warning=True)
