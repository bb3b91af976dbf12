"""Token prices by model."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.clients.claude.answer import Usage

__all__ = ["dollars"]

# US dollars for a million tokens, asked and answered.
_PRICES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "claude-haiku-4-5": (1.0, 5.0),
        "claude-sonnet-4-5": (3.0, 15.0),
        "claude-sonnet-4-6": (3.0, 15.0),
        "claude-opus-4-5": (5.0, 25.0),
    }
)
_MILLION: Final = 1_000_000
_DATE = re.compile(r"-\d{8}$")


def dollars(model: str, usage: Usage) -> float | None:
    """Return what a message cost, or None for a model whose price is not known."""
    price = _PRICES.get(_DATE.sub("", model))
    if price is None:
        return None
    return (usage.asked * price[0] + usage.answered * price[1]) / _MILLION
