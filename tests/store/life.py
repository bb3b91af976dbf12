"""A worker's calls, one at a time, for tests that bring a command to some point of its life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from actp.store.protocol import Store

LEASE_SECONDS = 30.0
SERVICE = "twitter-dm"


class Life:
    """One worker that may act at any hour, without a gap between two actions."""

    def __init__(self, store: Store, service: str = SERVICE) -> None:
        self.store = store
        self._service = service
        self._boot_id = str(uuid4())
        store.call(
            "safari_register",
            boot_id=self._boot_id,
            host_key="test",
            worker="test/1",
            services=[self._service],
        )
        self._configure(min_gap_seconds=0, active_from=0, active_to=24)

    def limit(self, daily_limit: int) -> None:
        """Allow so many actions of its service a day."""
        self._configure(daily_limit=daily_limit)

    def enqueue(self, username: str = "ada", **more: Any) -> str:
        """Enqueue its own direct message text and return its id."""
        params = {"username": username, "text": f"Hi {uuid4()}"}
        command: dict[str, Any] = {
            "action": "send_dm",
            "platform": "twitter",
            "params": params,
            **more,
        }
        return str(self.store.call("safari_enqueue", commands=[command])[0]["id"])

    def claim(self) -> list[dict[str, Any]]:
        """Claim whatever the worker may have."""
        answer = self.store.call(
            "safari_claim",
            boot_id=self._boot_id,
            wants={self._service: 10},
            held=0,
            lease_seconds=LEASE_SECONDS,
        )
        return list(answer["commands"])

    def begin(
        self,
        command: str,
        lease: int | None = None,
        *,
        text_hash: str | None = None,
        hears: bool = True,
        person: str = "ada",
    ) -> dict[str, Any]:
        """Begin a claimed command, under its present lease or another; return the answer.

        Its text is its own unless another one is named. A worker of an older release hears nobody.
        """
        begin: dict[str, Any] = {
            "id": command,
            "lease": self._lease(command) if lease is None else lease,
            "recipient": person,
            "person": person,
            "text_hash": text_hash or command,
            **({"hears": True} if hears else {}),
        }
        answer = self.store.call(
            "safari_ledger", boot_id=self._boot_id, finishes=[], begins=[begin]
        )
        return dict(answer["begins"][0])

    def finish(self, command: str, verdict: str, **more: Any) -> dict[str, Any]:
        """Record what came of the attempt that was begun last."""
        row = self.store.call("safari_show", id=command)["command"]
        finish: dict[str, Any] = {
            "id": command,
            "lease": row["lease_number"],
            "attempt": row["attempt"],
            "verdict": verdict,
            "quota_back": verdict in {"retry", "rejected", "wait"},
            "result": {"outcome": verdict},
            **more,
        }
        answer = self.store.call(
            "safari_ledger", boot_id=self._boot_id, finishes=[finish], begins=[]
        )
        return dict(answer["finishes"][0])

    def end(self, command: str, verdict: str, **more: Any) -> None:
        """Claim, begin and finish."""
        self.claim()
        self.begin(command)
        self.finish(command, verdict, **more)

    def enqueue_and_send(self) -> str:
        """Bring a new command to its good end."""
        command = self.enqueue()
        self.end(command, "sent")
        return command

    def state(self, command: str) -> tuple[str, str | None]:
        """Return status and reason."""
        row = self.store.call("safari_show", id=command)["command"]
        return row["status"], row["reason"]

    def report(self, state: dict[str, Any]) -> None:
        """Send a heartbeat with what the worker says of its services."""
        self.store.call(
            "safari_heartbeat",
            boot_id=self._boot_id,
            held=[],
            state=state,
            lease_seconds=LEASE_SECONDS,
        )

    def _lease(self, command: str) -> int:
        return int(self.store.call("safari_show", id=command)["command"]["lease_number"])

    def _configure(self, **policy: Any) -> None:
        platform = self._service.partition("-")[0]
        kind = "comment" if self._service.endswith("comments") else "dm"
        policies: list[dict[str, Any]] = [{"platform": platform, "kind": kind, **policy}]
        self.store.call("safari_configure", policies=policies, settings={})
