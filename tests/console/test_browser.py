"""The console in Chromium: what a person sees, live, by keyboard, on a phone, in the dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from simulator.process import SimulatorProcess
from tests.actors.settings_for_tests import environment_for
from tests.console.conftest import REVIEW_ALL, ROOT, Served
from tests.process.workers import WorkerProcess
from tests.support.axe import COLOR_RULES, barriers_on
from tests.support.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from actp.store import Json

PICTURES = ROOT / "var" / "console-pages"
LIVE_MILLISECONDS = 40_000
# What a field does not have room for.
CUT_PLACEHOLDERS = """() => [...document.querySelectorAll("input[placeholder]")].filter((field) => {
    const style = getComputedStyle(field), pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return field.checkVisibility() && pen.measureText(field.placeholder).width > room;
}).map((field) => field.placeholder)"""
TOLD = "window.told = ''; addEventListener('actp:events', (it) => { told += it.detail.data; })"
PAGES = (
    *("/", "/commands", "/unknown", "/inbox", "/review", "/campaigns"),
    *("/limits", "/agents", "/system", "/nowhere"),
    *("/people", "/people/lin", "/enqueue", "/campaigns/new"),
    *("/people/import", "/limits/twitter/dm", "/held", "/webhooks", "/review/all/approve"),
)
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def enter(
    browser: Browser,
    served: Served,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1200,
    **more: Any,
) -> BrowserContext:
    """Open a context that has used its own link."""
    context = browser.new_context(
        base_url=served.url,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
        **more,
    )
    context.set_default_timeout(LIVE_MILLISECONDS)
    page = context.new_page()
    page.goto(f"/enter?link={served.doors.new_link()}")
    page.close()
    return context


def listen(page: Page) -> list[str]:
    """Collect what the page complains of and what it asks of other hosts."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on(
        "request",
        lambda request: told.append(request.url) if "://127.0.0.1:" not in request.url else None,
    )
    return told


@pytest.fixture
def take_picture(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Take a picture of a page under a name, where --pictures asks for them."""

    def take(page: Page, name: str) -> None:
        if request.config.getoption("--pictures"):
            # A PNG of so many pixels takes four times as long.
            picture = PICTURES / f"{name}.jpg"
            page.screenshot(path=picture, type="jpeg", quality=80, full_page=True)

    return take


def fill(served: Served) -> str:
    """Put something on every page; return the id of an unknown outcome."""
    life, store = served.life, served.database.store
    life.enqueue_and_send()
    unknown = life.enqueue("ada")
    life.end(unknown, "unknown", error="HTTP 504: Gateway Timeout")
    for number in range(60):
        life.enqueue(f"user{number}", campaign_id="spring")
    # What is as wide as can be stands on the first page of each list.
    failed = life.enqueue("grace", priority=1)
    life.end(failed, "rejected", reason="before_send", error="no message button " + "x" * 300)
    post = {"postUrl": "https://www.instagram.com/p/" + "D" * 40, "text": "A long text " * 30}
    comment: Json = {"action": "comment", "platform": "instagram", "params": post}
    store.call("safari_enqueue", commands=[comment])
    store.call("safari_pause", platform="tiktok", seconds=7200, note="captcha seen")
    with served.database.connect() as admin:
        admin.execute(REVIEW_ALL)
        person = admin.execute(
            "insert into crm_contacts (platform, username, display_name, twitter_handle)"
            " values ('twitter', 'lin', 'Lin', 'lin') returning id"
        ).fetchone()
        assert person is not None
        admin.execute(
            "insert into crm_messages"
            " (contact_id, platform, message_text, body, direction, sent_at)"
            " values (%s, 'twitter', 'Does it ship?', 'Does it ship?', 'inbound', now())",
            person,
        )
    life.enqueue("drafted")
    life.report({"twitter-dm": {"state": "wait", "reason": "not logged in to x.com"}})
    health: Json = {
        "service_name": "instagram-dm",
        "port": 3001,
        "status": "down",
        "error": "refused",
    }
    store.call("safari_check_services", host="mac", results=[health])
    return unknown


def test_no_page_has_a_barrier_or_a_complaint(
    browser: Browser, served: Served, take_picture: Callable[[Page, str], None]
) -> None:
    unknown = fill(served)
    bulk = "/commands/bulk/cancel?scope=all&campaign=spring"
    reschedule = bulk.replace("cancel", "reschedule")
    pages = (*PAGES, f"/commands/{unknown}", "/commands?to=nobody", bulk, reschedule)
    context = enter(browser, served)
    page = context.new_page()
    complaints = listen(page)
    for number, path in enumerate(pages):
        complaints.clear()
        page.goto(path)
        name = path.strip("/").partition("?")[0].replace("/", "-")[:24] or "overview"
        for width in (1200, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme="light")
            assert barriers_on(page) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(CUT_PLACEHOLDERS) == [], (path, width)
            take_picture(page, f"{number:02d}-{name}-light-{width}")
            page.emulate_media(color_scheme="dark")
            assert barriers_on(page, COLOR_RULES) == [], (path, width)
            take_picture(page, f"{number:02d}-{name}-dark-{width}")
        # Half a screen.
        page.set_viewport_size({"width": 960, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 960, path
        allowed = ["404"] if path == "/nowhere" else []
        assert [text for text in complaints if not any(a in text for a in allowed)] == [], path
    context.close()


def test_a_real_send_is_seen_live(
    browser: Browser,
    served: Served,
    take_picture: Callable[[Page, str], None],
    tmp_path: Path,
) -> None:
    with SimulatorProcess(latency_ms=300) as simulator:
        environment = environment_for(served.database, simulator, tmp_path / "worker")
        with WorkerProcess(environment, tmp_path):
            context = enter(browser, served)
            overview = context.new_page()
            overview.goto("/")
            command = served.life.enqueue("ada")
            row = overview.locator(f"#feed a[href='/commands/{command}']")
            row.first.wait_for()
            row.filter(has_text="completed").wait_for()
            life = context.new_page()
            life.goto(f"/commands/{command}")
            life.locator(".timeline").get_by_text("completed").wait_for()
            assert "twitter-dm" in row.first.inner_text()
            assert len(simulator.effects("twitter-dm")) == 1
            take_picture(life, "live-send")
            context.close()


def test_an_unknown_outcome_is_settled_after_a_question(browser: Browser, served: Served) -> None:
    unknown = fill(served)
    context = enter(browser, served)
    page = context.new_page()
    complaints = listen(page)
    page.goto("/unknown")
    page.get_by_role("button", name="Not sent").click()
    question = page.locator("#confirm")
    question.get_by_text("ada").wait_for()
    question.get_by_role("button", name="Keep").click()
    assert served.life.state(unknown)[1] == "unknown"
    page.get_by_role("button", name="Not sent").click()
    question.get_by_role("button", name="Not sent").click()
    page.get_by_text("The database has confirmed it").wait_for()
    page.get_by_text("Every outcome is known").wait_for()
    assert served.life.state(unknown) == ("failed", "not_sent")
    assert complaints == []
    context.close()


def test_a_file_of_people_is_checked_and_imported(browser: Browser, served: Served) -> None:
    context = enter(browser, served)
    page = context.new_page()
    complaints = listen(page)
    page.goto("/people")
    page.get_by_role("link", name="Import").click()
    people = b"name,twitter\n<b>Ada</b>,ada\nBob,bob\n"
    page.get_by_label("File").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": people}
    )
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Import 2 people").click()
    page.get_by_text("2 added").wait_for()
    page.get_by_role("link", name="See the people").click()
    page.get_by_text("<b>Ada</b>").wait_for()
    assert complaints == []
    context.close()


def test_many_are_cancelled_by_keyboard_alone(browser: Browser, served: Served) -> None:
    commands = [served.life.enqueue(f"user{number}") for number in range(3)]
    context = enter(browser, served)
    page = context.new_page()
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/commands")
    for key in ("j", "x", "j", "x", "c"):
        page.keyboard.press(key)
    page.wait_for_url("**/commands/bulk/cancel**")
    assert page.get_by_role("heading", name="Cancel 2 commands?").is_visible()
    page.get_by_role("button", name="Cancel 2 commands").press("Enter")
    page.wait_for_url("**/commands")
    states = [served.life.state(command)[0] for command in commands]
    assert states == ["pending", "cancelled", "cancelled"]
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("user0")
    page.keyboard.press("Enter")
    page.wait_for_url("**to=user0**")
    assert page.locator("[data-row]").count() == 1
    context.close()


def test_new_rows_wait_above_the_list(browser: Browser, served: Served) -> None:
    context = enter(browser, served)
    context.add_init_script(TOLD)
    # What came before the first reading is no news; this page passes on what it is told after.
    overview = context.new_page()
    overview.goto("/")
    first = served.life.enqueue("ada")
    overview.locator(f"#feed a[href='/commands/{first}']").first.wait_for()
    second = served.life.enqueue("eve")
    overview.wait_for_function("(id) => told.includes(id)", arg=second)
    page = context.new_page()
    page.goto("/commands")
    assert page.locator("[data-row]").count() == 2
    served.life.enqueue("bob")
    page.get_by_role("button", name="1 new", exact=True).wait_for()
    assert page.locator("[data-row]").count() == 2
    page.get_by_role("button", name="1 new", exact=True).click()
    page.locator("[data-row]").nth(2).wait_for()
    context.close()


def test_the_pages_work_without_scripts(browser: Browser, served: Served) -> None:
    command = served.life.enqueue("ada")
    context = enter(browser, served, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/commands/{command}")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url("**/")
    assert served.life.state(command)[0] == "cancelled"
    context.close()


def test_an_edited_draft_is_saved_and_not_approved_as_it_was(
    browser: Browser, served: Served
) -> None:
    with served.database.connect() as admin:
        admin.execute(REVIEW_ALL)
    draft = served.life.enqueue("ada")
    context = enter(browser, served)
    page = context.new_page()
    page.goto("/review")
    approve = page.get_by_role("button", name="Approve", exact=True)
    text = page.get_by_label("Text to ada")
    as_shown = text.input_value()
    text.fill("Hello Ada")
    assert approve.is_disabled()
    text.fill(as_shown)
    assert approve.is_enabled()
    text.fill("Hello Ada")
    page.get_by_role("button", name="Save and approve").click()
    page.locator("#confirm").get_by_role("button", name="Save and approve").click()
    page.get_by_text("Saved and approved.").wait_for()
    shown = served.database.store.call("safari_show", id=draft)["command"]
    assert (shown["params"]["text"], shown["hold"]) == ("Hello Ada", None)
    context.close()
