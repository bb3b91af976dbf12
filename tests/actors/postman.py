"""A transport whose requests a test sees and whose answers it gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from actp.safari.answers import read_answer
from actp.safari.catalogue import SERVICES
from actp.safari.commands import Comment
from actp.safari.outcomes import Outcome
from actp.safari.requests import build_request
from tests.actors.house import DEADLINE_SECONDS

if TYPE_CHECKING:
    from actp.safari.commands import Command
    from actp.safari.outcomes import Failure
    from actp.safari.requests import ServiceRequest

SENT = Outcome("sent", "sent", http_status=200, result={"outcome": "sent", "success": True})
MISCONFIGURED = Outcome(
    "wait", "misconfigured", quota_back=True, wait_seconds=900.0, breaker="open", alert="token"
)


class Postman:
    """A Transport; each request waits for the answer that the test gives."""

    def __init__(self, service: str = "instagram-dm") -> None:
        self.service = SERVICES[service]
        self.problem: str | None = None
        self.post = "https://x.com/ada/status/1"
        self.read_again: list[Command] = []
        self._seen: SimpleQueue[Command] = SimpleQueue()
        self._answers: SimpleQueue[Outcome | Exception] = SimpleQueue()

    def prepare(self, command: Command) -> ServiceRequest:
        return build_request(self.service, command)

    def needs_turn(self, command: Command) -> bool:
        return command.service is self.service

    def look(self, command: Command) -> Command | Outcome:
        if not isinstance(command, Comment) or command.post_url is not None:
            return command
        return replace(command, post_url=self.post)

    def send(self, command: Command, request: ServiceRequest | None) -> Outcome:
        assert request is not None
        self._seen.put(command)
        answer = self._answers.get(timeout=DEADLINE_SECONDS)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def read_back(self, command: Command, outcome: Outcome) -> Outcome:
        assert command.service is self.service
        self.read_again.append(command)
        return outcome

    def outcome_of(self, command: Command, failure: Failure) -> Outcome:
        return read_answer(self.service, command, failure, now=datetime.now().astimezone())

    def probe(self) -> str | None:
        return self.problem

    def close(self) -> None:
        self.answer(SENT)

    def answer(self, outcome: Outcome | Exception) -> None:
        """Let the request under way, or the next one, end so."""
        self._answers.put(outcome)

    def sent(self) -> Command:
        """Return the next command that was sent; waits for it."""
        return self._seen.get(timeout=DEADLINE_SECONDS)

    @property
    def has_sent_nothing_more(self) -> bool:
        try:
            self._seen.get_nowait()
        except Empty:
            return True
        return False


class Reader(Postman):
    """A postman that looks until the test lets it find something."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.looks: SimpleQueue[Command] = SimpleQueue()
        self._found: SimpleQueue[Outcome | None] = SimpleQueue()

    def look(self, command: Command) -> Command | Outcome:
        self.looks.put(command)
        found = self._found.get(timeout=DEADLINE_SECONDS)
        return found or super().look(command)

    def find(self, outcome: Outcome | None = None) -> None:
        """Let the look under way, or the next one, end: with the post, or so."""
        self._found.put(outcome)

    def close(self) -> None:
        self.find()
        super().close()
