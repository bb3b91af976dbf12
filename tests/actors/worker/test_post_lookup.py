"""A stop while the service is still asked for the post that a comment is for."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Event
from time import time
from typing import TYPE_CHECKING

import pytest

from actors.runtime.messages import Drained, Stop, StopNow
from actors.worker.courier import Courier
from actors.worker.ledger import LEDGER
from actors.worker.messages import Begin, Demand, Finish, Work, Written
from actors.worker.poller import POLLER
from actors.worker.service import ServiceActor
from actors.worker.turnstile import TURNSTILE
from actp.safari.turns import TurnTable
from tests.actors.house import DEADLINE_SECONDS, Grenade
from tests.actors.postman import Postman
from tests.actors.rows import eventually, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.safari.commands import Command
    from actp.safari.outcomes import Outcome
    from tests.actors.house import House

SERVICE, OTHER = "twitter-comments", "threads-comments"
COMMENT = row_of(
    service=SERVICE,
    action="comment",
    platform="twitter",
    params={"handle": "ada", "text": "Nice"},
)


class Reader(Postman):
    """A postman that goes through posts until the test lets it find one."""

    def __init__(self) -> None:
        super().__init__(SERVICE)
        self.looks: SimpleQueue[Command] = SimpleQueue()
        self.has_probed = Event()
        self._found: SimpleQueue[None] = SimpleQueue()

    def find_post(self, command: Command) -> Command | Outcome:
        self.looks.put(command)
        self._found.get(timeout=DEADLINE_SECONDS)
        return super().find_post(command)

    def probe(self) -> str | None:
        self.has_probed.set()
        return super().probe()

    def find(self) -> None:
        self._found.put(None)

    def close(self) -> None:
        self.find()
        super().close()


class Lookup:
    """A comment whose post is being looked for."""

    def __init__(self, house: House, turns: TurnTable) -> None:
        self.house, self.turns, self.reader = house, turns, Reader()
        self.ledger = house.stand_in(LEDGER)
        poller = house.stand_in(POLLER)
        house.stand_in(TURNSTILE)
        self.courier = Courier(self.reader, house.registry)
        self.move_in()
        poller.take(Demand, lambda room: room.more > 0)
        house.tell(SERVICE, Work((COMMENT,)))
        assert self.reader.looks.get(timeout=DEADLINE_SECONDS).id == COMMENT.id

    def move_in(self) -> None:
        context = self.house.context
        actor = ServiceActor.start(context, courier=self.courier, turns=self.turns)
        self.house.move_in(SERVICE, actor)

    def tell(self, *messages: object) -> None:
        self.house.tell(SERVICE, *messages)

    def handed_back(self) -> bool:
        """Wait for the end of the row, and return whether it goes back as if nothing had been."""
        finish = self.ledger.take(Finish)
        assert (finish.id, finish.attempt) == (COMMENT.id, 0)
        return finish.outcome.reason == "handed_back"

    @property
    def is_turn_free(self) -> bool:
        if not self.turns.try_take(OTHER, time()):
            return False
        self.turns.release(OTHER)
        return True


@pytest.fixture
def lookup(house: House, tmp_path: Path) -> Iterator[Lookup]:
    turns = TurnTable(tmp_path / "locks")
    lookup = Lookup(house, turns)
    yield lookup
    lookup.reader.find()
    lookup.courier.close()
    turns.close()


def test_a_stop_waits_for_the_lookup_and_hands_the_comment_back_unbegun(lookup: Lookup) -> None:
    lookup.tell(Stop())
    held = lookup.house.settle(SERVICE).held
    assert held == ((COMMENT.id, COMMENT.lease),)
    assert lookup.ledger.all_of(Finish) == []
    assert not lookup.is_turn_free, "the service is still going through pages"
    lookup.reader.find()
    assert lookup.handed_back()
    assert lookup.is_turn_free
    assert lookup.house.supervisor.all_of(Drained) == []
    lookup.tell(Written(recorded=((COMMENT.id, True),)))
    assert lookup.house.supervisor.take(Drained).name == SERVICE
    assert lookup.ledger.all_of(Begin) == []
    assert lookup.reader.has_sent_nothing_more


def test_what_is_abandoned_in_its_lookup_goes_back_and_safari_stays_taken(lookup: Lookup) -> None:
    lookup.tell(Stop(), StopNow())
    assert lookup.handed_back()
    assert not lookup.is_turn_free, "the service is still going through pages"
    lookup.tell(Written(recorded=((COMMENT.id, True),)))
    assert lookup.house.supervisor.take(Drained).name == SERVICE


def test_a_post_that_is_found_after_all_begins_nothing(lookup: Lookup) -> None:
    lookup.tell(Stop(), StopNow())
    assert lookup.handed_back()
    lookup.reader.has_probed.clear()
    lookup.reader.find()
    lookup.courier.probe()  # on the same thread, so that what was found has been told before
    assert lookup.reader.has_probed.wait(DEADLINE_SECONDS)
    lookup.house.settle(SERVICE)
    assert lookup.ledger.all_of(Begin) == []
    assert lookup.reader.has_sent_nothing_more


def test_a_crash_during_the_lookup_leaves_safari_taken_until_it_is_over(lookup: Lookup) -> None:
    lookup.tell(Grenade())
    lookup.move_in()
    lookup.house.settle(SERVICE)
    assert not lookup.is_turn_free, "the service is still going through pages"
    lookup.reader.find()
    eventually(lambda: lookup.is_turn_free, "the lookup is over")
    assert lookup.ledger.all_of(Begin) == []
    assert lookup.house.settle(SERVICE).held == ()
