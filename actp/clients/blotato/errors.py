"""Errors of the Blotato client."""

from __future__ import annotations

from typing import Literal, TypeAlias

from actp.errors import ActpError

__all__ = ["BlotatoError", "Verdict"]

Verdict: TypeAlias = Literal["not_sent", "unknown", "rejected", "misconfigured", "later"]


class BlotatoError(ActpError):
    """Raised when a post, upload or question failed; ``verdict`` says what that means.

    ``not_sent`` published nothing and may be tried again, ``later`` too, after ``wait_seconds``
    where a time is known; ``rejected`` fails as often as it is tried; ``misconfigured`` needs a
    person; after ``unknown`` the post may or may not be out, and must not be tried again.
    """

    def __init__(
        self,
        message: str,
        verdict: Verdict,
        *,
        remedy: str | None = None,
        wait_seconds: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.verdict = verdict
        self.wait_seconds = wait_seconds
