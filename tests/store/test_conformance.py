"""What every adapter does alike."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.errors import (
    ActpError,
    InvalidInput,
    NotFound,
    SchemaMissing,
    StoreDenied,
    StoreRefused,
    StoreUnavailable,
    WrongState,
)

if TYPE_CHECKING:
    from actp.store.protocol import Store
    from tests.support.databases import Database

UUID = "8c5e1a52-9d6b-4f5f-b4f1-0f6d7f6a1b2c"


@pytest.fixture
def store(door: Database) -> Store:
    return door.store


def test_every_type_of_argument_arrives(store: Store) -> None:
    sent: dict[str, Any] = {
        "text": "hello",
        "int": 2**31 - 1,
        "double": 0.1,
        "bool": True,
        "uuid": UUID,
        "json": {"list": [1, "two", None, False, {"deep": []}], "empty": {}},
    }
    assert store.call("conformance_echo", **{f"p_{name}": sent[name] for name in sent}) == sent


def test_none_arrives_as_null(store: Store) -> None:
    names = ("text", "int", "double", "bool", "uuid", "json")
    answer = store.call("conformance_echo", **{f"p_{name}": None for name in names})
    assert answer == dict.fromkeys(names)


def test_arguments_that_are_left_out_take_their_defaults(store: Store) -> None:
    assert store.call("conformance_echo", p_text="only")["text"] == "only"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t\r ",
        "%s %(p_text)s %%",
        "'; drop table conformance_notes; --",
        'back\\slash "quoted" \\u0000 \\n',
        "naïve café ﷽ 漢字",
        "👩‍👩‍👧‍👦 e\u0301 \u202eright to left\u202c",
        "\x01\x7f\x80\uffff",
        "null",
        "{}",
    ],
)
def test_text_arrives_unchanged_alone_and_within_json(store: Store, text: str) -> None:
    answer = store.call("conformance_echo", p_text=text, p_json={text: [text]})
    assert answer["text"] == text
    assert answer["json"] == {text: [text]}


@pytest.mark.parametrize(
    "number", [0.1, 1e22, -2.5e-300, 1.7976931348623157e308, 5e-324, 123456789.123456789]
)
def test_floats_keep_every_bit(store: Store, number: float) -> None:
    answer = store.call("conformance_echo", p_double=number, p_json=[number])
    # PostgreSQL writes a large float without an exponent, which JSON reads as an integer.
    assert [float(answer["double"]), *map(float, answer["json"])] == [number, number]


def test_integers_within_json_have_no_limit(store: Store) -> None:
    assert store.call("conformance_echo", p_json=[2**80, -(2**63)])["json"] == [2**80, -(2**63)]


@pytest.mark.parametrize("value", ["text", 7, 1.5, True, [1, 2], {"a": 1}, None])
def test_a_function_may_answer_any_json(store: Store, value: Any) -> None:
    assert store.call("conformance_scalar", p_json={"value": value}) == value


def test_sql_null_is_none(store: Store) -> None:
    assert store.call("conformance_null") is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"p_text": "a\0b"},
        {"p_json": {"a": ["b\0"]}},
        {"p_json": {"key\0": 1}},
        {"p_text": "\ud800"},
        {"p_json": ["\udfff"]},
        {"p_double": math.nan},
        {"p_json": [math.inf]},
        {"p_json": {"when": object()}},
    ],
)
def test_what_no_column_can_hold_is_refused_and_named(
    store: Store, arguments: dict[str, Any]
) -> None:
    with pytest.raises(StoreRefused, match=r"argument 'p_.*cannot store"):
        store.call("conformance_echo", **arguments)


@pytest.mark.parametrize(
    "arguments", [{"p_int": 2**31}, {"p_int": 2**80}, {"p_uuid": "none"}, {"p_bool": "perhaps"}]
)
def test_a_value_outside_its_type_is_a_refusal_and_not_a_missing_function(
    store: Store, arguments: dict[str, Any]
) -> None:
    with pytest.raises(StoreRefused):
        store.call("conformance_echo", **arguments)


def test_an_answer_of_five_megabytes_and_five_thousand_rows_comes_whole(store: Store) -> None:
    rows = store.call("conformance_rows", p_count=5000, p_width=1000)
    assert [row["n"] for row in rows] == list(range(1, 5001))
    assert all(len(row["text"]) == 1000 for row in rows)


def test_an_argument_of_a_megabyte_arrives_whole(store: Store) -> None:
    big = {"text": "ü" * 500_000}
    assert store.call("conformance_echo", p_json=big)["json"] == big


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("P0002", NotFound),
        ("22023", InvalidInput),
        ("55000", WrongState),
        ("42501", StoreDenied),
        ("28000", StoreDenied),
        ("53300", StoreUnavailable),
        ("57014", StoreUnavailable),
        ("57P03", StoreUnavailable),
        ("08006", StoreUnavailable),
        ("55P03", StoreUnavailable),
        ("40P01", StoreUnavailable),
        ("42P01", SchemaMissing),
        ("42883", SchemaMissing),
        ("23505", StoreRefused),
        ("P0001", StoreRefused),
        ("XX000", StoreRefused),
    ],
)
def test_an_error_is_known_by_its_sqlstate(
    store: Store, state: str, error: type[ActpError]
) -> None:
    with pytest.raises(error) as caught:
        store.call("conformance_raise", p_state=state, p_message="because: ü")
    assert type(caught.value) is error
    assert store.call("conformance_echo", p_text="next")["text"] == "next"


def test_an_error_keeps_the_words_of_the_function(store: Store) -> None:
    with pytest.raises(NotFound, match=r"^no command 7: ü$"):
        store.call("conformance_raise", p_state="P0002", p_message="no command 7: ü")


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("conformance_absent", {}),
        ("conformance_null", {"p_unknown": 1}),
        ("conformance_sorry", {}),
    ],
)
def test_a_function_that_is_not_there_says_how_to_get_it(
    store: Store, function: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(SchemaMissing) as caught:
        store.call(function, **arguments)
    assert "migrate" in caught.value.remedy


def test_a_call_that_fails_leaves_nothing_behind(store: Store) -> None:
    key = str(uuid4())
    with pytest.raises(StoreRefused):
        store.call("conformance_note_then_fail", p_key=key)
    assert store.call("conformance_note", p_key=key) == {"times": 1}


def test_a_call_is_committed_when_it_returns(door: Database) -> None:
    key = str(uuid4())
    door.store.call("conformance_note", p_key=key)
    with door.connect() as connection:
        row = connection.execute(
            "select times from conformance_notes where key = %s", (key,)
        ).fetchone()
    assert row == (1,)


def test_threads_that_share_a_store_each_get_their_own_answer(store: Store) -> None:
    def ask(number: int) -> int:
        answer = store.call("conformance_echo", p_int=number, p_json={"n": number})
        assert answer["json"] == {"n": number}
        return int(answer["int"])

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(ask, range(240))) == list(range(240))
