"""A service actor and its attempts, with a desk for the ledger and a postman for the service."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from actors.worker.attempt_thread import BEGIN_VALID_SECONDS, AttemptThread, Tools
from actors.worker.ledger import Ledger
from actors.worker.messages import Work
from actors.worker.poller import POLLER
from actors.worker.service import ServiceActor
from actp.spool import Spool
from tests.actors.desk import Desk
from tests.actors.postman import Postman
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from actors.worker.messages import Row
    from actp.marks import SentMarks
    from actp.safari.turns import TurnTable
    from tests.actors.house import House

OTHER = "threads-comments"


class Scene:
    """Everything of a worker but the poller and the database."""

    def __init__(  # noqa: PLR0913  # each has a default
        self,
        house: House,
        turns: TurnTable,
        folder: Path,
        *,
        postman: Postman | None = None,
        begin_valid_seconds: float = BEGIN_VALID_SECONDS,
        hear: Callable[[Sequence[str]], object] | None = None,
        marks: SentMarks | None = None,
        thread: type[AttemptThread] = AttemptThread,
    ) -> None:
        self.house = house
        self.turns = turns
        self.postman = postman or Postman()
        self.name = self.postman.service.name
        self.desk = Desk()
        self.poller = house.stand_in(POLLER)
        self._spool = Spool(folder / "spool", "a-boot")
        self.ledger = Ledger(self.desk, "a-boot", self._spool, on_returned=lambda: None)
        tools = Tools(self.postman, turns, self.ledger, begin_valid_seconds, marks, hear)
        self.attempts = thread(tools, house.registry)

    def open(self) -> None:
        """Let the actor move in and find its service ready."""
        self.move_in()
        eventually(lambda: self.house.settle(self.name).state == {"state": "ready"}, "it is ready")

    def move_in(self) -> None:
        actor = ServiceActor.start(self.house.context, attempts=self.attempts)
        self.house.move_in(self.name, actor)

    def give(self, *rows: Row) -> None:
        self.tell(Work(rows))

    def tell(self, *messages: object) -> None:
        self.house.tell(self.name, *messages)

    def settle(self) -> tuple[tuple[str, int], ...]:
        """Return the rows held, once all that was told has been read."""
        return self.house.settle(self.name).held

    def send(self, row: Row) -> None:
        """Bring a row as far as the wire."""
        self.give(row)
        assert self.desk.asked().id == row.id
        self.desk.answer()
        self.postman.sent()

    @property
    def is_turn_free(self) -> bool:
        if not self.turns.try_take(OTHER, time()):
            return False
        self.turns.release(OTHER)
        return True

    def close(self) -> None:
        self.attempts.close()
        self.desk.close()
        self.ledger.close()
        self._spool.close()
