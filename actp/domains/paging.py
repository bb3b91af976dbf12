"""Walks through all rows of a database function that answers one page at a time."""

from __future__ import annotations

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

    Its rows come in the order of ``id``; never more than a page of them is held.
    """
    after: str | None = None
    while True:
        rows = store.call(function, **arguments, after=after, row_limit=row_limit)
        yield from rows
        if len(rows) < row_limit:
            return
        after = rows[-1]["id"]


def batches(rows: Iterable[T], size: int = PAGE_ROWS) -> Iterator[list[T]]:
    """Yield rows in lists of at most ``size``."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
