"""The Claude client: structured answers with a fixed schema."""

from actp.clients.claude.client import Claude
from actp.clients.claude.question import Question, Tier

__all__ = ["Claude", "Question", "Tier"]
