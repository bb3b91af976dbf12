"""The calls of the database reach the actors that are to hear them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from actors.runtime.messages import Wake
from actors.runtime.notify import wake_on_notify
from actp.store.postgres import PostgresStore

if TYPE_CHECKING:
    from tests.actors.house import House
    from tests.support.databases import Database


def test_each_call_wakes_the_actors_that_are_to_hear_it(house: House, database: Database) -> None:
    hearing = [house.stand_in(name) for name in ("one", "other")]
    deaf = house.stand_in("deaf")
    with (
        closing(PostgresStore(database.dsn)) as store,
        wake_on_notify(store.listener(), house.registry, ("one", "other")),
    ):
        for told in hearing:
            told.take(Wake)  # what was said before it listened may have been missed
        store.call("safari_wake")
        for told in hearing:
            told.take(Wake)
    assert deaf.all_of(Wake) == []
