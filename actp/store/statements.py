"""Splits an SQL file into statements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Everything in which a semicolon does not end a statement, and the semicolon that does.
_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* )
    | (?P<block>   /\* )
    | [eE]'(?: [^'\\] | '' | \\. )*'
    | '(?: [^'] | '' )*'
    | "(?: [^"] | "" )*"
    | (?<![\w$]) (?P<dollar> \$(?: [A-Za-z_]\w* )?\$ ) .*? (?P=dollar)
    | (?P<end> ; )
    | [\w$]+ | \s+ | .
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


class Statement(NamedTuple):
    """One statement and the line of the file on which it begins."""

    text: str
    line: int


def statements(source: str) -> Iterator[Statement]:
    """Yield the statements of an SQL file in order, without what stands between them."""
    start: int | None = None
    position = counted = 0
    line = 1
    while match := _TOKEN.match(source, position):
        position = _end_of_block(source, match.end()) if match["block"] else match.end()
        if match["end"]:
            if start is not None:
                yield Statement(source[start:position], line)
            start = None
        elif start is None and not (match["comment"] or match["block"] or match[0].isspace()):
            start = match.start()
            line += source.count("\n", counted, start)
            counted = start
    if start is not None:
        yield Statement(source[start:], line)


def _end_of_block(source: str, position: int) -> int:
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(source, position)):
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return len(source) if depth else position
