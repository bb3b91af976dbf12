"""One reading of the database for all tabs, and the newest state for a tab that was slow."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from console.live import Live, Snapshot
from tests.actors.rows import eventually
from tests.store.life import Life

if TYPE_CHECKING:
    from actp.store import Listener, Store
    from tests.support.databases import Database

TABS = 20
CHANGES = 5
WITHIN_SECONDS = 60.0
CLOSE_BEGUN_SECONDS = 0.3


def shown(snapshot: Snapshot) -> str:
    """Render which command was touched last."""
    feed = snapshot.data["feed"] if snapshot.data else []
    return f"data: {feed[0]['command_id'] if feed else 'nothing'}\n\n"


async def follow(live: Live, wanted: asyncio.Queue[str], seen: list[str]) -> None:
    """Read a tab until each command that is asked for was on it."""
    async with aclosing(live.stream()) as messages:  # type: ignore[type-var]
        command = await wanted.get()
        async for message in messages:
            seen.append(message)
            if command in message:
                wanted.task_done()
                command = await wanted.get()
                if not command:
                    return


def test_twenty_tabs_see_every_change_and_cost_one_reading(database: Database) -> None:
    life = Life(database.store)
    live = Live(database.store, shown, lambda _: "")

    async def watch() -> list[list[str]]:
        live.start(asyncio.get_running_loop())
        tabs = [(asyncio.Queue[str](), list[str]()) for _ in range(TABS)]
        try:
            async with asyncio.timeout(WITHIN_SECONDS), asyncio.TaskGroup() as group:
                for wanted, seen in tabs:
                    group.create_task(follow(live, wanted, seen))
                for _ in range(CHANGES):
                    command = await asyncio.to_thread(life.enqueue)
                    for wanted, _ in tabs:
                        wanted.put_nowait(command)
                    for wanted, _ in tabs:
                        await wanted.join()
                assert live.tabs == TABS
                for wanted, _ in tabs:
                    wanted.put_nowait("")
        finally:
            live.close()
        return [seen for _, seen in tabs]

    seen = asyncio.run(watch())
    pages = [sum("data:" in message for message in each) for each in seen]
    assert min(pages) >= CHANGES
    # Were each tab to cost a reading, there would be a hundred at least.
    assert live.readings < TABS * CHANGES / 2


class LateListener:
    """A store whose listener takes until it is let through to open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked, self.go_on = threading.Event(), threading.Event()

    def call(self, function: str, /, **arguments: Any) -> Any:
        return self._store.call(function, **arguments)

    def listener(self) -> Listener | None:
        self.asked.set()
        assert self.go_on.wait(WITHIN_SECONDS)
        return self._store.listener()

    def close(self) -> None:
        self._store.close()


def test_listener_that_opens_during_close_is_closed(database: Database) -> None:
    store = LateListener(database.store)
    live = Live(store, shown, lambda _: "")

    async def leave() -> None:
        live.start(asyncio.get_running_loop())
        async with aclosing(live.stream()) as messages:  # type: ignore[type-var]
            await anext(messages)
            await asyncio.to_thread(store.asked.wait, WITHIN_SECONDS)
            closing = asyncio.create_task(asyncio.to_thread(live.close))
            # A close that does not wait for the reader is over by then.
            await asyncio.wait([closing], timeout=CLOSE_BEGUN_SECONDS)
            store.go_on.set()
            await closing

    asyncio.run(leave())
    assert not live.is_alive
    with database.connect() as connection:
        listening = "select count(*) from pg_stat_activity where query like 'listen %%'"
        own = f"{listening} and datname = current_database()"
        eventually(lambda: connection.execute(own).fetchone() == (0,), "nobody listens")


def test_without_a_tab_nothing_is_read(database: Database) -> None:
    live = Live(database.store, shown, lambda _: "")

    async def idle() -> int:
        live.start(asyncio.get_running_loop())
        await asyncio.to_thread(Life(database.store).enqueue)
        before = live.readings
        async with aclosing(live.stream()) as messages:  # type: ignore[type-var]
            async with asyncio.timeout(WITHIN_SECONDS):
                async for message in messages:
                    if "data:" in message:
                        break
        live.close()
        return before

    assert asyncio.run(idle()) == 0
