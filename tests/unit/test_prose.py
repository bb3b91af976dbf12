"""The language of pages, docstrings, comments, help, errors, logs and alerts: plain words.

Counts turns of phrase that make the text read like a translation. `BUDGET` only ever falls.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = frozenset({".py", ".md", ".sql", ".html", ".toml", ".yml", ".conf", ".css", ".plist", ""})
FOLDERS: Final = (
    *(".claude", ".github", "actors", "actp", "bin", "boot", "console", "demo", "docs", "metrics"),
    *("migrations", "packaging", "simulator", "tests"),
)
# Released SQL is never edited; this page quotes the customer.
EXEMPT = re.compile(r"migrations/20261101\w+\.sql|tests/unit/test_prose\.py|docs/acceptance\.md")
# Each of these once or twice is English; a dozen times each they are a dialect.
IDIOMS: Final = {
    "of ours": r"\bof ours\b",
    "of its own": r"\bof (?:its|their) own\b",
    "what became of": r"\bwhat (?:became|becomes) of\b",
    "whoever": r"\bwho(?:m)?ever\b",
    "is to be": r"\b(?:is|are|was|were) to be\b",
    "for ever": r"\bfor ever\b",
    "by itself": r"\bby (?:itself|themselves)\b",
}
BUDGET: Final = 10
# Turns that have a plain word; the second column is that word.
REPLACED: Final = {
    r"\blet go after\b": "skipped if later than",
    r"\bmade up for\b": "caught up",
    r"\bwork(?:s|ed)? off (?:what|the|all|everything)\b": "process",
    r"\bto tell of it\b": "to report it",
    r"\bhear of trouble\b": "alerts",
    r"\bwhat the world saw\b": "what recipients saw",
    r"\bleft in peace\b": "skipped",
    r"\bin a ring\b": "deadlock",
    r"\bis yours to\b": "is manual",
    r"\bhow (?:it|they) (?:is|are) doing\b": "health",
}
REPLACED_BUDGET: Final = 0
# In pages: words for people that stand for programs, and "may" where "can" is meant.
FOR_PROGRAMS: Final = {
    r"\b(?:nobody|somebody|anybody)\b": "no process, another program, or you",
    r"\b(?:is|are|was|were|be) told\b": "is sent, reported or configured",
    r"\b(?:hears?|heard) (?:of|that|from)\b": "receives or detects",
    r"\btells? (?:us|them|it|the (?:worker|service|tree|database|others))\b": "notifies",
    r"\b(?:who|he|she) (?:may|is told|hears)\b": "which process can",
    r"\bmay (?:share|insert|act|do|rescue|have up to|go on|wait|run|use|read|create|take)\b": "can",
    r"\bmay (?:be )?(?:used|run|set|given|retried|repeated|edited|removed|called)\b": "can be",
    r"\bmay or may not\b": "is unknown",
}
# The account and the column are called so; the table quotes messages; people do press and read.
QUOTED: Final = re.compile(r"`[^`\n]*`|\*can run\*|^\|.*\|$|^#+ .*`.*$", re.MULTILINE)
# It quotes the customer; the other is generated from the commands, whose help is checked there.
UNCHECKED_PAGES: Final = frozenset({"docs/acceptance.md"})
LONGEST_TEST_NAME: Final = 72


def sources() -> list[Path]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".py"}]
    files += [ROOT / ".env.example", ROOT / "supervisor.conf", ROOT / "pyproject.toml"]
    return sorted(
        path
        for path in files
        if path.suffix in KINDS
        and "__pycache__" not in path.parts
        and "vendor" not in path.parts
        and not EXEMPT.fullmatch(str(path.relative_to(ROOT)))
    )


@cache
def texts() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").lower() for path in sources()
    }


def places(pattern: str) -> list[str]:
    """Where a turn of phrase stands, as file:line."""
    # A line break stands for a blank, as in prose.
    wanted = re.compile(pattern.replace(" ", r"\s(?:#\s|--\s)?\s*"))
    return [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}"
        for name, text in texts().items()
        for found in wanted.finditer(text)
    ]


def test_favorite_idioms_are_rare() -> None:
    found = {name: places(pattern) for name, pattern in IDIOMS.items()}
    total = sum(map(len, found.values()))
    assert total <= BUDGET, {name: where[-5:] for name, where in found.items() if where}


def test_turns_that_have_a_plain_word_are_rare() -> None:
    found = {pattern: places(pattern) for pattern in REPLACED}
    assert sum(map(len, found.values())) <= REPLACED_BUDGET, found


def pages() -> dict[str, str]:
    """Every page as prose: lower case, quotations and tables left out."""
    return {
        name: QUOTED.sub("", text)
        for name, text in texts().items()
        if name.endswith(".md") and name.count("/") < 3 and name not in UNCHECKED_PAGES
    }


@pytest.mark.parametrize("pattern", FOR_PROGRAMS)
def test_pages_call_no_program_by_a_word_for_people(pattern: str) -> None:
    wanted = re.compile(pattern.replace(" ", r"\s+"))
    found = [
        f"{name}: {text[max(0, it.start() - 40) : it.end() + 30]!r}"
        for name, text in pages().items()
        for it in wanted.finditer(text)
    ]
    assert found == [], FOR_PROGRAMS[pattern]


@pytest.mark.parametrize(
    ("sentence", "is_found"),
    [
        ("the watchdog hears of it", True),
        ("somebody took the lock", True),
        ("several hosts may share one database", True),
        ("the others are told", True),
        ("`nobody` is an account", False),
        ("the column *can run* names a reason", False),
        ("it may already have been sent", False),
        ("the operator heard a noise", False),
    ],
)
def test_words_for_people_are_found_and_good_english_is_not(
    sentence: str, *, is_found: bool
) -> None:
    plain = QUOTED.sub("", sentence)
    assert any(re.search(pattern, plain) for pattern in FOR_PROGRAMS) is is_found


@pytest.mark.parametrize("pattern", [*IDIOMS.values(), *REPLACED])
def test_each_pattern_matches_what_it_is_for(pattern: str) -> None:
    words = {
        "of (?:its": "a window of its own",
        "what (?:": "what became of it",
        "who(?:m)?": "whoever comes next",
        "(?:is|are|was": "what is to be known",
        "by (?:itself": "goes on by itself",
        "how (?:it": "how it is doing",
        "work(?:s|ed)": "works off the queue",
    }
    text = next((text for part, text in words.items() if part in pattern), None)
    plain = re.sub(r"\\b|\(\?:|\)", "", pattern) if text is None else text
    assert re.search(pattern, plain)


def test_test_names_are_short_enough_to_be_read() -> None:
    long = [
        f"{path.name}: {name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"\bdef (test_\w+)", path.read_text(encoding="utf-8"))
        if len(name) > LONGEST_TEST_NAME
    ]
    assert long == []
