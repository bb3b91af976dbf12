"""A store whose answers a test can hold back, and whose database it can take away."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from tests.actors.house import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.errors import ActpError
    from actp.store import Listener, Store
    from actp.store.protocol import Json


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was made, whatever became of it."""

    function: str
    arguments: Mapping[str, Any]
    at: float


class LatchedStore:
    """The real store behind a latch.

    While it is shut, what was called is done but its answer does not come; while it is broken,
    nothing is done.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls: list[Call] = []
        self._answered: list[str] = []
        self._changed = threading.Condition()
        self._shut: str | None = None
        self._failure: ActpError | None = None

    def call(self, function: str, /, **arguments: Json) -> Any:
        with self._changed:
            self._calls.append(Call(function, arguments, monotonic()))
            self._changed.notify_all()
            if self._failure is not None:
                raise self._failure
        answer = self._store.call(function, **arguments)
        with self._changed:
            self._changed.wait_for(lambda: self._shut not in ("all", function), DEADLINE_SECONDS)
            self._answered.append(function)
            self._changed.notify_all()
        return answer

    def listener(self) -> Listener | None:
        return None

    def close(self) -> None:
        self._store.close()

    def shut(self, function: str = "all") -> None:
        """Hold back the answers of one function, or of all."""
        with self._changed:
            self._shut = function

    def open(self) -> None:
        with self._changed:
            self._shut = None
            self._changed.notify_all()

    def break_with(self, error: ActpError) -> None:
        with self._changed:
            self._failure = error

    def mend(self) -> None:
        with self._changed:
            self._failure = None

    def calls(self, function: str | None = None) -> list[Call]:
        with self._changed:
            return [call for call in self._calls if function in (None, call.function)]

    def await_calls(self, function: str, least: int) -> list[Call]:
        """Return the calls of a function once there are so many."""
        with self._changed:
            self._changed.wait_for(
                lambda: sum(call.function == function for call in self._calls) >= least,
                DEADLINE_SECONDS,
            )
        calls = self.calls(function)
        assert len(calls) >= least, f"{function} was called {len(calls)} times"
        return calls

    def await_answers(self, function: str, least: int) -> None:
        """Return once so many calls of a function have been answered."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._answered.count(function) >= least, DEADLINE_SECONDS
            )
