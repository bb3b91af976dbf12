"""Errors of the Remotion client."""

from __future__ import annotations

from typing import Literal, TypeAlias

from actp.errors import ActpError

__all__ = ["Reason", "RemotionError"]

Reason: TypeAlias = Literal["offline", "later", "refused", "misconfigured"]


class RemotionError(ActpError):
    """Raised when a render was not accepted or a job could not be asked for.

    ``offline`` and ``later`` (after ``wait_seconds`` where a time is known) may succeed as they
    are; ``refused`` fails as often as it is tried; ``misconfigured`` needs a person.
    """

    def __init__(
        self,
        message: str,
        reason: Reason,
        *,
        remedy: str | None = None,
        wait_seconds: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason
        self.wait_seconds = wait_seconds
