"""Walks through all rows of a database function that answers one page at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actp.store import Json, Store

__all__ = ["PAGE_ROWS", "batches", "pages"]

PAGE_ROWS: Final = 1000

T = TypeVar("T")


def pages(
    store: Store, function: str, *, row_limit: int = PAGE_ROWS, **arguments: Json
) -> Iterator[dict[str, Any]]:
    """Yield every row of a function that takes ``after`` (an id) and ``row_limit``.

    Its rows come in the order of ``id``. While a page is worked on, the database prepares the next
    one; never more than two are held.
    """

    def page(after: str | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = store.call(
            function, **arguments, after=after, row_limit=row_limit
        )
        return rows

    with ThreadPoolExecutor(1, thread_name_prefix="pages") as ahead:
        rows = page(None)
        while len(rows) == row_limit:
            following = ahead.submit(page, rows[-1]["id"])
            yield from rows
            rows = following.result()
        yield from rows


def batches(rows: Iterable[T], size: int = PAGE_ROWS) -> Iterator[list[T]]:
    """Yield rows in lists of at most ``size``."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
