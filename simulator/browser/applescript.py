"""The few sentences of AppleScript that a host says to Safari."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simulator.browser.safari import Spot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.browser.safari import Safari

__all__ = ["run"]

SYNTAX_ERROR = "syntax error: A identifier can’t go after this identifier. (-2740)"
# Nobody's service: what is in front is then the same for all.
HOST = ""


def run(safari: Safari, script: str, arguments: Sequence[str]) -> str:
    """Return what a script prints; raises ScriptError, or ValueError for one it does not know."""
    for pattern, act in _SENTENCES:
        match = pattern.search(script)
        if match is not None:
            return act(safari, match, arguments)
    raise ValueError(SYNTAX_ERROR)


def _select(safari: Safari, match: re.Match[str], _: Sequence[str]) -> str:
    safari.select(Spot(int(match["window"]), int(match["tab"])))
    return ""


def _front_url(safari: Safari, _: re.Match[str], __: Sequence[str]) -> str:
    return safari.front(HOST).url


def _url(safari: Safari, match: re.Match[str], _: Sequence[str]) -> str:
    return safari.tab(Spot(int(match["window"]), int(match["tab"]))).url


def _navigate(safari: Safari, _: re.Match[str], arguments: Sequence[str]) -> str:
    safari.navigate(safari.front(HOST), arguments[0])
    return ""


_FRONT = r"(?:current tab of front window|front document)"
_SENTENCES: tuple[
    tuple[re.Pattern[str], Callable[[Safari, re.Match[str], Sequence[str]], str]], ...
] = (
    (
        re.compile(r"set current tab of window \d+ to tab (?P<tab>\d+) of window (?P<window>\d+)"),
        _select,
    ),
    (re.compile(rf"get URL of {_FRONT}"), _front_url),
    (re.compile(r"get URL of tab (?P<tab>\d+) of window (?P<window>\d+)"), _url),
    (re.compile(rf"set URL of {_FRONT} to \(item 1 of argv\)"), _navigate),
)
