"""A name on a page is a person's only where nothing else can be meant."""

from __future__ import annotations

import pytest

from actp.safari.addresses import is_name_of


@pytest.mark.parametrize(
    ("name", "handle", "is_same"),
    [
        ("Ada Lovelace", "ada-lovelace", True),
        ("Ada Lovelace", "ada-lovelace-1815b", True),
        ("Ada Lovelace", "adalovelace", True),
        ("Ada K. Lovelace", "ada-lovelace", True),
        ("André Müller", "andr%C3%A9-m%C3%BCller", True),
        ("ada", "ada", True),
        ("Ada", "ada92", True),
        ("person1a2b3c", "person1a2b3c", True),
        ("Person1A2B3C", "person-1a2b3c", True),
        ("李明", "李明", True),
        ("Ada", "adam-smith", False),
        ("Ada", "ada-lovelace", False),
        ("Ada Byron", "ada-lovelace", False),
        ("Adam", "ada", False),
        ("Maria Garcia", "maria_lopez", False),
        ("composer_open_inbox_trusted", "ada", False),
        ("", "ada", False),
        ("1815", "1816", False),
        ("Person 1a2b", "person-9c9d", False),
        ("...", "___", False),
    ],
)
def test_a_name_is_compared_word_by_word(name: str, handle: str, *, is_same: bool) -> None:
    assert is_name_of(name, handle) is is_same
