"""A real browser without a window, for looking at pages as a reader would."""

from __future__ import annotations

import base64
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.support.environment import skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

# How many colours a picture has, and which share of it the commonest one covers.
PIXELS = """(pictures) => Promise.all(pictures.map(async (picture) => {
  const image = new Image();
  image.src = "data:image/png;base64," + picture;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(
    context.getImageData(0, 0, image.width, image.height).data.buffer);
  const seen = new Map();
  for (const pixel of pixels) seen.set(pixel, (seen.get(pixel) ?? 0) + 1);
  return [seen.size, Math.max(...seen.values()) / pixels.length];
}))"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that was opened, what it asked the network for and what it complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Asyncio cannot be used beside it."""
    from playwright.sync_api import sync_playwright

    program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if program is None:
        skip_or_fail("Chromium is not installed (apt install chromium)")
    with sync_playwright() as playwright:
        # There is no GPU: drawing as if there were one takes a sixth more.
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, file: Path, *, scheme: Literal["light", "dark"] = "light", width: int = 1280
) -> Iterator[Opened]:
    """Open a file and listen to all that it does."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    shown = Opened(page)
    page.on("request", lambda request: shown.requests.append(request.url))
    page.on("console", lambda message: shown.complaints.append(message.text))
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.goto(file.as_uri())
    try:
        yield shown
    finally:
        context.close()


def colours_in(browser: Browser, pictures: list[bytes]) -> list[tuple[int, float]]:
    """Return how many colours each PNG has, and which share of it the commonest one covers."""
    page = browser.new_page()
    try:
        sent = [base64.b64encode(picture).decode() for picture in pictures]
        return [(colours, commonest) for colours, commonest in page.evaluate(PIXELS, sent)]
    finally:
        page.close()
