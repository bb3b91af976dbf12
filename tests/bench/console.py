"""How soon the console and the tools of agents show what is there, and what they cost."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import psutil
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from actp.operators import act
from actp.settings import PROJECT_ROOT
from tests.bench.figures import Figure, Quantity, counted, median
from tests.console.conftest import serve
from tests.store.life import Life
from tests.support.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage
    from tests.console.conftest import Served
    from tests.support.databases import Database

__all__ = ["measure"]

PAGES: Final = (
    *("/", "/commands", "/commands?to=p_17", "/commands?text=crowd+17", "/commands?status=failed"),
    *("/unknown", "/inbox", "/review", "/people", "/campaigns", "/limits", "/agents", "/system"),
)
CHANGES: Final = 20
SENT_FIRST: Final = 20
TIMES: Final = 5
CALLS: Final = 10
CANCELLED: Final = 10_000
MEGABYTE: Final = 1024 * 1024
PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Serve a console over so many ended commands, and look at it."""
    rows = counted(sizes.crowded_rows)
    with stage.database() as database:
        _fill(database, sizes.crowded_rows)
        with contextmanager(serve)(database, stage.folder / "console", may_write=True) as served:
            yield from _searches(database, rows)
            yield from _pages(served, rows)
            with chromium() as browser:
                yield from _seen(served, browser)
            process = psutil.Process(served.process.pid)
            memory = Quantity(process.memory_info().rss / MEGABYTE, "MiB")
            yield Figure("console, memory after it", memory, at_most=70)
        yield from _agents(database)
        yield _bulk(database)


def _fill(database: Database, rows: int) -> None:
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        statement = (PROJECT_ROOT / "tests/bench/crowd_ended.sql").read_text()
        connection.execute(statement.encode(), {"rows": rows})
        connection.execute("vacuum (analyze) safari_command_queue")
        connection.execute("vacuum (analyze) safari_command_index")
        connection.execute("checkpoint")


def _searches(database: Database, rows: str) -> Iterator[Figure]:
    for name, wanted, most in (
        ("recipient", {"to": "@p_4711"}, 50),
        ("text", {"text": "crowd 4711"}, 300),
        ("an absent text", {"text": "nowhere at all"}, 300),
    ):
        took = _median_ms(partial(database.store.call, "safari_search", filter=wanted))
        yield Figure(f"search by {name}, {rows} ended", Quantity(took, "ms"), at_most=most)


def _pages(served: Served, rows: str) -> Iterator[Figure]:
    took = {page: _median_ms(partial(served.client.get, page)) for page in PAGES}
    slowest = max(took, key=lambda page: took[page])
    name = f"console, slowest page, {rows} ended"
    yield Figure(name, Quantity(took[slowest], "ms", slowest), at_most=300)
    sizes = {page: len(served.client.get(page).content) for page in PAGES}
    largest = max(sizes, key=lambda page: sizes[page])
    size = Quantity(sizes[largest] / 1000, "kB", largest)
    yield Figure("console, largest page", size, at_most=100)


def _seen(served: Served, browser: Browser) -> Iterator[Figure]:
    context = browser.new_context(base_url=served.url, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"/enter?link={served.doors.new_link()}")
    page.locator("#live[data-htmx-powered]").wait_for(state="attached")
    page.locator("#feed").wait_for()
    _change(served, page)
    took = sorted(_change(served, page) for _ in range(CHANGES))
    yield Figure("console, change seen, p50", Quantity(median(took), "ms"), at_most=200)
    yield Figure("console, change seen, slowest", Quantity(took[-1], "ms"), at_most=1000)
    paints = {}
    for path in PAGES:
        page.goto(path)
        page.wait_for_function(f"() => ({PAINT}) > 0")
        paints[path] = page.evaluate(PAINT)
    slowest = max(paints, key=lambda path: paints[path])
    paint = Quantity(paints[slowest], "ms", slowest)
    yield Figure("console, slowest first paint", paint, at_most=300)
    context.close()


def _change(served: Served, page: Page) -> float:
    """Return how many milliseconds a browser takes to show a command after it is in the table."""
    page.wait_for_timeout(400)
    command = served.life.enqueue()
    began = perf_counter()
    page.locator(f"#feed a[href='/commands/{command}']").first.wait_for(timeout=10_000)
    return 1000 * (perf_counter() - began)


def _agents(database: Database) -> Iterator[Figure]:
    started, memory, calls = asyncio.run(_connect(database))
    yield Figure("mcp, initialised", Quantity(started, "s"), at_most=1.5)
    yield Figure("mcp, memory", Quantity(memory, "MiB"), at_most=100)
    yield Figure("mcp, slowest call", Quantity(max(calls), "ms"), at_most=200)


async def _connect(database: Database) -> tuple[float, float, list[float]]:
    environment = {**database.environment, "ACTP_ENV_FILE": "", "PYTHONPATH": str(PROJECT_ROOT)}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "console.mcp_server"], env=environment
    )
    known = {child.pid for child in psutil.Process().children(recursive=True)}
    began = perf_counter()
    async with (
        stdio_client(command) as (reading, writing),
        ClientSession(reading, writing) as agent,
    ):
        await agent.initialize()
        started = perf_counter() - began
        calls = []
        for tool in ("status", "search", "limits", "campaigns", "inbox", "due", "agent_tasks"):
            for _ in range(CALLS):
                asked = perf_counter()
                await agent.call_tool(tool, {})
                calls.append(1000 * (perf_counter() - asked))
        server = [c for c in psutil.Process().children(recursive=True) if c.pid not in known]
        memory = max(child.memory_info().rss for child in server) / MEGABYTE
    return started, memory, calls


def _bulk(database: Database) -> Figure:
    """Cancel ten thousand while a worker claims; none may be both cancelled and sent."""
    life, store = Life(database.store), database.store
    life.limit(1_000_000)
    row: dict[str, Any] = {
        "action": "send_dm",
        "platform": "twitter",
        "campaign_id": "bulk",
        "priority": 1,
    }
    for start in range(0, CANCELLED, 1000):
        store.call(
            "safari_enqueue",
            commands=[
                {**row, "params": {"username": f"b_{n}", "text": f"bulk {n}"}}
                for n in range(start, start + 1000)
            ],
        )
    sent: set[str] = set()
    ended, is_at_work = threading.Event(), threading.Event()

    def work() -> None:
        while not ended.is_set():
            for command in life.claim():
                if life.begin(command["id"])["verdict"] == "granted":
                    life.finish(command["id"], "sent")
                    sent.add(command["id"])
            if len(sent) >= SENT_FIRST:
                is_at_work.set()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        is_at_work.wait()
        seen = store.call("safari_matching", filter={"campaign": "bulk"}, action="cancel")
        bulk: dict[str, Any] = {"filter": {"campaign": "bulk"}, "action": "cancel"}
        began = perf_counter()
        answer = act(
            store, "bench@here/cli", "bulk", **bulk, expected=seen["count"], seen_at=seen["at"]
        )
        took = perf_counter() - began
    finally:
        ended.set()
        worker.join()
    page = store.call(
        "safari_search", filter={"campaign": "bulk", "status": "cancelled"}, row_limit=CANCELLED
    )
    cancelled = {found["id"] for found in page["rows"]}
    both = len(cancelled & sent)
    left = CANCELLED - len(cancelled | sent)
    note = f"{answer['done']} cancelled, {len(sent)} sent, {both} both, {left} neither"
    return Figure(f"cancel {CANCELLED:,} at work", Quantity(took, "s"), note=note)


def _median_ms(ask: Callable[[], object]) -> float:
    ask()
    took = []
    for _ in range(TIMES):
        began = perf_counter()
        ask()
        took.append(1000 * (perf_counter() - began))
    return median(took)
