"""One reading of the database for all tabs, and the newest state for a tab that was slow."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from console.live import Live, Snapshot
from tests.store.life import Life

if TYPE_CHECKING:
    from tests.support.databases import Database

TABS = 20
CHANGES = 5
WITHIN_SECONDS = 60.0


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
