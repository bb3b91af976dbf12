"""An attempt at one command, from the turn at Safari to its finish, as one straight line.

It runs on a thread that is no actor and may wait; the actor beside it answers its mailbox.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import nullcontext
from dataclasses import replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from actors.worker.entries import begin_of, command_of, finish_of, handed_back
from actors.worker.held_turn import HeldTurn
from actors.worker.messages import Ended
from actp.clock import steady_seconds
from actp.errors import InvalidInput
from actp.safari.commands import Command, awaits_post, handle_of
from actp.safari.outcomes import Failure, Outcome, Phase, refused_input
from metrics import instruments

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from actors.worker.attempt_thread import Tools
    from actors.worker.entries import Begin, Begun
    from actors.worker.messages import Row
    from actp.safari.requests import ServiceRequest

__all__ = ["Attempt"]

# A deadline is looked at from read to read, so a request may take twice its time.
OVERDUE_FACTOR = 2.0
OVERDUE_MARGIN_SECONDS = 30.0
MAX_DETAIL_CHARS = 200

_FORGOTTEN = Outcome(
    "unknown",
    "unknown",
    error="this host has already sent it: the database was restored to an earlier state",
)
_STALE = Outcome("wait", "begun_too_long_ago", quota_back=True)
_UNHEARD = Outcome("wait", "unheard", quota_back=True, wait_seconds=30.0)

_log = logging.getLogger(__name__)


class _Sending(NamedTuple):
    command: Command
    attempt: int
    overdue_at: float


class Attempt:
    """One row on its way; ``run`` is called once, the rest from any thread."""

    def __init__(self, row: Row, tools: Tools) -> None:
        self.row = row
        self._transport, self._ledger = tools.transport, tools.ledger
        self._begin_valid_seconds, self._marks = tools.begin_valid_seconds, tools.marks
        self._hear = tools.hear
        self._service = tools.transport.service
        self._turn = HeldTurn(tools.turns, self._service)
        self._cancelled = threading.Event()
        self._is_looking = False
        self._sending: _Sending | None = None
        self._answer: Outcome | None = None
        self._handed_back: Future[bool] | None = None

    def run(self) -> Ended:  # noqa: PLR0911 - each return is one end of the line
        """Attempt the row; returns at its end, which the database may not have stored yet."""
        try:
            command = command_of(self.row)
            request = None if awaits_post(command) else self._transport.prepare(command)
        except InvalidInput as error:
            return self._finish(0, refused_input(self._service.name, error))
        with self._turn_for(command) as has_turn:
            if not has_turn:
                return self._hand_back()
            looked = self._look(command)
            if self._cancelled.is_set():
                return self._hand_back()
            if isinstance(looked, Outcome) and looked.verdict == "wait":
                return self._finish(0, looked, learned=looked)
            if isinstance(looked, Command) and looked is not command:
                try:
                    command, request = looked, self._transport.prepare(looked)
                except InvalidInput as error:
                    looked = refused_input(self._service.name, error)
            asked_at = steady_seconds()
            begun = self._begin_heard(begin_of(self.row, command))
            if begun.verdict != "granted":
                return self._not_begun(begun)
            if self._cancelled.is_set() or steady_seconds() - asked_at > self._begin_valid_seconds:
                return self._finish(begun.attempt, _STALE)
            if isinstance(looked, Outcome):  # counted, retried and reported like any other attempt
                return self._finish(begun.attempt, looked, learned=looked)
            outcome, seconds = self._send(command, request, begun.attempt)
            outcome = self._read_back(command, outcome)
            self._turn.release(outcome)
            return self._finish(begun.attempt, outcome, learned=outcome, seconds=seconds)

    def cancel(self) -> None:
        """Have the row handed back, unless its request has been sent."""
        self._cancelled.set()
        self._turn.wake()

    def abandon(self) -> Future[bool] | None:
        """Record an attempt that drives Safari as it stands; its true end may still follow.

        Returns the future of the entry, or None when Safari is not driven now.
        """
        sending = self._sending
        if sending is None and not self._is_looking:
            return None
        self._turn.leave_busy()
        if sending is None:
            self._handed_back = self._ledger.submit(handed_back(self.row))
            return self._handed_back
        failure = Failure(Phase.MAYBE_SENT, "the worker was stopped before an answer came")
        outcome = self._answer or self._transport.outcome_of(sending.command, failure)
        return self._ledger.submit(finish_of(self.row, sending.attempt, outcome))

    @property
    def has_turn(self) -> bool:
        """Whether Safari is this attempt's own now."""
        return self._turn.is_held

    @property
    def is_overdue(self) -> bool:
        """Whether the request under way should have ended long ago; sleep does not count."""
        sending = self._sending
        return sending is not None and monotonic() > sending.overdue_at

    # -- the steps, in their order

    def _turn_for(self, command: Command) -> AbstractContextManager[bool]:
        if not self._transport.needs_turn(command):
            return nullcontext(enter_result=True)
        why = f"{command.action} {handle_of(command) or ''} ({self.row.id[:8]})"
        return self._turn.held(give_up=self._cancelled.is_set, why=why)

    def _look(self, command: Command) -> Command | Outcome:
        """Look at the page and for the post of a comment; without an all-clear the turn ends."""
        self._is_looking = True
        try:
            looked = self._transport.look(command)
        except Exception as error:  # noqa: BLE001 - nothing was sent: it can be tried again
            _log.exception("looking failed", extra={"action": "look_failed"})
            looked = Outcome("retry", "look_failed", error=_detail(error), quota_back=True)
        self._is_looking = False
        if isinstance(looked, Outcome):
            self._turn.release(looked)
        return looked

    def _begin(self, begin: Begin) -> Begun:
        answer = self._ledger.submit(begin)
        while True:
            try:
                return answer.result(self._begin_valid_seconds)
            except FutureTimeout:  # nothing will be sent: others may drive Safari meanwhile
                self._turn.release()

    def _begin_heard(self, begin: Begin) -> Begun:
        """Begin; where the person wrote what nobody has judged, judge it and begin again."""
        begun = self._begin(begin)
        if not begun.unheard or self._hear is None:
            return begun
        try:
            self._hear(begun.unheard)
        except Exception:  # noqa: BLE001 - nothing was sent, and nothing will be before it succeeds
            _log.exception("judging replies failed", extra={"action": "hear_failed"})
            return begun
        return self._begin(begin)

    def _not_begun(self, begun: Begun) -> Ended:
        if begun.verdict == "unheard":
            return self._finish(0, _UNHEARD)
        if begun.verdict == "refused":
            self._count("refused")
        elif begun.verdict == "lost" and begun.attempt:  # overtaken after it was granted
            return replace(self._finish(begun.attempt, _STALE), is_lost=True)
        is_lost, must_wait = begun.verdict == "lost", begun.verdict == "wait"
        return Ended(self.row, is_lost=is_lost, must_wait=must_wait)

    def _send(
        self, command: Command, request: ServiceRequest | None, attempt: int
    ) -> tuple[Outcome, float]:
        marks = self._marks if self.row.effect == "once" else None
        if marks is not None and not marks.begin(self.row.id, attempt):
            return _FORGOTTEN, 0.0
        # Without a request it is a child process, which is killed when its own time is over.
        longest = inf if request is None else request.timeout_seconds * OVERDUE_FACTOR
        self._sending = _Sending(command, attempt, monotonic() + longest + OVERDUE_MARGIN_SECONDS)
        sent_at = steady_seconds()
        try:
            outcome = self._transport.send(command, request)
        except Exception as error:  # noqa: BLE001 - see the comment
            # Bytes may have left before any mistake of this program.
            _log.exception("sending failed", extra={"action": "send_failed"})
            failure = Failure(Phase.MAYBE_SENT, _detail(error))
            outcome = self._transport.outcome_of(command, failure)
        self._answer = outcome
        seconds = steady_seconds() - sent_at
        instruments.REQUEST_SECONDS.labels(self._service.name).observe(seconds)
        return outcome, seconds

    def _read_back(self, command: Command, outcome: Outcome) -> Outcome:
        """Look at what the page shows of it now; a failure to look changes nothing."""
        if outcome is _FORGOTTEN:  # nothing was sent now
            return outcome
        try:
            return self._transport.read_back(command, outcome)
        except Exception:  # noqa: BLE001 - the outcome is known without it
            _log.exception("reading back failed", extra={"action": "read_back_failed"})
            return outcome
        finally:
            self._sending = None

    def _hand_back(self) -> Ended:
        finish = self._handed_back or self._ledger.submit(handed_back(self.row))
        return Ended(self.row, finish)

    def _finish(
        self,
        attempt: int,
        outcome: Outcome,
        *,
        learned: Outcome | None = None,
        seconds: float | None = None,
    ) -> Ended:
        if learned is not None or outcome.verdict == "rejected":
            self._count(outcome.verdict)
        finish = self._ledger.submit(finish_of(self.row, attempt, outcome))
        return Ended(self.row, finish, learned=learned, request_seconds=seconds)

    def _count(self, outcome: str) -> None:
        instruments.count_command(self._service.name, self.row.action, outcome)


def _detail(error: Exception) -> str:
    return f"the worker failed: {type(error).__name__}: {error}"[:MAX_DETAIL_CHARS]
