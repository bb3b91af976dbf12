"""Counts the requests, tokens and cost of one run."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from actp.clients.claude.answer import Usage
from actp.clients.claude.prices import dollars

if TYPE_CHECKING:
    from actp.store import Json

__all__ = ["Tally"]


class Tally:
    """Questions by purpose, outcome and model, each with its tokens."""

    def __init__(self) -> None:
        self._questions: Counter[tuple[str, str, str]] = Counter()
        self._usage: defaultdict[tuple[str, str, str], Usage] = defaultdict(Usage)

    def add(self, purpose: str, outcome: str, model: str, usage: Usage) -> None:
        """Count one question."""
        key = purpose, outcome, model
        self._questions[key] += 1
        self._usage[key] = self._usage[key].plus(usage)

    def rows(self) -> list[dict[str, Json]]:
        """Return the items for agent_claude_record; ``dollars`` is None without a known price."""
        return [
            {
                "purpose": purpose,
                "outcome": outcome,
                "model": model,
                "questions": self._questions[purpose, outcome, model],
                "tokens_asked": usage.asked,
                "tokens_answered": usage.answered,
                "dollars": dollars(model, usage),
            }
            for (purpose, outcome, model), usage in sorted(self._usage.items())
        ]
