"""Whatever came from outside, PostgreSQL can store what is kept of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actp.sanitize import excerpt, storable, storable_text
from tests.unit.safari.texts_within import texts_within

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_nul_and_lone_surrogates_go() -> None:
    assert storable({"a\x00": "b\x00\ud800c"}) == {"a": "b\ufffdc"}


def test_numbers_that_json_does_not_know_go() -> None:
    assert storable([float("nan"), float("inf"), 10**200, 1.5]) == [None, None, "…", 1.5]


def test_what_is_too_deep_is_cut() -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = [deep]
    assert json.dumps(storable(deep), ensure_ascii=False).count("[") < 12


def test_what_is_too_large_is_cut_and_marked() -> None:
    kept = storable({"posts": ["x" * 100] * 1000}, 1000)
    assert len(json.dumps(kept)) < 2500
    assert kept["posts"][0] == "x" * 100
    assert kept["posts"][-1] == "…"


def test_an_excerpt_reads_any_bytes() -> None:
    assert excerpt(b"\xff\x00ok") == "\ufffdok"
    assert len(excerpt(b"x" * 10**6)) == 4096


def test_a_text_that_fits_stays() -> None:
    assert storable_text("häuser 🙌", 8) == "häuser 🙌"
    assert storable_text("häuser 🙌", 7) == "häuser…"


@given(ANYTHING, st.integers(10, 500))
def test_everything_is_storable_and_bounded(value: Any, budget: int) -> None:
    kept = storable(value, budget)
    assert not any("\x00" in text for text in texts_within(kept))
    stored = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    stored.encode("utf-8")
    assert len(stored) < 20 * budget
