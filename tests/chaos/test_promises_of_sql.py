"""Random interleavings of the database functions by several workers, people and raw edits."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from actp.errors import WrongState
from tests.chaos.commands import RESEARCH, command_for
from tests.chaos.promises import Attempt, Model
from tests.support.databases import Databases, postgres_database

if TYPE_CHECKING:
    import psycopg

    from tests.support.databases import Database

BOOTS = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b")
LATE_BOOT = "00000000-0000-0000-0000-00000000000c"
SERVICES = ("instagram-dm", "twitter-comments", RESEARCH)
LIMIT = 3
LEASE_SECONDS = 600.0
VERDICTS = ("sent", "unknown", "retry", "rejected", "wait")
STATUSES = ("pending", "running", "failed", "cancelled")
DRAIN_ROUNDS = 40

boots = st.sampled_from(BOOTS)
picks = st.integers(0, 1000)


class Promises(RuleBasedStateMachine):
    """Each step is one call that some worker or person may make at that moment."""

    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(held={boot: {} for boot in (*BOOTS, LATE_BOOT)})
        self.stack = ExitStack()
        self.database: Database = self.stack.enter_context(
            postgres_database(self.databases, "embedded")
        )
        self.connection: psycopg.Connection[Any] = self.stack.enter_context(self.database.connect())
        self.connection.row_factory = dict_row
        self.ceiling = LIMIT

    @initialize()
    def workers(self) -> None:
        self.connection.execute(
            "update safari_policies set daily_limit = %s, daily_is_set = true,"
            " hourly_limit = 100000, min_gap_seconds = 0, active_from = 0, active_to = 24",
            (LIMIT,),
        )
        self.connection.execute(
            "update safari_settings set value = '0' where key = 'retry_base_seconds'"
        )
        for boot in (*BOOTS, LATE_BOOT):
            self._call("safari_register", boot_id=boot, host_key=boot, worker=boot, services=[])
        self.connection.execute(
            "update safari_workers set may_rescue_from = now(), may_rescue_until = 'infinity'"
        )

    # -- workers

    @rule(service=st.sampled_from(SERVICES), count=st.integers(1, 3))
    def enqueue(self, service: str, count: int) -> None:
        answer = self._call("safari_enqueue", commands=[command_for(service)] * 1)
        for _ in range(count - 1):
            answer += self._call("safari_enqueue", commands=[command_for(service)])
        effect = "repeatable" if service == RESEARCH else "once"
        self.model.effects.update({item["id"]: effect for item in answer})

    @rule(boot=boots, rows=st.integers(1, 3))
    def claim(self, boot: str, rows: int) -> None:
        self._claim(boot, rows)

    @precondition(lambda self: any(self.model.held.values()))
    @rule(pick=picks)
    def begin(self, pick: int) -> None:
        boot, id_, lease = self._any_held(pick)
        self._begin(boot, id_, lease)

    @precondition(lambda self: self._open_attempts())
    @rule(pick=picks, verdict=st.sampled_from(VERDICTS))
    def finish(self, pick: int, verdict: str) -> None:
        attempts = self._open_attempts()
        self._finish(attempts[pick % len(attempts)], verdict)

    @precondition(lambda self: any(each.verdict for each in self.model.attempts))
    @rule(pick=picks)
    def finish_again(self, pick: int) -> None:
        told = [each for each in self.model.attempts if each.verdict]
        attempt = told[pick % len(told)]
        before = self._row(attempt.command)
        self._tell(attempt, attempt.verdict or "", attempt.boot, attempt.lease)
        assert self._row(attempt.command) == before, "a repeated write changed something"

    @precondition(lambda self: self.model.attempts)
    @rule(pick=picks, verdict=st.sampled_from(VERDICTS))
    def finish_for_another(self, pick: int, verdict: str) -> None:
        attempt = self.model.attempts[pick % len(self.model.attempts)]
        before = self._row(attempt.command)
        for boot, lease in ((LATE_BOOT, attempt.lease), (attempt.boot, attempt.lease + 7)):
            assert not self._tell(attempt, verdict, boot, lease)["recorded"]
        assert self._row(attempt.command) == before, "a stranger's write changed something"

    @precondition(lambda self: any(self.model.held.values()))
    @rule(pick=picks)
    def hand_back(self, pick: int) -> None:
        boot, id_, lease = self._any_held(pick)
        item = {"id": id_, "lease": lease, "attempt": 0, "verdict": "wait", "quota_back": True}
        if not any(each.lease == lease and each.boot == boot for each in self.model.of(id_)):
            self._call("safari_ledger", boot_id=boot, finishes=[item], begins=[])
            del self.model.held[boot][id_]

    @rule(boot=boots)
    def heartbeat(self, boot: str) -> None:
        held = [{"id": id_, "lease": lease} for id_, lease in self.model.held[boot].items()]
        self._call(
            "safari_heartbeat", boot_id=boot, held=held, state={}, lease_seconds=LEASE_SECONDS
        )

    @rule(boot=boots)
    def leases_run_out(self, boot: str) -> None:
        self.connection.execute(
            "update safari_command_queue set lease_expires_at = now() - interval '1 second'"
            " where boot_id = %s and status = 'running'",
            (boot,),
        )

    @rule(boot=boots, expired=st.booleans())
    def rescue(self, boot: str, expired: bool) -> None:  # noqa: FBT001
        self._call(
            "safari_rescue", boot_id=boot, host_key=boot, services=list(SERVICES), expired=expired
        )

    # -- people

    @precondition(lambda self: self.model.effects)
    @rule(pick=picks, function=st.sampled_from(("safari_cancel", "safari_retry")))
    def steer(self, pick: int, function: str) -> None:
        self._allowed(function, id=self._any_command(pick))

    @precondition(lambda self: self.model.effects)
    @rule(pick=picks, is_sent=st.booleans())
    def resolve(self, pick: int, is_sent: bool) -> None:  # noqa: FBT001
        id_ = self._any_command(pick)
        doubtful = [each for each in self.model.of(id_) if each.may_have_gone]
        known = next((each.is_sent for each in doubtful if each.is_sent is not None), is_sent)
        verdict = "sent" if known else "not-sent"
        if self._allowed("safari_resolve", id=id_, verdict=verdict):
            for attempt in doubtful:
                attempt.is_sent, attempt.is_settled = known, True

    @precondition(lambda self: self.model.effects)
    @rule(pick=picks, status=st.sampled_from(STATUSES))
    def edit(self, pick: int, status: str) -> None:
        self.connection.execute(
            "update safari_command_queue set status = %s where id = %s",
            (status, self._any_command(pick)),
        )

    @rule(limit=st.integers(0, 5))
    def change_the_limit(self, limit: int) -> None:
        self.connection.execute("update safari_policies set daily_limit = %s", (limit,))
        self.ceiling = max(self.ceiling, limit)

    # -- promises

    @invariant()
    def nothing_is_lost(self) -> None:
        rows = self.connection.execute(
            "select id::text from safari_command_queue where status in"
            " ('pending', 'running', 'completed', 'failed', 'cancelled')"
        ).fetchall()
        assert {row["id"] for row in rows} == set(self.model.effects)

    @invariant()
    def limits_hold(self) -> None:
        rows = self.connection.execute(
            "select r.used, r.ceiling, (select count(*) from safari_command_attempts a"
            "   where a.quota_platform = r.platform and a.quota_kind = r.action"
            "     and a.quota_day = r.limit_date) as taken from safari_rate_limits r"
        ).fetchall()
        assert all(row["used"] == row["taken"] <= row["ceiling"] <= self.ceiling for row in rows)

    def teardown(self) -> None:
        try:
            if self.model.effects:
                self._drain()
        finally:
            self.stack.close()

    def _drain(self) -> None:
        """Let an honest worker finish: whatever the mess, every row must come to an end."""
        self.connection.execute("update safari_policies set daily_limit = 1000")
        for _ in range(DRAIN_ROUNDS):
            self.connection.execute(
                "update safari_command_queue set lease_number = coalesce(lease_number, 0),"
                " lease_expires_at = case when boot_id is null then null"
                " else now() - interval '1 second' end,"
                " started_at = now() - interval '1 hour' where status = 'running'"
            )
            self._call("safari_rescue", boot_id=LATE_BOOT, host_key="x", services=[], expired=True)
            self.model.held[LATE_BOOT].clear()
            self._claim(LATE_BOOT, 100)
            for id_, lease in list(self.model.held[LATE_BOOT].items()):
                self._begin(LATE_BOOT, id_, lease)
            for attempt in self._open_attempts():
                if attempt.boot == LATE_BOOT:
                    self._finish(attempt, "sent")
            if not self._unended():
                break
        assert not self._unended(), self._unended()
        for id_ in self.model.effects:
            row = self._row(id_)
            recorded = [a for a in self.model.of(id_) if a.verdict == "sent"]
            assert not recorded or row["status"] in {"completed", "failed", "cancelled"}

    def _unended(self) -> list[dict[str, Any]]:
        return self.connection.execute(
            "select id::text, service, status, reason, attempt, boot_id, lease_expires_at"
            " from safari_command_queue where status in ('pending', 'running')"
        ).fetchall()

    # -- doing it

    def _call(self, function: str, **arguments: Any) -> Any:
        return self.database.store.call(function, **arguments)

    def _allowed(self, function: str, **arguments: Any) -> bool:
        try:
            self._call(function, **arguments)
        except WrongState:
            return False
        return True

    def _claim(self, boot: str, rows: int) -> None:
        answer = self._call(
            "safari_claim",
            boot_id=boot,
            wants=dict.fromkeys(SERVICES, rows),
            held=0,
            lease_seconds=LEASE_SECONDS,
        )
        for row in answer["commands"]:
            self.model.held[boot][row["id"]] = row["lease"]

    def _begin(self, boot: str, id_: str, lease: int) -> None:
        item = {"id": id_, "lease": lease}
        begun = self._call("safari_ledger", boot_id=boot, finishes=[], begins=[item])["begins"][0]
        if begun["verdict"] == "granted":
            self.model.grant(boot, lease, begun)
        else:
            self.model.held[boot].pop(id_, None)

    def _finish(self, attempt: Attempt, verdict: str) -> None:
        attempt.verdict = verdict
        if verdict != "unknown":
            attempt.is_sent = verdict == "sent"
        answer = self._tell(attempt, verdict, attempt.boot, attempt.lease)
        assert answer["recorded"], "the truth about an own attempt was refused"
        if verdict == "sent":
            row = self._row(attempt.command)
            assert row["attempt"] != attempt.number or row["status"] == "completed"
        if self.model.held[attempt.boot].get(attempt.command) == attempt.lease:
            del self.model.held[attempt.boot][attempt.command]

    def _tell(self, attempt: Attempt, verdict: str, boot: str, lease: int) -> Any:
        item = {
            "id": attempt.command,
            "lease": lease,
            "attempt": attempt.number,
            "verdict": verdict,
            "reason": verdict,
            "quota_back": verdict in {"retry", "rejected", "wait"},
            "result": {"outcome": verdict},
        }
        return self._call("safari_ledger", boot_id=boot, finishes=[item], begins=[])["finishes"][0]

    def _open_attempts(self) -> list[Attempt]:
        return [
            each for each in self.model.attempts if each.verdict is None and not each.is_settled
        ]

    def _any_held(self, pick: int) -> tuple[str, str, int]:
        held = [
            (b, id_, lease) for b, rows in self.model.held.items() for id_, lease in rows.items()
        ]
        return held[pick % len(held)]

    def _any_command(self, pick: int) -> str:
        ids = list(self.model.effects)
        return ids[pick % len(ids)]

    def _row(self, id_: str) -> dict[str, Any]:
        row = self.connection.execute(
            "select * from safari_command_queue where id = %s", (id_,)
        ).fetchone()
        assert row is not None
        return dict(row)


@pytest.mark.timeout(900)
def test_no_interleaving_breaks_a_promise(embedded_databases: Databases, suite: str) -> None:
    machine = type("Machine", (Promises,), {"databases": embedded_databases})
    is_large = suite == "large"
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=600 if is_large else 25,
            stateful_step_count=60 if is_large else 40,
            deadline=None,
            database=None,
            derandomize=not is_large,
            suppress_health_check=list(HealthCheck),
        ),
    )
