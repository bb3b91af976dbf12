from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actp.cli.watch_state import (
    Pause,
    Quit,
    Request,
    Resume,
    Retry,
    State,
    matching,
    press,
    with_rows,
)

ROWS: list[dict[str, Any]] = [
    {
        "id": f"{n}0000000",
        "service": "instagram-dm",
        "action": "send_dm",
        "platform": platform,
        "status": status,
        "reason": reason,
        "error": None,
        "params": {"username": "ada", "text": f"Hello {n}"},
    }
    for n, (platform, status, reason) in enumerate(
        (
            ("instagram", "pending", None),
            ("twitter", "failed", "retries_exhausted"),
            ("twitter", "failed", "unknown"),
            (None, "completed", None),
        )
    )
]
START = with_rows(State(), ROWS)


def typed(state: State, keys: list[str], **given: Any) -> tuple[State, list[Request]]:
    requests = []
    for key in keys:
        state, request = press(state, key, given.get("rows", ROWS), given.get("paused", ()))
        requests += [request] if request is not None else []
    return state, requests


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (["j"], 1),
        (["down", "j"], 2),
        (["j"] * 9, 3),
        (["j", "k"], 0),
        (["up"], 0),
    ],
)
def test_j_and_k_move_the_selection_and_stop_at_the_ends(keys: list[str], place: int) -> None:
    state, requests = typed(START, keys)
    assert state.selected == ROWS[place]["id"]
    assert requests == []


def test_the_selection_stays_on_its_command_when_newer_ones_come() -> None:
    state, _ = typed(START, ["j"])
    newer = [{**ROWS[0], "id": "new"}, *ROWS]
    assert with_rows(state, newer).selected == ROWS[1]["id"]
    assert with_rows(state, newer[:1]).selected == "new"
    assert with_rows(state, []).selected is None


def test_enter_shows_a_command_and_q_goes_back_before_it_ends() -> None:
    state, requests = typed(START, ["j", "enter", "j", "j", "k"])
    assert (state.shown, state.scroll, requests) == (ROWS[1]["id"], 1, [])
    state, requests = typed(state, ["q"])
    assert (state.shown, requests) == (None, [])
    assert typed(state, ["q"])[1] == [Quit()]


def test_a_failed_command_is_retried_after_a_yes() -> None:
    state, requests = typed(START, ["j", "r"])
    assert "Retry send_dm on twitter" in state.question
    assert requests == []
    assert typed(state, ["y"])[1] == [Retry(ROWS[1]["id"])]
    answered, requests = typed(state, ["n"])
    assert (answered.asking, requests) == (None, [])


@pytest.mark.parametrize(("place", "words"), [(0, "It is pending"), (2, "bin/queue resolve")])
def test_what_cannot_be_retried_is_explained(place: int, words: str) -> None:
    state, requests = typed(START, [*["j"] * place, "r", "y"])
    assert requests == []
    assert words in typed(START, [*["j"] * place, "r"])[0].notice
    assert state.asking is None


def test_p_pauses_a_platform_and_resumes_a_paused_one() -> None:
    assert typed(START, ["p", "y"])[1] == [Pause("instagram")]
    assert typed(START, ["p", "y"], paused={"instagram"})[1] == [Resume("instagram")]
    assert typed(START, ["j", "j", "j", "p", "y"])[1] == []


def test_a_filter_is_typed_applied_and_cleared() -> None:
    state, requests = typed(START, ["/", "q", "x", "backspace", "enter"])
    assert (state.filter, state.typing, requests) == ("q", None, [])
    assert typed(state, ["escape"])[0].filter == ""
    assert typed(state, ["/", "x", "escape"])[0].filter == "q"


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("", [0, 1, 2, 3]),
        ("twitter", [1, 2]),
        ("TWITTER exhausted", [1]),
        ("hello 3", [3]),
        ("nobody", []),
    ],
)
def test_every_word_of_a_filter_matches_somewhere(words: str, places: list[int]) -> None:
    assert matching(ROWS, words) == [ROWS[place] for place in places]


def test_nothing_selected_does_nothing() -> None:
    empty = replace(State(), selected=None)
    state, requests = typed(empty, ["j", "enter", "r", "p"], rows=[])
    assert (state.shown, state.asking, requests) == (None, None, [])
