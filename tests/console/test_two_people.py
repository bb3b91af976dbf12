"""Pages that change under a hand: two people, a double click, a half-filled form, the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.conftest import REVIEW_ALL, serve
from tests.console.test_browser import browser, enter
from tests.support.databases import postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.console.conftest import Served
    from tests.support.databases import Databases

__all__ = ["browser"]

PERSON = """with person as (
    insert into crm_contacts (platform, username, display_name, twitter_handle)
    values ('twitter', %(name)s, %(name)s, %(name)s) returning id)
insert into crm_messages (contact_id, platform, message_text, body, direction, sent_at)
select id, 'twitter', 'Does it ship?', 'Does it ship?', 'inbound', now() from person"""
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def console(
    embedded_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("console") / "home"
    with postgres_database(embedded_databases, "embedded") as made:
        yield from serve(made, home, may_write=True)


def row_of(page: Page, name: str) -> str:
    """Return the selector of the row that names somebody."""
    # The whole name: a short one may stand within the id of another row.
    named = page.get_by_text(name, exact=True)
    return f"#{page.locator('[data-row]', has=named).get_attribute('id')}"


def test_two_people_settle_one_unknown_outcome(browser: Browser, console: Served) -> None:
    life = console.life
    ada, bob = life.enqueue("ada"), life.enqueue("bob")
    for command in (ada, bob):
        life.end(command, "unknown", error="HTTP 504: Gateway Timeout")
    contexts = [enter(browser, console) for _ in range(2)]
    one, two = [context.new_page() for context in contexts]
    for page in (one, two):
        page.goto("/unknown")
    # The second has the question open when the first has answered it.
    row = row_of(two, "ada")
    two.locator(row).get_by_role("button", name="Not sent").click()
    one.locator(row).get_by_role("button", name="Sent", exact=True).click()
    one.locator("#confirm").get_by_role("button", name="Sent").click()
    one.locator(row).wait_for(state="detached")
    two.get_by_role("button", name="Changed meanwhile").wait_for()
    two.locator("#confirm").get_by_role("button", name="Not sent").click()
    two.locator("#toast .failed").wait_for()
    two.locator(row).wait_for(state="detached")
    assert life.state(ada)[0] == "completed"
    # The way back from the command leads to the list as it is now.
    two.get_by_role("link", name="bob", exact=True).click()
    two.get_by_role("button", name="Sent", exact=True).click()
    two.locator("#confirm").get_by_role("button", name="Sent").click()
    two.locator(".facts").get_by_text("completed").wait_for()
    two.go_back()
    two.get_by_text("Every outcome is known").wait_for()
    one.get_by_role("button", name="Changed meanwhile").click()
    one.get_by_text("Every outcome is known").wait_for()
    assert life.state(bob)[0] == "completed"
    for context in contexts:
        context.close()


def test_a_double_click_acts_on_one_row(browser: Browser, served: Served) -> None:
    with served.database.connect() as admin:
        admin.execute(REVIEW_ALL)
    drafts = {name: served.life.enqueue(name) for name in ("carl", "dora", "eve")}
    context = enter(browser, served)
    page = context.new_page()
    page.goto("/review")
    page.locator(row_of(page, "dora")).get_by_role("textbox").fill("Half written")
    row = row_of(page, "carl")
    page.locator(row).get_by_role("button", name="Approve", exact=True).dblclick(delay=100)
    page.locator(row).wait_for(state="detached")
    page.get_by_text("The database has confirmed it").wait_for()
    # The page was brought up to date; what is half written is still not approved as it was.
    dora = page.locator(row_of(page, "dora"))
    assert dora.get_by_role("button", name="Approve", exact=True).is_disabled()
    page.reload()
    assert page.locator("[data-row]").count() == len(drafts) - 1
    context.close()


def test_what_is_half_written_stays_with_its_person(browser: Browser, console: Served) -> None:
    with console.database.connect() as admin:
        for name in ("finn", "gil", "hana"):
            admin.execute(PERSON, {"name": name})
    context = enter(browser, console)
    page = context.new_page()
    page.goto("/inbox")
    finn, gil = row_of(page, "finn"), row_of(page, "gil")
    answer = page.locator(gil).get_by_role("textbox", name="Reply to gil")
    answer.fill("Yes, on Monday")
    page.locator(gil).get_by_label("For how long").fill("5d")
    page.locator(finn).get_by_role("button", name="Done").click()
    page.locator(finn).wait_for(state="detached")
    assert answer.input_value() == "Yes, on Monday"
    assert page.locator(gil).get_by_label("For how long").input_value() == "5d"
    others = page.get_by_role("textbox", name="Reply to hana")
    assert others.input_value() == ""
    page.locator(gil).get_by_role("button", name="Snooze").click()
    page.locator(gil).wait_for(state="detached")
    assert others.input_value() == ""
    context.close()
