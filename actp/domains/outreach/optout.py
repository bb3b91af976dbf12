"""Whether somebody asks not to be written to. A doubt counts as yes: silence harms nobody."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["asks_to_stop"]

# Alone, these are the whole answer.
_ALONE: Final = frozenset(
    {
        "stop", "please stop", "stop please", "stop it", "stop this", "stopp", "stop all", "quit",
        "cancel", "end", "optout", "opt out", "remove", "remove me", "unsub", "no thanks",
        "no thank you", "not interested", "no interest", "go away", "spam", "reported", "blocked",
        "kein interesse", "no me interesa", "pas interesse", "non mi interessa", "nein danke",
        "no gracias", "non merci", "no grazie", "basta",
    }
)  # fmt: skip
_CONTACTING: Final = (
    r"(?:messag|contact|writ|text|dm|email|e-mail|mail|call|ping|spam|bother|harass|pitch|reach|send"
    r"|solicit|annoy)"
)
_NOT: Final = r"\b(?:do not|don't|dont|never|no longer)"
_ASKED: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!non[ -])(?<!one[ -])\b(?:stop|quit|cease|no more)\b(?: \w+){{0,2}} {_CONTACTING}\w*",
        rf"{_NOT}(?: ever| please)? {_CONTACTING}\w*(?: \w+){{0,3}} ?\b(?:me|us|again|any ?more)\b",
        rf"{_NOT} (?:want|wish|like|need)(?: \w+){{0,3}} {_CONTACTING}\w*",
        r"\bun-?subscrib\w*",
        r"\bopt(?:ed|ing)?[ -]?(?:me )?out\b",
        r"\b(?:remove|delete) me\b",
        r"\b(?:take|drop) me (?:from|off|out)\b",
        r"\b(?:remove|delete|take|lose|drop) my (?:name|e-?mail|number|contact|details)\b",
        r"\bleave me alone\b",
        r"(?<!you )(?<!you're )(?<!you are )(?<!if )\bnot (?!only|just)(?:\w+ ){0,2}interested\b",
        r"\b(?:isn't|is not|i'm not|im not) (?:something )?(?:for me|my thing)\b",
        r"\b(?:have|i've|going to|i'll|will) (?:report|block)(?:ed)? you\b",
        r"\bkeine (?:weiteren )?(?:nachrichten|mails)\b|\bnicht mehr (?:an)?schreiben\b",
        r"\b(?:abmelden|desuscri\w*|darme de baja|desabonn\w*|disiscriv\w*)\b",
        r"\bno (?:me )?(?:escribas|contactes)\b|\bno (?:estoy )?interesad[oa]\b",
        r"\b(?:kein|keinerlei) interesse\b|\bpas interesse\w*\b",
    )
)
_UNSAID = re.compile(r"\b(?:don't|dont|do not|never|can't|cannot|won't|didn't) (?:ever )?stop\b")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc]")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def asks_to_stop(text: str | None) -> bool:
    """Return whether a reply asks not to be contacted any more."""
    plain = _plain(text or "")
    for line in plain.splitlines():
        if _EDGES.sub("", line) in _ALONE:
            return True
    spoken = _UNSAID.sub(" ", " ".join(plain.split()))
    return any(pattern.search(spoken) for pattern in _ASKED)


def _plain(text: str) -> str:
    """Return a text in lower case, without accents, invisible signs and curly apostrophes."""
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("'", text)).casefold()
    return "".join(
        sign
        for sign in folded
        if sign in "\n\t" or unicodedata.category(sign) not in {"Mn", "Cf", "Cc"}
    )
