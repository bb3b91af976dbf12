"""Judges an outcome by those of the same service before it: what one alone does not show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from actp.safari.commands import Research

if TYPE_CHECKING:
    from actp.safari.commands import Command
    from actp.safari.outcomes import Outcome

__all__ = ["Streaks"]

# So many commands in a row end unknown before the others are held back.
UNKNOWNS_TO_HOLD: Final = 3
HOLD_SECONDS: Final = 900.0
# So many searches of a platform in a row find nothing before a person is asked to look.
EMPTY_SEARCHES_TO_TELL: Final = 3


class Streaks:
    """The last outcomes of one service; used by its thread."""

    def __init__(self) -> None:
        self._unknowns = 0
        self._blocked: str | None = None
        self._is_other_sent = False
        self._empty_searches: dict[str, int] = {}

    def after(self, command: Command, outcome: Outcome) -> Outcome:
        """Return the outcome of a command, in view of those before it."""
        if isinstance(command, Research):
            return self._after_search(command, outcome)
        if outcome.verdict == "sent":
            self._unknowns, self._is_other_sent = 0, self._blocked is not None
            if command.id == self._blocked:
                self._blocked = None
        elif outcome.verdict == "unknown":
            return self._after_unknown(command, outcome)
        elif outcome.verdict == "wait" and outcome.reason == "blocked":
            return self._after_block(command, outcome)
        return outcome

    def _after_search(self, command: Research, outcome: Outcome) -> Outcome:
        """Tell searches that find nothing from a site that shows nothing, as without a login."""
        if outcome.verdict != "sent":
            return outcome
        platform = command.platform
        count = self._empty_searches.get(platform, 0) + 1 if outcome.reason == "no_results" else 0
        self._empty_searches[platform] = count
        if count != EMPTY_SEARCHES_TO_TELL:
            return outcome
        return replace(
            outcome,
            alert=(
                f"{command.service.name}: {count} searches of {platform} in a row found nothing;"
                f" see whether Safari is logged in to {platform} and shows results."
            ),
        )

    def _after_unknown(self, command: Command, outcome: Outcome) -> Outcome:
        self._unknowns += 1
        if self._unknowns < UNKNOWNS_TO_HOLD or outcome.wait_seconds is not None:
            return outcome
        name = command.service.name
        return replace(
            outcome,
            breaker="open",
            wait_seconds=HOLD_SECONDS,
            alert=(
                f"{name}: {self._unknowns} commands in a row ended unknown, so the others wait"
                f" {HOLD_SECONDS / 60:.0f} minutes each time. {_said(outcome)} Check Safari and the"
                f" service's log, then run bin/resume --service {name}."
            ),
        )

    def _after_block(self, command: Command, outcome: Outcome) -> Outcome:
        """Tell a platform that blocks from a page that holds the words of a block.

        The drivers look for such words in the whole page: one conversation or post with them would
        keep all other commands back for good.
        """
        if command.id != self._blocked or not self._is_other_sent:
            self._blocked, self._is_other_sent = command.id, False
            return outcome
        self._blocked, self._is_other_sent = None, False
        reason = "words_of_a_block"
        return replace(
            outcome,
            verdict="rejected",
            reason=reason,
            error=(
                f"{outcome.error}; others were sent meanwhile, so its page holds words that"
                " the service takes for a block; nothing was sent. Write there by hand."
            ),
            wait_seconds=None,
            breaker="ok",
            alert=None,
            result={**outcome.result, "outcome": "rejected", "reason": reason},
        )


def _said(outcome: Outcome) -> str:
    return f"The last: {outcome.error[:200]}." if outcome.error else ""
