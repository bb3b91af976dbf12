"""Texts that no person would send: placeholders, what a program writes for nothing, blank ones."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["nothing_word", "unfinished"]

# What programs write where they had no value.
NOTHING: Final = r"(?:None|none|NONE|null|NULL|Null|NaN|nan|NAN|undefined|Undefined|nil|N/A|n/a)"
_FIELDS: Final = (
    r"(?:insert|name|first.?name|last.?name|full.?name|your\b.*|company.*|business.*|offer.*|link|url"
    r"|topic|niche|product.*|website|email|phone|date|city|title|placeholder.*|todo|tbd|x{2,}"
    r"|(?:add|enter|type|put|fill)\b.*)"
)
_PLACEHOLDERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\{\{[^{}]{0,80}\}\}|\{[%#][^{}]{0,80}[%#]\}",
        rf"(?i:\$?\{{\s*(?:{_FIELDS}|\w*_\w+|\w+\s*\|[^{{}}]{{0,40}})\s*\}})|\$\{{\w+\}}",
        r"%\([A-Za-z_]\w*\)[sd]|%[A-Z][A-Z_]{2,}%|\*\|[A-Z_]+\|\*|<%=?.{0,60}?%>",
        rf"(?i:[\[<]\s*(?:insert\b[^\]>]{{0,80}}|{_FIELDS})\s*[\]>])",
        r"\b(?:FIRST_?NAME|LAST_?NAME|FULL_?NAME|COMPANY_NAME|YOUR_NAME)\b",
        r"\[object Object\]|(?i:\blorem ipsum\b)",
    )
)
_GREETING: Final = (
    r"(?i:\b(?:hi|hey|hello|dear|hola|hallo|bonjour|ciao|ola|oi|salut|moin|thanks|congrats))"
)
_NOTHINGS: Final = (
    re.compile(rf"^\W*({NOTHING})\W*$"),
    re.compile(rf"{_GREETING}[\s,]+({NOTHING})\b(?! of)"),
    re.compile(
        r"\b(?:for|to|at|about|with|from|of|on|your|in|and|is|are|named|called)\s+"
        r"(None|NaN|undefined|null)(?=\s*(?:[.,!?:;)]|$))",
        re.MULTILINE,
    ),
)
# Signs that show nothing although they are no blanks.
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"})


def unfinished(text: str) -> str | None:
    """Return why nobody would send a text as it is, or None."""
    if all(sign in _BLANKS or unicodedata.category(sign) in _UNSEEN for sign in text):
        return "the text shows nothing"
    for placeholder in _PLACEHOLDERS:
        if match := placeholder.search(text):
            return f"the text has a placeholder: {match[0][:40]}"
    if word := nothing_word(text):
        return f"the text says {word} where a value is missing"
    return None


def nothing_word(text: str) -> str | None:
    """Return what stands in a text for a value that was missing, or None."""
    return next((match[1] for pattern in _NOTHINGS if (match := pattern.search(text))), None)
