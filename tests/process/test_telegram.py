"""Decisions by button through real processes: after a kill, beside a second host, and in no log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.actors.rows import eventually
from tests.actors.settings_for_tests import environment_for
from tests.process.workers import WorkerProcess
from tests.support.decisions import Decisions
from tests.support.phone import Phone, person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

TOKEN = "123456:a-secret-for-no-log"  # noqa: S105  # of a simulated bot
PROGRAM = ("actors.sentinel",)
START_SECONDS = 40.0


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        # The sign of life of today was given.
        connection.execute("select safari_all_well(0)")
        yield connection


@pytest.fixture
def environment(database: Database, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, str]:
    return environment_for(
        database,
        simulator,
        tmp_path,
        TELEGRAM_BOT_TOKEN=TOKEN,
        TELEGRAM_CHAT_ID="42",
        TELEGRAM_API_URL=simulator.url("telegram"),
        TELEGRAM_BUTTONS="true",
        HEALTH_SECONDS="3600",
    )


def polls(phone: Phone) -> int:
    return int(phone.state()["polls"])


def test_a_press_while_the_process_is_dead_is_done_once_by_the_next_one(
    environment: dict[str, str],
    database: Database,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    decisions, phone = Decisions(database.store, admin), Phone(simulator)
    case = decisions.arrange("unknown_outcome")
    with WorkerProcess(environment, tmp_path, "first", PROGRAM) as first:
        message = phone.await_message("Outcome Unknown")
        eventually(lambda: polls(phone) > 0, "it receives", START_SECONDS)
        phone.press(message, "was sent", user=person(666))
        phone.await_quiet()
        assert decisions.state(case) == "failed unknown"
        first.process.kill()
        first.end()
    presses = [phone.press(message, "was not sent") for _ in range(2)]
    with WorkerProcess(environment, tmp_path, "second", PROGRAM) as second:
        assert "it was not sent" in phone.await_answer(presses[0])
        assert "already used" in phone.await_answer(presses[1])
        phone.write("/status")
        phone.await_message("Safari queue at ")
        # A question that a kill leaves unconfirmed is answered again; this one is confirmed.
        phone.await_quiet()
        second.process.kill()
        second.end()
    with WorkerProcess(environment, tmp_path, "third", PROGRAM) as third:
        before = polls(phone)
        eventually(lambda: polls(phone) > before, "it receives", START_SECONDS)
        phone.await_quiet()
        assert third.stop() == 0
        logs = first.log + second.log + third.log
    assert decisions.state(case) == "failed not_sent"
    assert decisions.audit() == [("telegram:42 (ada)", "resolve")]
    assert len([it for it in phone.messages() if "Safari queue at" in it["text"]]) == 1
    assert "a-secret-for-no-log" not in logs
    secret = admin.execute("select secret from safari_telegram").fetchone()
    assert secret is not None
    assert secret[0] not in logs


def test_of_two_hosts_one_receives_and_both_may_send(
    environment: dict[str, str],
    database: Database,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    decisions, phone = Decisions(database.store, admin), Phone(simulator)
    case = decisions.arrange("blocked")
    there = {**environment, "ACTP_LOCK_DIR": str(tmp_path / "there")}
    with (
        WorkerProcess(environment, tmp_path, "here", PROGRAM) as one,
        WorkerProcess(there, tmp_path, "there", PROGRAM) as other,
    ):
        message = phone.await_message("Service Blocked")
        eventually(lambda: "chat_elsewhere" in one.log + other.log, "one gave way", START_SECONDS)
        phone.await_answer(phone.press(message, "Pause"))
        assert decisions.state(case) == "twitter 2h"
        assert [one.stop(), other.stop()] == [0, 0]
    refused = [line for line in simulator.world() if line["kind"] == "telegram_refused"]
    assert refused == []


def test_buttons_are_off_unless_asked_for(
    environment: dict[str, str],
    database: Database,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    decisions, phone = Decisions(database.store, admin), Phone(simulator)
    decisions.arrange("unknown_outcome")
    with WorkerProcess(
        {**environment, "TELEGRAM_BUTTONS": "false"}, tmp_path, "off", PROGRAM
    ) as quiet:
        message = phone.await_message("Outcome Unknown")
        assert "reply_markup" not in message
        assert quiet.stop() == 0
    assert polls(phone) == 0
