"""Wraps a component with its own threads as an actor, so that it is supervised."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from actors.runtime.actor import SUPERVISOR, Actor, ActorContext
from actors.runtime.messages import Drained, Pong, Start, Stop
from actors.runtime.supervisor import ActorSpec, StopStage

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

__all__ = ["ComponentActor", "component_spec"]


class ComponentActor(Actor):
    """Opens a component, and crashes once it works no more: its successor opens it anew."""

    def __init__(
        self,
        name: str,
        context: ActorContext,
        component: Callable[[], AbstractContextManager[Callable[[], bool]]],
    ) -> None:
        super().__init__(name, context)
        self._component = component
        self._opened = ExitStack()
        self._is_working: Callable[[], bool] | None = None

    def pong(self, round_: int) -> Pong:
        """Return a Pong; raises RuntimeError where the component has ended."""
        if self._is_working is not None and not self._is_working():
            raise RuntimeError(f"{self.name} stopped working")
        return super().pong(round_)

    def receive(self, message: object) -> None:
        """Handle one message."""
        match message:
            case Start():
                self._is_working = self._opened.enter_context(self._component())
            case Stop():
                self._close()
                self.tell(SUPERVISOR, Drained(self.name))
            case _:
                pass

    def on_stop(self) -> None:
        """Close the component."""
        self._close()
        super().on_stop()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the component before the supervisor opens another."""
        try:
            self._close()
        finally:
            super().on_failure(exception_type, exception_value, traceback)

    def _close(self) -> None:
        self._is_working = None
        self._opened.close()


def component_spec(
    name: str,
    context: ActorContext,
    component: Callable[[], AbstractContextManager[Callable[[], bool]]],
) -> ActorSpec:
    """Return how a component is run as an actor."""
    return ActorSpec(name, partial(ComponentActor.start, name, context, component), StopStage.WORK)
