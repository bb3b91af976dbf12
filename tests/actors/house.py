"""A house for one actor under test, among stand-ins that keep what they are told."""

from __future__ import annotations

import threading
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pykka

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Ping, Pong, Start
from actors.runtime.registry import Registry
from actors.runtime.timer import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

# Others may crowd the machine; nothing waits it out but a failure.
DEADLINE_SECONDS = 30.0
STOP_SECONDS = 20.0

Message = TypeVar("Message")


class Told:
    """What a stand-in was told and nobody has taken yet, in order."""

    def __init__(self) -> None:
        self._messages: list[object] = []
        self._changed = threading.Condition()

    def keep(self, message: object) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def take(
        self,
        kind: type[Message],
        where: Callable[[Message], bool] = lambda _: True,
        *,
        seconds: float = DEADLINE_SECONDS,
    ) -> Message:
        """Return and remove the first message of a kind; waits for it."""
        deadline = monotonic() + seconds
        with self._changed:
            while True:
                for message in self._messages:
                    if isinstance(message, kind) and where(message):
                        self._messages.remove(message)
                        return message
                left = deadline - monotonic()
                assert left > 0, f"was not told {kind.__name__}, but {self._messages}"
                self._changed.wait(left)

    def all_of(self, kind: type[Message]) -> list[Message]:
        """Return what has come of a kind so far."""
        with self._changed:
            return [message for message in self._messages if isinstance(message, kind)]


class StandIn(Actor):
    """A real actor that keeps what it is told."""

    def __init__(self, name: str, context: ActorContext, told: Told) -> None:
        super().__init__(name, context)
        self._told = told

    def receive(self, message: object) -> None:
        self._told.keep(message)


class Grenade:
    """A message that no actor survives reading."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError("a grenade")


class House:
    """Registry, timer and a stand-in for the supervisor; more move in."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.timer = Timer(self.registry)
        self.context = ActorContext(self.registry, self.timer)
        self._rounds = count(1000)
        self.supervisor = self.stand_in(SUPERVISOR)

    def stand_in(self, name: str) -> Told:
        """Let a stand-in bear the name, and return what it will be told."""
        told = Told()
        self.registry.connect(name, StandIn.start(name, self.context, told))
        return told

    def move_in(self, name: str, ref: pykka.ActorRef[Any]) -> None:
        """Let an actor bear the name, and start it as the supervisor does."""
        self.registry.connect(name, ref)
        self.tell(name, Start())

    def tell(self, name: str, *messages: object) -> None:
        for message in messages:
            assert self.registry.tell(name, message), f"{name} is not alive"

    def settle(self, name: str) -> Pong:
        """Return once the actor has read all that it was told before."""
        round_ = next(self._rounds)
        self.tell(name, Ping(round_))
        return self.supervisor.take(Pong, lambda pong: pong.round == round_)

    def close(self) -> None:
        self.timer.close()
        pykka.ActorRegistry.stop_all(timeout=STOP_SECONDS)
