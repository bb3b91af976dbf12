"""The register of tabs that services have claimed, which all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.browser.safari import Spot

__all__ = ["Claim", "Claims"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim is on a place, so it means another tab once one before it is closed."""

    agent: str
    service: str
    port: int
    spot: Spot
    url: str

    def as_json(self) -> dict[str, Any]:
        """Return it as the services do."""
        return {
            "agentId": self.agent,
            "service": self.service,
            "port": self.port,
            "windowIndex": self.spot.window,
            "tabIndex": self.spot.tab,
            "tabUrl": self.url,
        }


class Claims:
    """Claims by agent."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}

    def of(self, agent: str) -> Claim | None:
        """Return the claim of an agent."""
        return self._claims.get(agent)

    def holder(self, spot: Spot) -> str | None:
        """Return who has claimed a place."""
        return next((c.agent for c in self._claims.values() if c.spot == spot), None)

    def add(self, claim: Claim) -> None:
        """Claim a place; replaces an earlier claim of the agent."""
        self._claims[claim.agent] = claim

    def release(self, agent: str) -> None:
        """Let go of a claim; once is enough."""
        self._claims.pop(agent, None)

    def forget(self, service: str | None = None) -> None:
        """Drop the claims of a service that died, or all."""
        kept = {a: c for a, c in self._claims.items() if service not in (None, c.service)}
        self._claims = kept

    def as_json(self) -> list[dict[str, Any]]:
        """Return all claims."""
        return [claim.as_json() for claim in self._claims.values()]
