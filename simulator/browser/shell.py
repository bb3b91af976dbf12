"""What drivers do where a page ignores JavaScript: they hand the text to a shell, badly quoted."""

from __future__ import annotations

from typing import Final

__all__ = ["Ran", "clipboard", "clipboard_doubling", "keystrokes", "single_quoted"]

_OPERATORS: Final = frozenset(";&|<>()\n")


class Ran(Exception):
    """Raised when a shell would run part of a text; the message is that text."""


def single_quoted(text: str) -> str:
    """Return what arrives of a text between single quotes, each quote in it made three."""
    return _printed("'" + text.replace("'", "'''") + "'", text)


def keystrokes(text: str) -> str:
    """Return what arrives of a text in an AppleScript between single quotes."""
    script = text.replace("\\", "\\\\").replace('"', '\\"')
    # Anything but one argument is no script that osascript takes.
    return "" if "'" in text and _printed(f"'{script}'", text) else text


def clipboard(text: str) -> str:
    """Return what arrives of a text between double quotes whose backslashes are left alone."""
    quoted = text
    for sign in '"`$':
        quoted = quoted.replace(sign, f"\\{sign}")
    return _printed(f'"{quoted}"', text)


def clipboard_doubling(text: str) -> str:
    """Return what arrives of a text whose per cent signs are doubled, which %s does not undo."""
    return clipboard(text.replace("%", "%%"))


def _printed(words: str, text: str) -> str:
    """Return what ``printf %s`` prints of words; nothing for a line that does not end; or Ran."""
    quote, shown, escaped = "", "", False
    for sign in words:
        if escaped:
            shown += sign if quote != '"' or sign in '"`$\\' else f"\\{sign}"
            escaped = False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif sign == quote or (not quote and sign in "'\""):
            quote = "" if quote else sign
        elif (sign in "$`" and quote != "'") or (not quote and sign in _OPERATORS):
            raise Ran(text)
        elif quote or not sign.isspace():
            shown += sign
    return "" if quote or escaped else shown
