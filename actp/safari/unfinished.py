"""Detects unfinished texts: placeholders, missing values, blank text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["nothing_word", "unfinished"]

# What programs write where they had no value.
NOTHING: Final = (
    r"(?:None|none|NONE|null|NULL|Null|NaN|nan|NAN|undefined|Undefined|UNDEFINED|nil|N/A|n/a)"
)
_FIELDS: Final = (
    r"(?:insert|name|first|last|first.?name|last.?name|full.?name|user.?name|(?:your|my|our|their)\b.*"
    r"|company.*|business.*"
    r"|offer.*|link|url|topic|niche|product.*|website|email|phone|date|city|title|placeholder.*|todo|tbd"
    r"|x{2,}|user|prospect|contact|recipient|person|customer|client|lead|greeting|handle|firm"
    r"|vorname|nachname|firma|pr[ée]nom|nom|nombre|nome|empresa|имя|personali[sz]e.*"
    r"|(?:add|enter|type|put|fill)\b.*|.*\b(?:here|goes here))"
)
_WORD_FIELDS: Final = r"(?i:f?name|first_?name|fname|user|contact)"
_GREETING: Final = (
    r"(?i:(?<![\w'-])(?:hi|hey|hello|dear|hola|hallo|bonjour|ciao|ola|oi|salut|moin|thanks|congrats"
    r"|good (?:morning|afternoon|evening)|guten (?:tag|morgen)|buenos d[ií]as|liebe[r]?))"
)
# What platforms and programs show for somebody without a name.
_NOBODY: Final = (
    r"(?i:unknown|user|(?:instagram|linkedin|tiktok|twitter|facebook|deleted|x)"
    r" (?:user|member|account)"
    r"|(?:first|last|full|customer|contact) name|firstname|lastname|true|false|customer|recipient)"
)
# With the signs of which every match has one. Few texts have any, and a search takes much longer
# than a look at the signs.
_PLACEHOLDERS: Final = tuple(
    (frozenset(signs), re.compile(pattern))
    for signs, pattern in (
        ("{", r"\{\{[^{}]{0,80}\}\}|\{[%#][^{}]{0,80}[%#]\}"),
        ("{", rf"(?i:\$?\{{\s*(?:{_FIELDS}|\w*_\w+|\w+\s*\|[^{{}}]{{0,40}})\s*\}})|\$\{{\w+\}}"),
        ("%*", r"%\([A-Za-z_]\w*\)[sd]|%[A-Z][A-Z_]{2,}%|%%\w+%%|\*\|[A-Z_]+\|\*|<%=?.{0,60}?%>"),
        ("{%", r"\{!?\w+(?:\.\w+)+\}|\{\d\}|(?<![\w%])%[sd]\b"),
        (
            "&(",
            r"(?i:&lt;\s*[\w ]{2,30}\s*&gt;|\(\s*insert\b[^)]{0,80}\)|\((?:first |last )?name\))",
        ),
        ("[<", rf"(?i:[\[<]\s*(?:insert\b[^\]>]{{0,80}}|{_FIELDS})\s*[\]>])"),
        ("", r"\b(?:FIRST_?NAME|LAST_?NAME|FULL_?NAME|COMPANY_NAME|YOUR_NAME)\b"),
        ("", r"\[object \w+\]|\bInvalid Date\b|Traceback \(most recent call last\)"),
        ("#", r"#(?:N/A|NV|REF!|BEZUG!|NAME\?|VALUE!|WERT!|DIV/0!|NULL!|NUM!)"),
        ("X", r"(?<!\w)[$€£]X{2,}\b|\bX{2,}[%€]|\bXX[/:.]XX\b"),
        (
            "",
            rf"{_GREETING}\s+(?:\.{{2,}}|-{{2,}}|\u2014),|\b(?:about|your|for|at|of) _{{2,}}(?!\w)",
        ),
        # What another program made of signs and line ends.
        (
            "&",
            r"(?i:&(?:amp|lt|gt|quot|apos|nbsp|[lr]squo|[lr]dquo|hellip|[nm]dash|[aeiou]uml|#x?[0-9a-f]{2,6});)",
        ),
        ("<", r"</?(?:p|br|div|span)\b[^<>]{0,80}>"),
        ("\\", r"\\n\\n|(?<=[,.!?])\\n|\\u[0-9a-fA-F]{4}"),
        ("/", r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?![\w.-])"),
        ("", r"(?i:\blorem ipsum\b)|^TODO:|[,.:!]\s*TODO\b(?! list)|^\W*\{\}\W*$"),
        (
            "{@T",
            rf"{_GREETING}\s+(?:\{{\}}|(?:TBD|TBA|TBC|TODO|INSERT[ _]\w+)\b|@(?:first_?)?name\b)",
        ),
        (
            "\u27e8\u2039\xbb\u203a\u300c",
            rf"{_GREETING}\s+[\u27e8\u2039\xbb\u203a\u300c]\s*(?i:{_FIELDS})\s*[\u27e9\u203a\xab\u2039\u300d]",
        ),
        ("@«", rf"@@\w+@@|«\s*(?i:{_FIELDS})\s*»"),
        # What an assistant says around the text that it was asked for.
        ("", r"(?i:\bas an? (?:ai|large)\b(?: \w+){0,2} (?:model|assistant)\b|^subject:\s)"),
        ("", r"(?i:\bi (?:can['\u2019]t|cannot) (?:assist with|fulfill?) (?:that|this)\b)"),
        (
            ":",
            (
                r"^(?i:(?:sure|certainly|of course|absolutely|great|okay|ok|yes)\b[!,.]*\s+)?"
                r"(?i:here(?:['\u2019]s| is| are) (?:an?|the|your|some)(?: [\w-]+,?){0,4}?"
                r" (?:dm|message|draft|reply|comment|tweet|response)s?\b[^.!?\n]{0,60}:)"
            ),
        ),
        # After a greeting stands a name, whatever the brackets.
        ("[{<\u3010", rf"{_GREETING}\s+[\[{{<\u3010]+[\w .'|!-]{{1,40}}[\]}}>\u3011]+"),
        ("{}#", rf"{_GREETING}\s+(?:\{{\w+|\w+\}}|#\w+#)"),
        (
            "$_|~:X(",
            rf"{_GREETING}\s+(?:\$\w+|_{{2,}}\w*|[|~:]{_WORD_FIELDS}\b|XXX+\b|\(+{_WORD_FIELDS}\)+)",
        ),
        (
            "",
            rf"{_GREETING}\s+(?:NAME|USERNAME|USER|(?i:[fl]name|(?:first|last)_?name|user_name))\b",
        ),
        # A block of code, and letters that were lost on the way.
        ("`\ufffd", r"```|\ufffd"),
        (",", rf"{_GREETING}\s+,"),
    )
)
_NOTHINGS: Final = (
    re.compile(rf"^\W*({NOTHING})\W*$"),
    re.compile(rf"{_GREETING}[\s,]+[\"'(<]*({NOTHING})\b(?! of|-)"),
    re.compile(rf"{_GREETING}\s+({_NOBODY})(?=\s*(?:[.,!?:;]|$))", re.MULTILINE),
    re.compile(
        r"\b(?:for|to|at|about|with|from|of|on|your|in|and|named|called)\s+"
        r"(None|NaN|undefined|null)(?=\s*(?:[.,!?:;)]|$))",
        re.MULTILINE,
    ),
    re.compile(r"\b(?i:you have|has|reached|got) (None|NaN|undefined|null)\b"),
    re.compile(r"\b(NaN|undefined|None)(?:\s?%| (?:followers|views|likes|posts|subscribers)\b)"),
    re.compile(
        r"\b(?i:your) (?:company|business|brand|team|work|post|name) (None|NaN|undefined|null)\b"
    ),
)
# UTF-8 that was read as Latin-1: it\u2019s, caf\u00e9.
_MISREAD: Final = re.compile(
    "\u00e2\u20ac[\u2122\u0153\u009d\u201c\u201d\u00a6\u02dc]|\u00c3[\u00a1-\u00bf]|\u00f0\u0178"
)
# Signs that show nothing although they are no blanks.
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# What stands for an empty cell; a question mark or an emoji is an answer.
_DASHES: Final = re.compile("[-\u2010-\u2015_.\u2026*#/\\\\|]+")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"})


def unfinished(text: str) -> str | None:
    """Return why nobody would send a text as it is, or None."""
    if all(sign in _BLANKS or unicodedata.category(sign) in _UNSEEN for sign in text):
        return "the text shows nothing"
    if _DASHES.fullmatch(text.strip()):
        return "the text says nothing"
    if match := _MISREAD.search(text):
        return f"the text was stored in another encoding: {text[: match.end()][-40:]}"
    plain = unicodedata.normalize("NFKC", text)
    shown = frozenset(plain)
    for signs, placeholder in _PLACEHOLDERS:
        if signs and signs.isdisjoint(shown):
            continue
        if match := placeholder.search(plain):
            return f"the text has a placeholder: {match[0][:40]}"
    if word := nothing_word(text):
        return f"the text says {word} where a value is missing"
    return None


def nothing_word(text: str) -> str | None:
    """Return what stands in a text for a value that was missing, or None."""
    return next((match[1] for pattern in _NOTHINGS if (match := pattern.search(text))), None)
