"""Decoding JSON that PostgreSQL stores and Python does not read."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actp.store.decoding import MAX_DEPTH, decoded

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
DEEP = "[" * 3000 + "]" * 3000
DEEP_OBJECT = '{"a": ' * 3000 + "1" + "}" * 3000
LONG = "1" * 5000


@pytest.mark.parametrize(
    "odd", [DEEP, DEEP_OBJECT, LONG, f"-{LONG}", f"{LONG}.5", f"[{LONG}, {DEEP}]"]
)
def test_an_odd_value_leaves_the_others_as_they_are(odd: str) -> None:
    others = {"before": ["[", '"]', "\\", 1.5, -2, None], "after": {"a": [True, {}]}}
    first, last = (json.dumps({name: value})[1:-1] for name, value in others.items())
    text = f'{{{first}, "odd": {odd}, {last}}}'
    for given_ in (text, text.encode()):
        read = decoded(given_)
        assert {key: read[key] for key in others} == others
        json.dumps(read["odd"])


def test_a_number_of_too_many_digits_is_the_largest() -> None:
    assert decoded(f'[-{LONG}, {LONG}, "{LONG}"]') == [
        -sys.float_info.max,
        sys.float_info.max,
        LONG,
    ]


@pytest.mark.parametrize("levels", [MAX_DEPTH, 500, 3000])
def test_depth_is_cut_and_nothing_else(levels: int) -> None:
    nested = '{"a": ' * levels + "1" + "}" * levels
    value: Any = decoded(f"[{nested}, 7]")
    assert value[1] == 7
    depth = 1
    while isinstance(value := value[0] if isinstance(value, list) else value["a"], list | dict):
        depth += 1
    assert depth == MAX_DEPTH
    assert "too deep" in value


@pytest.mark.parametrize("text", ["", "{", "[1", "nonsense", '{"a": }', "]" * 2000, "<html>"])
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever json gives
        decoded(text)


@given(JSON)
def test_bounding_changes_no_ordinary_value(value: Any) -> None:
    text = json.dumps([value], ensure_ascii=False)
    (read, _) = decoded(f"[{text[1:-1]}, {LONG}]")
    assert read == value
