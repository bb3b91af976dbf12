"""A log line is one event with its fields."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from actp.logs import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logs("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_time_level_action_message_and_fields(stream: io.StringIO) -> None:
    fields = {"action": "lease_lost", "service": "twitter-dm", "command_id": "17"}
    logging.getLogger("actors.worker.service").warning("no longer %s", "ours", extra=fields)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING lease_lost no longer ours "
        r"service=twitter-dm command_id=17\n",
        stream.getvalue(),
    )


def test_without_an_action_the_logger_is_named(stream: io.StringIO) -> None:
    logging.getLogger("somebody.else").error("broken")
    assert " ERROR somebody.else broken\n" in stream.getvalue()


def test_one_event_is_one_line_whatever_it_holds(stream: io.StringIO) -> None:
    forged = "first\n2026-01-01T00:00:00Z INFO sent all is well"
    logging.getLogger("a").error(forged, extra={"field": forged})
    assert len(stream.getvalue().splitlines()) == 1


def read(line: str) -> tuple[str, dict[str, str]]:
    """Return the message and the fields of a line, read as logfmt."""
    decoder = json.JSONDecoder()

    def value(rest: str, end: str) -> tuple[str, str]:
        if rest.startswith('"'):
            text, stop = decoder.raw_decode(rest)
            return text, rest[stop:].lstrip(" ")
        found = re.match(end, rest)
        assert found is not None
        return found[1], rest[found.end() :]

    _, _, _, rest = line.rstrip("\n").split(" ", 3)
    message, rest = value(rest, r"(.*?)(?: (?=\w+=)|$)")
    fields: dict[str, str] = {}
    while rest:
        name, _, rest = rest.partition("=")
        assert name not in fields
        fields[name], rest = value(rest, r"(\S*)(?: |$)")
    return message, fields


@pytest.mark.parametrize(
    "told",
    [
        'User "ada" not found status=completed service=instagram-dm',
        '"quoted" status=completed',
        "two words",
        "a\\b",
        "tab\tand\r\nline",
        "\x1b[31mred\x07 \u202eright to left \u2028separator",
        "",
        "=",
        '" service="x',
    ],
)
def test_text_from_outside_imitates_no_field(stream: io.StringIO, told: str) -> None:
    fields = {"error": told, "service": "twitter-dm"}
    logging.getLogger("a").error("%s", told, extra=fields)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert read(line) == (told, fields)


def test_an_exception_is_shown_with_its_traceback(stream: io.StringIO) -> None:
    try:
        1 // int("0")
    except ZeroDivisionError:
        logging.getLogger("a").exception("failed")
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith(" ERROR a failed")
    assert rest[0].startswith("  Traceback")
    assert rest[-1].startswith("  ZeroDivisionError")


def fail(words: str) -> None:
    raise ValueError(words)


def test_words_of_an_exception_cannot_pass_for_a_line(stream: io.StringIO) -> None:
    forged = "first\n2026-01-01T00:00:00Z INFO sent all is well\x1b[2K\r2026-01-01T"
    try:
        fail(forged)
    except ValueError:
        logging.getLogger("a").exception("failed")
    lines = stream.getvalue().splitlines()
    assert [line for line in lines[1:] if not line.startswith("  ")] == []
    assert "\x1b" not in stream.getvalue()


def test_what_is_below_the_level_is_left_out(stream: io.StringIO) -> None:
    logging.getLogger("actors").debug("detail")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "hpack.hpack"])
def test_libraries_that_log_addresses_are_silent(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("GET https://api.telegram.org/bot-token/send")
    assert stream.getvalue() == ""
    logging.getLogger(name).warning("odd")
    assert "odd" in stream.getvalue()
