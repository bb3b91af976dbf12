"""Open pages and their one stream: many pages, a console that stops, a session that ends."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.actors.rows import eventually
from tests.console.conftest import START_SECONDS, STOP_SECONDS, serve
from tests.console.test_browser import browser, enter
from tests.support.databases import postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, Route

    from tests.console.conftest import Served
    from tests.support.databases import Databases

__all__ = ["browser"]

# A browser opens six connections to a host.
PAGES = 8
# Longer than what a page waits for, a notice or the next try.
WAITS_MS = 6_000
PAUSE_MS = 500
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def console(
    embedded_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A console for all of them that leave it running."""
    home = tmp_path_factory.mktemp("console") / "home"
    with postgres_database(embedded_databases, "embedded") as made:
        yield from serve(made, home, may_write=True)


def sees(page: Page, command: str) -> None:
    page.locator(f"#feed a[href='/commands/{command}']").first.wait_for()


def hide(page: Page, *, is_hidden: bool) -> None:
    """Let the page believe that it is in the background, or not any more."""
    page.evaluate(
        """(is_hidden) => {
            Object.defineProperty(document, "hidden", { value: is_hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


def live(context: BrowserContext, path: str = "/") -> Page:
    page = context.new_page()
    page.clock.install()
    page.goto(path)
    return page


def held(page: Page, pattern: str) -> list[Route]:
    """Hold what the page asks for at such addresses; return the requests, to be continued."""
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    page.route(pattern, hold)
    return late


def wait_for(text: str, *pages: Page) -> None:
    """Wait until every page shows it, whatever each waits for itself."""

    def is_shown() -> bool:
        late = [page for page in pages if not page.get_by_text(text).first.is_visible()]
        for page in late:
            page.clock.fast_forward(WAITS_MS)
        if late:
            # A clock that runs ahead all the time would call every connection silent.
            late[0].wait_for_timeout(PAUSE_MS)
        return not late

    eventually(is_shown, text, START_SECONDS)


def test_each_of_many_changes_comes_to_an_open_page(browser: Browser, console: Served) -> None:
    context = enter(browser, console)
    page = context.new_page()
    page.goto("/")
    first = console.life.enqueue("warm")
    page.locator(f"#feed a[href='/commands/{first}']").first.wait_for()
    for number in range(10):
        command = console.life.enqueue(f"user{number}")
        row = page.locator(f"#feed a[href='/commands/{command}']").first
        row.wait_for()
    context.close()


def test_a_page_is_live_however_late_a_script_comes(browser: Browser, console: Served) -> None:
    context = enter(browser, console)
    page = context.new_page()
    late = held(page, "**/hx-sse.min.js*")
    with page.expect_request("**/hx-sse.min.js*"):
        page.goto("/", wait_until="commit")
    page.wait_for_function("window.htmx")
    page.evaluate("new Promise(resolve => setTimeout(resolve))")
    late[0].continue_()
    page.wait_for_load_state()
    command = console.life.enqueue("ada")
    page.locator(f"#feed a[href='/commands/{command}']").first.wait_for()
    context.close()


def test_a_list_offers_what_came_before_its_stream_began(browser: Browser, console: Served) -> None:
    context = enter(browser, console)
    # The first page reads the stream itself, the others from the first; the last list is empty.
    for name, path in (("ada", "/commands"), ("bob", "/commands"), ("eve", "/commands?to=eve")):
        page = context.new_page()
        late = held(page, "**/live.js*")
        with page.expect_request("**/live.js*"):
            page.goto(path, wait_until="commit")
        page.get_by_role("heading", name="Commands").wait_for()
        console.life.enqueue(name)
        late[0].continue_()
        page.get_by_role("button", name="1 new").click()
        page.locator("[data-row]").first.get_by_text(name, exact=True).wait_for()
    context.close()


def test_many_visible_pages_of_one_browser_share_a_stream(
    browser: Browser, console: Served
) -> None:
    context = enter(browser, console)
    pages = [live(context) for _ in range(PAGES)]
    command = console.life.enqueue("ada")
    for page in pages:
        sees(page, command)
    # The one that read the stream goes, by and by each of them.
    for page in pages[:3]:
        page.close()
    hide(pages[3], is_hidden=True)
    command = console.life.enqueue("bob")
    for page in pages[4:]:
        sees(page, command)
    hide(pages[3], is_hidden=False)
    sees(pages[3], command)
    context.close()


def test_pages_of_a_browser_without_locks_share_a_stream_too(
    browser: Browser, console: Served
) -> None:
    context = enter(browser, console)
    context.add_init_script("delete Navigator.prototype.locks")
    pages = [live(context) for _ in range(PAGES - 1)]
    assert not pages[0].evaluate("'locks' in navigator")
    command = console.life.enqueue("ada")
    for page in pages:
        sees(page, command)
    # The first one reads; the next page takes its place.
    hide(pages[0], is_hidden=True)
    command = console.life.enqueue("bob")
    for page in pages[1:]:
        sees(page, command)
    context.close()


def test_an_ended_session_is_named_and_a_new_link_revives_the_page(
    browser: Browser, console: Served
) -> None:
    command = console.life.enqueue("ada")
    context = enter(browser, console)
    page, acting = live(context), live(context, f"/commands/{command}")
    sees(page, command)
    shutil.rmtree(console.home / "console" / "sessions")
    acting.get_by_role("button", name="Cancel").click()
    acting.locator("#confirm").get_by_role("button", name="Cancel").click()
    acting.locator("#toast").get_by_text("This browser has no session.").wait_for()
    assert acting.locator("#toast .toast").count() == 1
    hide(page, is_hidden=True)
    hide(page, is_hidden=False)
    wait_for("The session has ended.", page)
    # Followed from another page, a link opens the console all the same.
    elsewhere = context.new_page()
    link = f"{console.url}/enter?link={console.doors.new_link()}"
    elsewhere.set_content(f'<a href="{link}">Console</a>')
    elsewhere.get_by_role("link").click()
    elsewhere.get_by_role("heading", name="Attention").wait_for()
    # The link again, as a program asks that shows previews of links.
    elsewhere.goto(link)
    elsewhere.get_by_role("heading", name="Attention").wait_for()
    elsewhere.close()
    command = console.life.enqueue("bob")
    page.clock.fast_forward(WAITS_MS)
    sees(page, command)
    assert page.get_by_text("The session has ended.").is_hidden()
    context.close()


def test_pages_report_a_stopped_console_and_catch_up_after_its_restart(
    browser: Browser, served: Served
) -> None:
    command = served.life.enqueue("ada")
    context = enter(browser, served)
    first, page = live(context), live(context, f"/commands/{command}")
    rows = live(context, "/commands")
    sees(first, command)
    served.process.terminate()
    served.process.wait(STOP_SECONDS)
    wait_for("The console does not answer", page, first, rows)
    page.locator("#at").fill("2h")
    page.get_by_role("button", name="Reschedule").dispatch_event("click")
    page.get_by_text("The console did not answer.").wait_for()
    served.life.end(command, "sent")
    assert served.life.state(command)[0] == "completed"
    first.evaluate("document.getElementById('live').dataset.version = 'older'")
    anew = subprocess.Popen(
        [sys.executable, "-m", "console"], env=served.environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_for("The console was updated", first)
        page.locator("h1 + .facts").get_by_text("completed").wait_for()
        assert page.get_by_text("The console does not answer").is_hidden()
        rows.get_by_role("button", name="Show what is new").click()
        rows.locator("[data-row]").first.get_by_text("completed").wait_for()
        first.get_by_role("link", name="Reload the page").dispatch_event("click")
        first.get_by_text("The console was updated").wait_for(state="hidden")
        # The first request of a stream fails, and the next.
        first.route("**/live", lambda route: route.abort(), times=2)
        first.reload()
        command = served.life.enqueue("carl")
        wait_for("twitter-dm carl", first)
        sees(first, command)
    finally:
        context.close()
        anew.terminate()
        anew.wait(STOP_SECONDS)
