"""Claude, asked for answers of a known shape."""

from actp.clients.claude.client import Claude
from actp.clients.claude.question import Question, Tier

__all__ = ["Claude", "Question", "Tier"]
