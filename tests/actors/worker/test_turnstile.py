"""The turnstile stands in line for the services of its process."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

import pytest

from actors.worker.messages import DropTurn, TurnGranted, WantTurn
from actors.worker.turnstile import TURNSTILE, Turnstile
from actp.safari.turns import TurnTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.actors.house import House

DM, COMMENTS = "instagram-dm", "threads-comments"
BUSY_SECONDS = 60.0


@pytest.fixture
def table(tmp_path: Path) -> Iterator[TurnTable]:
    table = TurnTable(tmp_path / "locks")
    yield table
    table.close()


@pytest.fixture
def house(house: House, table: TurnTable) -> House:
    house.move_in(TURNSTILE, Turnstile.start(house.context, table=table))
    return house


def test_two_services_have_the_one_turn_one_after_the_other(house: House, table: TurnTable) -> None:
    dm, comments = house.stand_in(DM), house.stand_in(COMMENTS)
    house.tell(TURNSTILE, WantTurn(DM, "1", BUSY_SECONDS), WantTurn(COMMENTS, "2", BUSY_SECONDS))
    for _ in range(3):
        dm.take(TurnGranted)
        house.settle(TURNSTILE)
        assert comments.all_of(TurnGranted) == []
        house.tell(TURNSTILE, WantTurn(DM, "1", BUSY_SECONDS))
        house.settle(TURNSTILE)
        table.release(DM)
        comments.take(TurnGranted)
        house.settle(TURNSTILE)
        assert dm.all_of(TurnGranted) == [], "the same service goes twice in a row"
        house.tell(TURNSTILE, WantTurn(COMMENTS, "2", BUSY_SECONDS))
        house.settle(TURNSTILE)
        table.release(COMMENTS)


def test_who_drops_out_of_the_line_is_given_no_turn(house: House, table: TurnTable) -> None:
    dm, comments = house.stand_in(DM), house.stand_in(COMMENTS)
    assert table.try_take("tiktok-dm", time() + BUSY_SECONDS)
    house.tell(TURNSTILE, WantTurn(DM, "1", BUSY_SECONDS), WantTurn(COMMENTS, "2", BUSY_SECONDS))
    house.tell(TURNSTILE, DropTurn(DM))
    house.settle(TURNSTILE)
    table.release("tiktok-dm")
    comments.take(TurnGranted)
    table.release(COMMENTS)
    house.tell(TURNSTILE, WantTurn(COMMENTS, "2", BUSY_SECONDS))
    comments.take(TurnGranted)
    assert dm.all_of(TurnGranted) == []


def test_a_turn_that_another_process_gives_back_is_seen(
    house: House, table: TurnTable, tmp_path: Path
) -> None:
    dm = house.stand_in(DM)
    elsewhere = TurnTable(tmp_path / "locks")
    assert elsewhere.try_take(COMMENTS, time() + BUSY_SECONDS)
    house.tell(TURNSTILE, WantTurn(DM, "1", BUSY_SECONDS))
    house.settle(TURNSTILE)
    assert dm.all_of(TurnGranted) == []
    elsewhere.release(COMMENTS)
    dm.take(TurnGranted)
    elsewhere.close()
    assert any(record.is_holding for record in table.records())


def test_while_safari_may_still_be_typing_nobody_has_a_turn(house: House, table: TurnTable) -> None:
    comments = house.stand_in(COMMENTS)
    assert table.try_take(DM, time() + BUSY_SECONDS)
    quiet_at = time() + 0.3
    table.release(DM, quiet_at)
    house.tell(TURNSTILE, WantTurn(COMMENTS, "2", BUSY_SECONDS))
    comments.take(TurnGranted)
    assert time() >= quiet_at
