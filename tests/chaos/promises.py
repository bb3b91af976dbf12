"""What the SQL functions promise, as a small model beside a real database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Attempt", "Model"]


@dataclass(slots=True)
class Attempt:
    """One granted begin: from then on it may be on the wire.

    ``is_sent`` is what truly happened, None while nobody knows; ``is_settled`` says that a person
    has said so.
    """

    command: str
    number: int
    boot: str
    lease: int
    is_sent: bool | None = None
    verdict: str | None = None
    is_settled: bool = False

    @property
    def may_have_gone(self) -> bool:
        return self.is_sent is not False


@dataclass(slots=True)
class Model:
    """Commands by id with their effect, and every attempt that was ever granted."""

    effects: dict[str, str] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    held: dict[str, dict[str, int]] = field(default_factory=dict)

    def grant(self, boot: str, lease: int, begun: dict[str, Any]) -> None:
        """Note a granted begin; it must not be a second message."""
        id_, number = begun["id"], begun["attempt"]
        if any(each.command == id_ and each.number == number for each in self.attempts):
            return  # the same begin again: its answer was lost
        if self.effects[id_] == "once":
            others = [each for each in self.attempts if each.command == id_ and each.may_have_gone]
            assert not others, f"begun again although it may have gone: {others}"
        self.attempts.append(Attempt(id_, number, boot, lease))

    def of(self, id_: str) -> list[Attempt]:
        """Return the attempts of a command, oldest first."""
        return [each for each in self.attempts if each.command == id_]
