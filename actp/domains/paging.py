"""Iterates over the rows of a paged database function."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actp.store import Json, Store

__all__ = ["PAGE_ROWS", "batches", "pages"]

PAGE_ROWS: Final = 1000
AHEAD: Final = 2

T = TypeVar("T")


def pages(
    store: Store,
    function: str,
    *,
    row_limit: int = PAGE_ROWS,
    ends: str | None = None,
    **arguments: Json,
) -> Iterator[dict[str, Any]]:
    """Yield every row of a function that takes ``after`` (an id) and ``row_limit``.

    Its rows come in the order of ``id``. While a page is worked on, the database prepares the next
    one. ``ends`` names a function that returns the last id of each full page: then the database
    prepares two at once, and ``function`` is also called with ``until`` in place of ``row_limit``.
    """

    def page(after: str | None, until: str | None) -> list[dict[str, Any]]:
        bound: dict[str, Json] = {"row_limit": row_limit} if until is None else {"until": until}
        rows: list[dict[str, Any]] = store.call(function, **arguments, **bound, after=after)
        return rows

    known = [] if ends is None else store.call(ends, **arguments, row_limit=row_limit)
    waiting: deque[tuple[str | None, str | None]] = deque(pairwise([None, *known]))
    waiting.append((known[-1] if known else None, None))
    prepared: deque[tuple[Future[list[dict[str, Any]]], bool]] = deque()
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="pages") as ahead:

        def prepare() -> None:
            while waiting and len(prepared) < AHEAD:
                after, until = waiting.popleft()
                prepared.append((ahead.submit(page, after, until), until is None))

        prepare()
        while prepared:
            reading, is_open = prepared.popleft()
            rows = reading.result()
            if is_open and len(rows) == row_limit:
                waiting.append((rows[-1]["id"], None))
            prepare()
            yield from rows


def batches(rows: Iterable[T], size: int = PAGE_ROWS) -> Iterator[list[T]]:
    """Yield rows in lists of at most ``size``."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
