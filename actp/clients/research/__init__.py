"""The market-research service, asked for what a niche talks about and who does."""

from actp.clients.research.client import MarketResearch
from actp.clients.research.findings import Creator, Findings, Post

__all__ = ["Creator", "Findings", "MarketResearch", "Post"]
