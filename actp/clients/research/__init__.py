"""The market-research client: posts and creators of a niche."""

from actp.clients.research.client import MarketResearch
from actp.clients.research.findings import Creator, Findings, Post

__all__ = ["Creator", "Findings", "MarketResearch", "Post"]
