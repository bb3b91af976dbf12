"""Shortens a person's post to a quotable snippet."""

from __future__ import annotations

import re
from typing import Final

from actp.domains.outreach.suspicion import fault_in, speaks_to_machines
from actp.safari.unfinished import unfinished

__all__ = ["snippet"]

LONGEST: Final = 60
FEWEST_WORDS: Final = 3
# Mentions, tags and links are left out before the first sentence is taken.
_DECORATION: Final = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+")
_EDGES: Final = re.compile(r"^[\W_]+|[^\w?!)]+$")
_END: Final = re.compile(r"(?<=[.!?])\s|\n")


def snippet(post: str | None) -> str | None:
    """Return a post's first words, or None where they cannot be quoted in a message."""
    lines = [" ".join(_DECORATION.sub(" ", line).split()) for line in (post or "").splitlines()]
    first = next((line for line in lines if len(line.split()) >= FEWEST_WORDS), "")
    sentence = _EDGES.sub("", _END.split(first)[0].replace("“", "").replace("”", ""))
    if len(sentence) > LONGEST:
        sentence = _EDGES.sub("", sentence[: LONGEST + 1].rpartition(" ")[0])
    if len(sentence.split()) < FEWEST_WORDS or speaks_to_machines(post):
        return None
    if fault_in(sentence, "twitter") or unfinished(sentence):
        return None
    return sentence
