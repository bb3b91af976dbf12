"""How far a mean must be from another one before chance no longer explains it."""

from __future__ import annotations

__all__ = ["errors_needed"]


def errors_needed(errors: float, freedom: int) -> float:
    """Return the standard errors that are as seldom as ``errors`` would be of a known variance.

    ``freedom`` is how many values estimate the variance beyond the means that were taken of them,
    at least 1. Of few values it is often too small by chance (Student's t, first order).
    """
    return errors + (errors**3 + errors) / (4 * freedom)
