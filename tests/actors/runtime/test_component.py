"""A component that stopped working is opened anew, and closed with the process."""

from __future__ import annotations

from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from actors.runtime.component import component_spec
from actors.runtime.process import ActorProcess
from actp.errors import ExitCode
from tests.actors.house import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUND_SECONDS = 0.05


class Engine:
    """Runs until a test stalls it, and keeps what happened to it."""

    def __init__(self) -> None:
        self.events: SimpleQueue[str] = SimpleQueue()
        self.is_running = False

    @contextmanager
    def __call__(self) -> Iterator[Callable[[], bool]]:
        self.is_running = True
        self.events.put("opened")
        yield lambda: self.is_running
        self.events.put("closed")

    def next(self) -> str:
        return self.events.get(timeout=DEADLINE_SECONDS)


def test_a_component_that_ends_is_opened_anew_and_no_other_is() -> None:
    process = ActorProcess(stop_seconds=DEADLINE_SECONDS, round_seconds=ROUND_SECONDS)
    engines = {name: Engine() for name in ("port", "starboard")}
    specs = [component_spec(name, process.context, engine) for name, engine in engines.items()]
    process.start(tuple(specs))
    assert {engine.next() for engine in engines.values()} == {"opened"}
    engines["port"].is_running = False
    assert [engines["port"].next() for _ in range(2)] == ["closed", "opened"]
    assert engines["starboard"].events.empty()
    process.stop()
    assert process.wait(DEADLINE_SECONDS) == ExitCode.OK
    assert {engine.next() for engine in engines.values()} == {"closed"}
    process.close()


def test_a_component_that_cannot_be_opened_is_tried_again() -> None:
    failures = iter([OSError("not yet")])
    engine = Engine()

    @contextmanager
    def reluctant() -> Iterator[Callable[[], bool]]:
        for failure in failures:
            raise failure
        with engine() as is_working:
            yield is_working

    process = ActorProcess(stop_seconds=DEADLINE_SECONDS, round_seconds=ROUND_SECONDS)
    process.start((component_spec("engine", process.context, reluctant),))
    assert engine.next() == "opened"
    process.stop()
    assert process.wait(DEADLINE_SECONDS) == ExitCode.OK
    process.close()
