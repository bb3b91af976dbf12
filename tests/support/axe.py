"""Looks for barriers on a page with axe-core, as assistive technology would meet them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.environment import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

SCRIPT = Path(__file__).resolve().parents[2] / ".venv/axe/node_modules/axe-core/axe.min.js"


# What the colors of a page decide.
COLOR_RULES = ("color-contrast", "link-in-text-block")


def barriers_on(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return each violation with the elements that it was found on; of these rules, or of all."""
    if not SCRIPT.is_file():
        skip_or_fail("axe-core is not installed (bin/test fetches it with npm)")
    if not page.evaluate("'axe' in window"):
        # Evaluated, not added as a tag: the pages allow no script of another origin.
        page.evaluate(SCRIPT.read_text("utf-8"))
    # The nodes of all that passed take most of the time.
    options = {"resultTypes": ["violations"]} | ({"runOnly": [*rules]} if rules else {})
    found = page.evaluate("options => axe.run(options)", options)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:120]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
