"""The nine services, each in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.services.instagram_comments import InstagramComments
from simulator.services.instagram_dm import InstagramDm
from simulator.services.linkedin import LinkedIn
from simulator.services.market_research import MarketResearch
from simulator.services.threads_comments import ThreadsComments
from simulator.services.tiktok_comments import TikTokComments
from simulator.services.tiktok_dm import TikTokDm
from simulator.services.twitter_comments import TwitterComments
from simulator.services.twitter_dm import TwitterDm

if TYPE_CHECKING:
    from simulator.services.service import Service

__all__ = ["SERVICES"]

SERVICES: tuple[type[Service], ...] = (
    InstagramDm,
    TwitterDm,
    ThreadsComments,
    InstagramComments,
    TikTokComments,
    TwitterComments,
    TikTokDm,
    LinkedIn,
    MarketResearch,
)
