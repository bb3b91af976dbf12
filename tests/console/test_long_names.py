"""Names and texts of three hundred letters without a blank, on a phone and a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.test_browser import enter, fill
from tests.console.test_hostile_rows import overwrite, pages
from tests.support.browser import chromium

if TYPE_CHECKING:
    from tests.console.conftest import Served

# A phone, a small window, and a screen.
WIDTHS = (390, 950, 1280)
LETTERS = 300


@pytest.mark.timeout(300)
def test_no_page_grows_wider_than_its_window(served: Served) -> None:
    fill(served)
    with served.database.connect() as admin:
        overwrite(admin, "text", "W" * LETTERS)
        paths = pages(admin)
    with chromium() as browser:
        context = enter(browser, served, width=WIDTHS[0])
        page = context.new_page()
        widths = {}
        for path in paths:
            page.goto(path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                widths[path, width] = page.evaluate("document.documentElement.scrollWidth")
        context.close()
    assert {place: found for place, found in widths.items() if found > place[1]} == {}
