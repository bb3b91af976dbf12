"""Arguments of a call as PostgreSQL can hold them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from actp.errors import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.store.protocol import Json


def encode(arguments: Mapping[str, Json]) -> dict[str, str | None]:
    """Return each argument as the text that PostgreSQL reads for its declared type.

    Untyped text lets the function's declaration decide, as PostgREST does: an integer too
    large is then an error about that value and not a function that does not exist.

    Raises StoreRefused for what no column can hold: NUL, lone surrogates, NaN, infinities,
    things that are not JSON.
    """
    return {name: _encoded(name, value) for name, value in arguments.items()}


def refuse_unstorable(arguments: Mapping[str, Json]) -> None:
    """Raise what ``encode`` would raise."""
    encode(arguments)


def _encoded(name: str, value: Json) -> str | None:
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else _dumps(value)
        text.encode()
    except UnicodeEncodeError:
        raise _refusal(name, "a lone surrogate") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(name, f"something that is not JSON ({error})") from None
    if "\0" in text or ("\\u0000" in text and _holds_nul(value)):
        raise _refusal(name, "a NUL character")
    return text


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, (list, tuple)) and any(_holds_nul(part) for part in value)


def _refusal(name: str, what: str) -> StoreRefused:
    return StoreRefused(
        f"argument {name!r} holds {what}, which PostgreSQL cannot store",
        remedy="Clean the value before it is stored.",
    )
