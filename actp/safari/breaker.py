"""A circuit breaker as a value: each event yields the next one, times are passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from actp.safari.outcomes import Breaking

__all__ = ["Breaker", "BreakerState", "Step"]

BreakerState = Literal["closed", "open", "half_open"]
Step = Literal["go", "wait", "probe"]

FAILURES_TO_OPEN: Final = 3
FIRST_COOL_DOWN_SECONDS: Final = 5.0
# A service that is back is used again within this.
LONGEST_COOL_DOWN_SECONDS: Final = 30.0
JITTER_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a service may be used.

    It opens after three counted failures in a row, or at once when told to. After a cool-down
    it is half open: ``/health`` and readiness are probed before the next command, and the first
    failure after that opens it again, for twice as long. Times are seconds of one clock.
    """

    state: BreakerState = "closed"
    failures: int = 0
    openings: int = 0
    until: float = 0.0
    is_probed: bool = False

    def step(self, now: float) -> Step:
        """Return what to do before the next command: send it, wait, or probe first."""
        if self.state == "closed" or self.is_probed:
            return "go"
        return "wait" if self.state == "open" and now < self.until else "probe"

    def wait_seconds(self, now: float) -> float:
        """Return how long it stays open."""
        return max(0.0, self.until - now) if self.state == "open" else 0.0

    def after(
        self,
        breaking: Breaking,
        now: float,
        jitter: float = 0.0,
        wait_seconds: float | None = None,
    ) -> Breaker:
        """Return the breaker after an outcome; ``jitter`` is a random number of 0 to 1.

        ``wait_seconds`` is how long the outcome itself says to wait, where it opens at once.
        """
        if breaking == "ok":
            return Breaker()
        if breaking == "open":
            return self._opened(now, wait_seconds or FIRST_COOL_DOWN_SECONDS, jitter)
        failures = self.failures + 1
        if self.state == "closed" and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        longer = FIRST_COOL_DOWN_SECONDS * 2.0 ** min(self.openings, 16)
        return self._opened(now, min(longer, LONGEST_COOL_DOWN_SECONDS), jitter)

    def after_probe(self, *, is_ready: bool, now: float, jitter: float = 0.0) -> Breaker:
        """Return the breaker after a probe: ready lets one command try, else it opens again."""
        if self.state == "closed":
            return self
        if is_ready:
            return replace(self, state="half_open", is_probed=True)
        return self.after("count", now, jitter)

    def _opened(self, now: float, cool_down_seconds: float, jitter: float) -> Breaker:
        return Breaker(
            state="open",
            failures=self.failures + 1,
            openings=self.openings + 1,
            until=now + cool_down_seconds * (1.0 + JITTER_SHARE * jitter),
        )
