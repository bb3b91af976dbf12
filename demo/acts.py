"""The demo's access to the queue, through the same functions as every other program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from actp.cli.requests import Terms, checked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actp.store import Store
    from demo.script import Play

__all__ = ["LOGIN", "Act", "Life", "Queue"]

Life: TypeAlias = "dict[str, Any]"

LOGIN = "logged_out"
_OPEN = ("pending", "running")


@dataclass(frozen=True, slots=True)
class Act:
    """A play that has been enqueued, and what bin/show says of it."""

    id: str
    play: Play
    service: str
    recipient: str | None
    life: Life

    @property
    def command(self) -> dict[str, Any]:
        """Return the row."""
        row: dict[str, Any] = self.life["command"]
        return row

    @property
    def status(self) -> str:
        """Return the status of the row."""
        return str(self.command["status"])

    @property
    def is_open(self) -> bool:
        """Return whether it has not ended."""
        return self.status in _OPEN

    @property
    def is_looked_for(self) -> bool:
        """Return whether its outcome is unknown and will be settled by looking."""
        return self.play.ending == "settled" and self.command["reason"] == "unknown"

    @property
    def wait(self) -> dict[str, Any]:
        """Return the reason and the error of its last wait, empty where it never waited."""
        waits = [e["detail"] for e in self.life["events"] if e["event"] == "waiting"]
        return waits[-1] or {} if waits else {}

    @property
    def text(self) -> str:
        """Return what was asked to be said or searched."""
        return str(self.play.params.get("text") or self.play.params.get("query"))


class Queue:
    """Enqueues the plays, all or nothing, and follows them."""

    def __init__(self, store: Store, plays: Iterable[Play]) -> None:
        self._store = store
        now = datetime.now(UTC)
        requests = [
            (play, checked(play.action, play.platform, play.params, Terms(play.priority), now=now))
            for play in plays
        ]
        answers = store.call("safari_enqueue", commands=[request.row() for _, request in requests])
        self._acts = [
            Act(answer["id"], play, request.service, request.recipient, self._life(answer["id"]))
            for answer, (play, request) in zip(answers, requests, strict=True)
        ]
        self._services = sorted({act.service for act in self._acts})

    def look(self) -> list[Act]:
        """Return every act as it stands now."""
        self._acts = [
            Act(act.id, act.play, act.service, act.recipient, self._life(act.id))
            if act.is_open or act.is_looked_for
            else act
            for act in self._acts
        ]
        return self._acts

    def is_settled(self) -> bool:
        """Return whether what has not ended waits for another day or for a login."""
        left = {act.service for act in self._acts if act.is_open}
        if any(act.is_looked_for for act in self._acts):
            return False
        if not left:
            return True
        outlook = self._store.call("safari_outlook", services=sorted(left))
        waits_for_login = {act.service for act in self._acts if act.wait.get("reason") == LOGIN}
        return all(
            not (view["running"] or view["retrying"])
            and (service in waits_for_login or (view["reason"] == "quota" and not view["waiting"]))
            for service, view in outlook.items()
        )

    def _life(self, id_: str) -> Life:
        life: Life = self._store.call("safari_show", id=id_)
        return life
