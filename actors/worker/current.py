"""The row that a service is working on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from actors.worker.messages import Begin
from actp.safari.commands import handle_of, parse_command, recipient, text_hash

if TYPE_CHECKING:
    from actors.worker.messages import Row
    from actp.safari.commands import Command
    from actp.safari.outcomes import Outcome
    from actp.safari.requests import ServiceRequest

__all__ = ["Current", "command_of"]


@dataclass(frozen=True, slots=True)
class Current:
    """The row being worked on, and what it waits for.

    ``problem`` is why its post could not be found; the attempt then ends before it is sent.
    """

    row: Row
    command: Command
    request: ServiceRequest | None
    awaits: Literal["turn", "post", "begin", "answer"]
    problem: Outcome | None = None

    def begin(self) -> Begin:
        """Return the question whether it may be sent."""
        return Begin(
            id=self.row.id,
            lease=self.row.lease,
            service=self.row.service,
            recipient=recipient(self.command),
            person=handle_of(self.command),
            text_hash=text_hash(self.command),
        )


def command_of(row: Row) -> Command:
    """Return the command of a claimed row; raises InvalidInput with what is wrong with it."""
    return parse_command(
        {"id": row.id, "action": row.action, "platform": row.platform, "params": row.params}
    )
