"""A store that has only a ledger: a test sees each entry and gives each answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from tests.actors.house import DEADLINE_SECONDS, Told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.worker.messages import Row
    from actp.store import Listener
    from actp.store.protocol import Json


CONTACT = "2b148836-8be6-4994-a7b3-48be51863817"


@dataclass(frozen=True, slots=True)
class Asked:
    """A begin that reached the database."""

    id: str
    lease: int
    recipient: str | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A finish that reached the database."""

    id: str
    attempt: int
    verdict: str
    reason: str
    quota_back: bool
    error: str | None


class Desk:
    """Begins wait for an answer of the test; finishes are recorded at once, or when let."""

    def __init__(self) -> None:
        self.told = Told()
        self.lost: set[str] = set()
        self._answers: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self._is_open = threading.Event()
        self._is_open.set()

    def call(self, function: str, /, **arguments: Json) -> Any:
        assert function == "safari_ledger"
        finishes: Any = arguments["finishes"]
        begins: Any = arguments["begins"]
        for item in finishes:
            self.told.keep(_finished(item))
        for item in begins:
            self.told.keep(Asked(item["id"], item["lease"], item["recipient"]))
        if finishes:
            self._is_open.wait(DEADLINE_SECONDS)
        return {
            "finishes": [
                {"id": it["id"], "recorded": it["id"] not in self.lost} for it in finishes
            ],
            "begins": [self._begun(item) for item in begins],
        }

    def listener(self) -> Listener | None:
        return None

    def close(self) -> None:
        self.open()
        self.answer("lost", 0)

    def answer(self, verdict: str = "granted", attempt: int = 1) -> None:
        """Answer the begin that was asked first, or the next one."""
        self._answers.put((verdict, attempt))

    def shut(self) -> None:
        """Record no finish until ``open``."""
        self._is_open.clear()

    def open(self) -> None:
        self._is_open.set()

    def asked(self) -> Asked:
        """Return the next begin; waits for it."""
        return self.told.take(Asked)

    @property
    def was_asked(self) -> bool:
        return bool(self.told.all_of(Asked))

    def finished(self, row: Row) -> Finished:
        """Return the next finish of a row; waits for it."""
        return self.told.take(Finished, lambda finished: finished.id == row.id)

    def _begun(self, item: Mapping[str, Any]) -> dict[str, Any]:
        verdict, attempt = self._answers.get(timeout=DEADLINE_SECONDS)
        said = {"id": item["id"], "verdict": verdict, "reason": None, "attempt": attempt}
        return {**said, "contacts": [CONTACT]} if verdict == "unheard" else said


def _finished(item: Mapping[str, Any]) -> Finished:
    return Finished(
        item["id"],
        item["attempt"],
        item["verdict"],
        item["reason"],
        item["quota_back"],
        item["error"],
    )
