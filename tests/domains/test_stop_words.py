"""How people ask not to be contacted, in many languages, and what only sounds like it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from actp.domains.outreach.optout import wish_in

REPLIES: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("replies.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("wish", ["stop", "doubt", "other"])
def test_each_reply_is_judged_as_its_author_means_it(wish: str) -> None:
    judged = {text: wish_in(text) or "other" for text in REPLIES[wish]}
    assert {text: heard for text, heard in judged.items() if heard != wish} == {}
