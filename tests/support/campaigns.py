"""A campaign with its own worker, in a time that passes when a test says so."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row

from actp.campaigns.creation import Request, campaign_rows
from actp.campaigns.plan import plan_for
from actp.campaigns.records import decision_for
from actp.campaigns.wording import Wording
from tests.support.moving_clock import MovingClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.campaigns.plan import CampaignType
    from actp.store.protocol import Json, Store

SERVICES = ("twitter-comments", "twitter-dm", "local")
OPEN_HOURS = (
    "update safari_policies"
    " set active_from = 0, active_to = 24, min_gap_seconds = 0, hourly_limit = 1000"
)


@dataclass
class Campaigns:
    """The database as the campaigner and one worker use it."""

    store: Store
    admin: psycopg.Connection
    boot_id: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        self.admin.execute(OPEN_HOURS)
        self.store.call(
            "safari_register",
            boot_id=self.boot_id,
            host_key="test",
            worker="test/1",
            services=list(SERVICES),
        )

    def create(
        self,
        type_: CampaignType,
        *handles: str,
        platform: str = "twitter",
        campaign_id: str | None = None,
        spacing_seconds: float = 600,
    ) -> str:
        """Create a campaign whose texts name their step, and return its id."""
        steps = [step for stage in plan_for(type_, platform) for step in stage.steps]
        wording = Wording(MappingProxyType({step: (f"{step} for {{handle}}",) for step in steps}))
        spacing = timedelta(seconds=spacing_seconds)
        request = Request(type_, platform, handles, wording, spacing)
        id_ = campaign_id or f"test-{uuid4()}"
        now = datetime.fromisoformat(self.store.call("safari_now"))
        self.store.call("safari_campaign_create", **campaign_rows(id_, request, now))
        return id_

    # -- the campaigner

    def decisions(self) -> list[dict[str, Any]]:
        """Claim what is due and decide about it."""
        answer = self.store.call("safari_campaign_due")
        now = datetime.fromisoformat(answer["now"])
        return [decision_for(row, now, has_crm=answer["has_crm"]) for row in answer["targets"]]

    def move(self) -> None:
        """Let the campaigner do one round."""
        self.store.call("safari_campaign_apply", decisions=self.decisions())

    # -- the worker

    def claim(self, limit: int = 1, services: tuple[str, ...] = SERVICES) -> list[dict[str, Any]]:
        answer = self.store.call(
            "safari_claim",
            boot_id=self.boot_id,
            wants=dict.fromkeys(services, limit),
            held=0,
            lease_seconds=30.0,
        )
        return list(answer["commands"])

    def begin(self, row: dict[str, Any], recipient: str | None = None) -> dict[str, Any]:
        begin = {"id": row["id"], "lease": row["lease"], "recipient": recipient}
        answer = self.store.call("safari_ledger", boot_id=self.boot_id, finishes=[], begins=[begin])
        return dict(answer["begins"][0])

    def end(self, row: dict[str, Any], verdict: str, recipient: str | None = None) -> None:
        self._finish(row, self.begin(row, recipient)["attempt"], verdict)

    def _finish(self, row: dict[str, Any], attempt: int, verdict: str) -> None:
        finish = {
            "id": row["id"],
            "lease": row["lease"],
            "attempt": attempt,
            "verdict": verdict,
            "reason": verdict,
            "quota_back": verdict != "sent",
            "result": {"outcome": verdict},
        }
        self.store.call("safari_ledger", boot_id=self.boot_id, finishes=[finish], begins=[])

    def send_next(self, verdict: str = "sent", recipient: str | None = None) -> str:
        """Process the first command that is ready, and return its id."""
        (row, *_) = self.claim(services=SERVICES[:1]) or self.claim(services=SERVICES[1:2])
        self.end(row, verdict, recipient)
        return str(row["id"])

    def send_all(self) -> None:
        """Work off whatever may begin, and what becomes ready by it."""
        while rows := self.claim(100, SERVICES[:2]):
            for row in rows:
                begun = self.begin(row)
                if begun["verdict"] == "granted":
                    self._finish(row, begun["attempt"], "sent")

    def join(self, host: str, account: str, boot_id: str | None = None) -> str:
        """Register a Mac that is logged in to Twitter; return its boot id."""
        boot = boot_id or str(uuid4())
        self.store.call(
            "safari_register",
            boot_id=boot,
            host_key=host,
            worker=f"{host}/1",
            services=["twitter-dm", "twitter-comments", "local"],
            accounts={"twitter": account},
        )
        return boot

    def sync(self, account: str = "") -> None:
        """Let a sync, one that was asked for included, come to a good end."""
        command: dict[str, Json] = {"action": "sync", "params": {}, "account": account}
        self.store.call("safari_enqueue", commands=[command])
        for row in self.claim(100, ("local",)):
            self.end(row, "sent")

    # -- time

    @cached_property
    def clock(self) -> MovingClock:
        """The clock of the database, which a test moves from then on."""
        return MovingClock(self.admin)

    def pass_hours(self, hours: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(hours=hours))

    @contextmanager
    def elsewhere(self) -> Iterator[psycopg.Connection]:
        """Open a transaction of somebody else, and roll it back at the end."""
        dsn = self.admin.info.dsn
        with psycopg.connect(dsn, password=self.admin.info.password) as connection:
            yield connection
            connection.rollback()

    # -- what there is to see

    def rows(self, campaign_id: str, handle: str | None = None) -> list[dict[str, Any]]:
        cursor = self.admin.cursor(row_factory=dict_row)
        cursor.execute(
            "select q.id, q.action, q.status, q.reason, q.hold, q.scheduled_for, q.params,"
            " q.params ->> 'campaign_step' as step from safari_command_queue q"
            " join safari_campaign_targets t on t.id::text = q.batch_id"
            " where q.campaign_id = %s and t.handle = coalesce(%s, t.handle)"
            " order by t.handle, q.created_at",
            (campaign_id, handle),
        )
        return cursor.fetchall()

    def show(self, campaign_id: str) -> dict[str, Any]:
        return dict(self.store.call("safari_campaign_show", campaign_id=campaign_id))

    def states(self, campaign_id: str) -> list[str]:
        return [target["state"] for target in self.show(campaign_id)["targets"]]

    def run(self, campaign_id: str) -> dict[str, Any]:
        cursor = self.admin.cursor(row_factory=dict_row)
        cursor.execute(
            "select *, round(extract(epoch from completed_at - started_at))::integer as seconds"
            " from safari_campaign_runs where campaign_id = %s",
            (campaign_id,),
        )
        (row,) = cursor.fetchall()
        return row

    def attempts(self, command: str) -> list[tuple[str | None, str | None]]:
        """Return outcome and recipient of each attempt."""
        cursor = self.admin.execute(
            "select outcome, recipient from safari_command_attempts where command_id = %s"
            " order by attempt",
            (command,),
        )
        return cursor.fetchall()

    def alerts(self, kind: str) -> list[dict[str, Any]]:
        cursor = self.admin.execute(
            "select detail from safari_alerts where kind = %s order by id", (kind,)
        )
        return [detail for (detail,) in cursor.fetchall()]
