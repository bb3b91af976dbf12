"""Reads a file of commands, one JSON object a line; every bad line is named at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actp.cli.requests import Request, Terms, checked
from actp.cli.times import moment
from actp.errors import ActpError, InvalidInput, NotFound

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

__all__ = ["batch_lines", "metadata", "parse_batch"]

# One transaction, all or nothing, has to end before the statement timeout.
MAX_COMMANDS: Final = 50_000
MAX_NAMED_LINES: Final = 50
KNOWN_KEYS: Final = frozenset(
    {"action", "platform", "params", "priority", "key", "at", "expires", "metadata", "account"}
)
MAX_METADATA_BYTES: Final = 8192
PRIORITIES: Final = range(1001)


def batch_lines(path: str) -> list[str]:
    """Return the lines of a file, or of standard input for ``-``."""
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise NotFound(
            f"{path} cannot be read: {error.strerror}", remedy="Name a file, or - for stdin."
        ) from None
    try:
        return raw.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InvalidInput(f"{path}, line {line}: not UTF-8", remedy="Save it as UTF-8.") from None


def parse_batch(lines: list[str], terms: Terms, *, now: datetime, zone: tzinfo) -> list[Request]:
    """Return a request for each line; ``terms`` stand for what a line does not say.

    Raises InvalidInput with one line for each bad one; then none should be enqueued.
    """
    requests: list[Request] = []
    wrong: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            requests.append(_parse_line(line, terms, now, zone))
        except ActpError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise _refusal(wrong, len(requests) + len(wrong))
    if not requests:
        raise InvalidInput(
            "the file has no commands",
            remedy='Write lines such as {"action": "send_dm", "platform": "twitter", "params": '
            '{"username": "ada", "text": "Hi"}}.',
        )
    if len(requests) > MAX_COMMANDS:
        raise InvalidInput(
            f"{len(requests)} commands are too many for one file",
            remedy=f"Split the file into parts of at most {MAX_COMMANDS} lines.",
        )
    return requests


def _refusal(wrong: list[str], total: int) -> InvalidInput:
    named = wrong[:MAX_NAMED_LINES]
    if len(wrong) > len(named):
        named.append(f"and {len(wrong) - len(named)} more")
    count = f"{len(wrong)} of {total} commands cannot be used; nothing was enqueued"
    return InvalidInput(
        "\n".join([count, *named]), remedy="Fix these lines, then submit the whole file again."
    )


def _parse_line(line: str, terms: Terms, now: datetime, zone: tzinfo) -> Request:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"not JSON ({error})") from None
    if not isinstance(item, dict):
        raise InvalidInput("not a JSON object")
    if unknown := sorted(item.keys() - KNOWN_KEYS):
        raise InvalidInput(f"unknown {', '.join(unknown)}; known: {', '.join(sorted(KNOWN_KEYS))}")
    return checked(
        item.get("action", ""),
        item.get("platform"),
        _params(item.get("params")),
        _terms(item, terms, now, zone),
        now=now,
    )


def _params(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("params must be an object")
    return value


def _terms(item: dict[str, Any], terms: Terms, now: datetime, zone: tzinfo) -> Terms:
    priority = item.get("priority")
    if priority is None:
        priority = terms.priority
    if isinstance(priority, bool) or not isinstance(priority, int) or priority not in PRIORITIES:
        raise InvalidInput(f"priority must be a whole number from 0 to {PRIORITIES[-1]}")
    at, expires, key = (_text(item, name) for name in ("at", "expires", "key"))
    return Terms(
        priority,
        at=moment(at, now=now, zone=zone) if at else terms.at,
        expires=moment(expires, now=now, zone=zone) if expires else terms.expires,
        key=key,
        metadata=terms.metadata if item.get("metadata") is None else metadata(item["metadata"]),
        account=_text(item, "account") or terms.account,
    )


def metadata(value: object) -> dict[str, Any]:
    """Return metadata as it may be given along; raises InvalidInput."""
    if not isinstance(value, dict) or len(json.dumps(value)) > MAX_METADATA_BYTES:
        raise InvalidInput(
            f"metadata must be a JSON object of at most {MAX_METADATA_BYTES} characters"
        )
    return value


def _text(item: dict[str, Any], name: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{name} must be a text")
    return value or None
