"""Which niches are researched on which platform."""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from actp.domains.taxonomy import NICHES
from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MATRIX", "wanted"]

MATRIX: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "twitter": ("ai_automation", "saas_growth", "content_creation"),
        "tiktok": ("ai_automation", "content_creation", "creator_economy"),
        "threads": ("content_creation", "personal_brand", "creator_economy"),
        "instagram": ("personal_brand", "creator_economy", "digital_marketing"),
    }
)


def wanted(platform: str | None, niche: str | None) -> dict[str, tuple[str, ...]]:
    """Return the niches to look up by platform: all of the matrix, or what was named of it.

    A platform and a niche together need not stand in the matrix. Raises InvalidInput for what is
    unknown.
    """
    if platform is not None:
        _check("platform", platform, MATRIX)
    if niche is not None:
        _check("niche", niche, NICHES)
    if platform is not None:
        return {platform: (niche,) if niche else MATRIX[platform]}
    if niche is None:
        return dict(MATRIX)
    return {name: (niche,) for name, niches in MATRIX.items() if niche in niches}


def _check(kind: str, given: str, known: Iterable[str]) -> None:
    if given in known:
        return
    nearest = get_close_matches(given, list(known), n=1)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    raise InvalidInput(
        f"no such {kind} here: {given!r}", remedy=f"{hint}Known are {', '.join(known)}."
    )
