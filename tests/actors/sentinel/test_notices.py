"""Alerts to other channels, through the real package, over a receiver with good and bad days."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from actors.runtime.messages import Drained, Stop
from actors.sentinel.notices import NOTICES, NoticeActor
from actp.clients import notify
from actp.errors import SettingsError
from actp.settings import PROJECT_ROOT
from tests.actors.house import House
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

LOOK_SECONDS = 0.1

WITHOUT_PACKAGES = """
from actp.clients.notify import channels
from actp.errors import SettingsError

try:
    channels(None)
except SettingsError as error:
    print(error, error.remedy)
"""


class Board:
    """A database whose alerts go to the simulator's receiver, once for each path."""

    def __init__(
        self, database: Database, simulator: SimulatorProcess, admin: psycopg.Connection
    ) -> None:
        self.database = database
        self.simulator = simulator
        self.admin = admin
        self.house = House()

    def carry(self, *paths: str, delivers: bool = False) -> None:
        place = self.simulator.url("receiver").removeprefix("http://")
        urls = ",".join(f"json://user:s3cret@{place}/{path}" for path in paths)
        actor = NoticeActor.start(
            self.house.context,
            store=self.database.store,
            to=notify.channels(SecretStr(urls)),
            delivers=delivers,
            look_seconds=LOOK_SECONDS,
        )
        self.house.move_in(NOTICES, actor)
        since = "select count(*) from safari_notice_channels"
        eventually(lambda: self.admin.execute(since).fetchone() == (len(paths),), "it looks")

    def put(self, *keys: str) -> None:
        for key in keys:
            self.admin.execute(
                "select safari_alert(%s, 'blocked', jsonb_build_object('service', %s::text,"
                " 'text', '<b>5 & 6</b>'))",
                (key, key),
            )

    def received(self, path: str) -> list[dict[str, Any]]:
        requests = self.simulator.ask("/receiver")
        return [
            json.loads(it["body"])
            for it in requests
            if it["path"] == f"/{path}" and it["behaviour"] == "ok"
        ]

    def hurry(self) -> None:
        self.admin.execute("update safari_notice_channels set next_attempt_at = null")


@pytest.fixture
def board(database: Database, simulator: SimulatorProcess) -> Iterator[Board]:
    with database.connect() as admin:
        board = Board(database, simulator, admin)
        yield board
        board.house.close()


def test_each_channel_is_given_each_alert_once_as_plain_text(board: Board) -> None:
    board.put("before")
    board.carry("mail", "slack")
    board.put("twitter-dm", "tiktok-dm")
    paths = ("mail", "slack")
    eventually(lambda: all(len(board.received(it)) == 2 for it in paths), "both were given both")
    for path in paths:
        titles = [it["title"] for it in board.received(path)]
        assert titles == ["⛔ Service Blocked: twitter-dm", "⛔ Service Blocked: tiktok-dm"]
        assert "<b>5 & 6</b>\n" in board.received(path)[0]["message"]
    board.house.settle(NOTICES)
    undelivered = board.admin.execute(
        "select count(*) from safari_alerts where delivered_at is null"
    )
    assert undelivered.fetchone() == (3,)


def test_a_channel_that_fails_holds_up_no_other_and_catches_up(board: Board) -> None:
    board.carry("mail", "slack")
    # apprise does not tell the path, but the text does.
    board.simulator.play({"receiver": {"rules": [{"behaviour": "server_error", "times": 1}]}})
    board.put("twitter-dm")
    eventually(lambda: len(board.received("slack")) == 1, "the other was given it")
    assert board.received("mail") == []
    ((error,),) = board.admin.execute(
        "select error from safari_notice_channels where error is not null"
    ).fetchall()
    assert "did not accept it" in error
    assert "s3cret" not in error
    board.hurry()
    eventually(lambda: len(board.received("mail")) == 1, "it was given later")
    assert len(board.received("slack")) == 1


def test_a_burst_is_one_notice_and_delivers_where_there_is_no_telegram(board: Board) -> None:
    board.put("old")
    board.admin.execute("update safari_alerts set delivered_at = now()")
    board.carry("ntfy", delivers=True)
    with board.admin.transaction():
        board.put(*(f"service-{number}" for number in range(8)))
    eventually(lambda: len(board.received("ntfy")) == 1, "one came")
    assert board.received("ntfy")[0]["title"] == "📬 8 alerts at once"
    waiting = "select count(*) from safari_alerts where delivered_at is null"
    eventually(lambda: board.admin.execute(waiting).fetchone() == (0,), "all are delivered")
    board.house.tell(NOTICES, Stop())
    board.house.supervisor.take(Drained)


@pytest.mark.parametrize("urls", ["nonsense", "nonsense://user:s3cret@host", "json://h,x://s3cret"])
def test_an_address_that_cannot_be_read_is_refused_without_being_shown(urls: str) -> None:
    with pytest.raises(SettingsError) as refused:
        notify.channels(SecretStr(urls))
    assert "s3cret" not in str(refused.value)
    assert "nonsense" not in str(refused.value)


def test_without_the_package_it_says_what_to_install() -> None:
    # -S: an interpreter that has no packages at all.
    command = [sys.executable, "-S", "-c", WITHOUT_PACKAGES]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60, cwd=PROJECT_ROOT
    )
    assert "not installed" in done.stdout
    assert "actp-worker[notify]" in done.stdout
