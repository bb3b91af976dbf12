"""Formats a count with its noun."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """Return ``1 alert`` or ``2,000 alerts``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
