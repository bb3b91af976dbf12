"""What a service finds around it: the world, Safari, the rules, and what is kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simulator.bell import Bell, Hold
    from simulator.browser.claims import Claims
    from simulator.browser.collisions import Collisions
    from simulator.browser.safari import Safari
    from simulator.scenario import RuleBook
    from simulator.world import World

__all__ = ["Host"]


class Host(Protocol):
    """The machine on which the nine services run."""

    world: World
    bell: Bell
    hold: Hold
    safari: Safari
    claims: Claims
    collisions: Collisions
    rules: RuleBook
    latency_seconds: float

    def next_request_id(self) -> int:
        """Return the number of the next request; all services share one sequence."""

    def note_request(self, service: str, request: str) -> None:
        """Write down what a service was asked."""

    def crash(self, name: str, restart_after_seconds: float | None) -> None:
        """End a service, and start it again after that time (None: never)."""

    def messaged(self, service: str) -> set[str]:
        """Return whom a service has messaged, which it keeps on disk."""
