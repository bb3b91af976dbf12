"""Names and texts of three hundred letters without a blank, on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.test_browser import enter, fill
from tests.console.test_hostile_rows import overwrite, pages
from tests.support.browser import chromium

if TYPE_CHECKING:
    from tests.console.conftest import Served

WIDTH = 390
LETTERS = 300


@pytest.mark.timeout(300)
def test_no_page_grows_wider_than_a_phone(served: Served) -> None:
    fill(served)
    with served.database.connect() as admin:
        overwrite(admin, "text", "W" * LETTERS)
        paths = pages(admin)
    with chromium() as browser:
        context = enter(browser, served, width=WIDTH)
        page = context.new_page()
        widths = {}
        for path in paths:
            page.goto(path)
            widths[path] = page.evaluate("document.documentElement.scrollWidth")
        context.close()
    assert {path: width for path, width in widths.items() if width > WIDTH} == {}
