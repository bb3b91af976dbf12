"""Captions of videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.domains.publishing.captions import fitted

if TYPE_CHECKING:
    from actp.domains.remotion.brief import ContentBrief

__all__ = ["PLATFORMS", "descriptions", "platforms_for"]

# Where every video goes.
PLATFORMS: Final = ("tiktok", "instagram", "twitter", "threads")


def platforms_for(brief: ContentBrief) -> tuple[str, ...]:
    """Return where a video goes: everywhere, and to the platform that it was made for."""
    return tuple(dict.fromkeys((*PLATFORMS, brief.platform)))


def descriptions(brief: ContentBrief) -> dict[str, str]:
    """Return the text for each platform, as long as the platform takes."""
    text = "\n\n".join(filter(None, (brief.hook, brief.cta, " ".join(brief.hashtags))))
    return {platform: fitted(platform, text) for platform in platforms_for(brief)}
