"""How many rows a service may hold at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["PrefetchLimit"]

# Rows that wait in a worker cannot be overtaken by a more urgent one, so no more are held than
# are processed in a moment; and a claim costs the database the same for one row as for many.
COVERED_SECONDS = 0.25
MAX_ROWS = 32
SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class PrefetchLimit:
    """Grows where commands are quick; a service that takes seconds holds one row."""

    mean_seconds: float = COVERED_SECONDS

    def after(self, seconds: float) -> PrefetchLimit:
        """Return the window after a command that took so long."""
        mean = self.mean_seconds + SMOOTHING * (seconds - self.mean_seconds)
        return replace(self, mean_seconds=max(mean, COVERED_SECONDS / MAX_ROWS))

    @property
    def rows(self) -> int:
        """Return how many rows may be held, the one in flight included."""
        return max(1, min(MAX_ROWS, int(COVERED_SECONDS / self.mean_seconds)))

    def room(self, outstanding: int) -> int:
        """Return how many more to ask for; none until half the window is free."""
        return self.rows - outstanding if outstanding <= self.rows // 2 else 0
