"""Failures that a retry or another model can fix."""

from __future__ import annotations

from actp.errors import ClaudeError

__all__ = ["NoSuchModel", "Unavailable"]


class Unavailable(ClaudeError):
    """Raised when asking again may help, after ``wait_seconds`` where the API named a time."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__("unavailable", message, remedy="Try again later.")
        self.wait_seconds = wait_seconds


class NoSuchModel(ClaudeError):
    """Raised when the API does not know the model, as one that was retired."""

    def __init__(self, model: str) -> None:
        super().__init__(
            "refused",
            f"Claude has no model {model}.",
            remedy="Check ANTHROPIC_MODEL_FAST and ANTHROPIC_MODEL_BRIEF.",
        )
