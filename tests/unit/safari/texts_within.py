"""All texts in a JSON value, keys as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def texts_within(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts_within(item)
        case dict():
            yield from value
            for item in value.values():
                yield from texts_within(item)
