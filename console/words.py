"""Template filters: values as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from actp.cli.output import one_line
from actp.cli.times import short_duration
from actp.errors import InvalidInput
from actp.moments import stored_time
from actp.safari.addresses import HOSTS, clean_handle, clean_post_url, linkedin_profile_url
from actp.settings import UNNAMED_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILTERS", "of_account", "plural"]

Row = dict[str, Any]

_NAMES: Final = ("username", "handle", "profileUrl", "profile_url", "postUrl", "post_url", "url")
# State words and their colours: done, moving, waiting, failed, unknown.
_SIGNS: Final = {
    "completed": "done",
    "running": "moving",
    "begun": "moving",
    "claimed": "moving",
    "pending": "waiting",
    "waiting": "waiting",
    "retrying": "waiting",
    "rescheduled": "waiting",
    "held": "waiting",
    "enqueued": "quiet",
    "failed": "failed",
    "unknown": "unknown",
    "cancelled": "quiet",
}


def params(row: Row) -> Row:
    """Return the parameters of a command as an object, whatever was stored."""
    given = row.get("params")
    return given if isinstance(given, dict) else {}


def recipient(row: Row) -> str:
    """Return to whom or about what a command is, in one short line."""
    given = params(row)
    named = next((given[name] for name in (*_NAMES, "query") if given.get(name)), "")
    return one_line(named, 60).removeprefix("https://").removeprefix("www.")


def first_words(row: Row, longest: int = 90) -> str:
    """Return how the text of a command begins."""
    given = params(row)
    return one_line(given.get("text") or given.get("query") or "", longest)


def look_at(row: Row) -> str | None:
    """Return the address at which what was sent can be seen, if it is one of the platform's own."""
    given, platform = params(row), str(row.get("platform") or "")
    if platform not in HOSTS:
        return None
    named = str(next((given[name] for name in _NAMES if given.get(name)), ""))
    try:
        if row.get("action") == "comment":
            return clean_post_url(platform, named)
        if platform == "linkedin":
            return linkedin_profile_url(named)
        handle = clean_handle(platform, named)
    except InvalidInput:
        return None
    at = "@" if platform in {"threads", "tiktok"} else ""
    return f"https://{HOSTS[platform][0]}/{at}{handle}"


def status_word(row: Row) -> str:
    """Return the status as people read it: an unsettled outcome is unknown, a hold is held."""
    if row.get("status") == "failed" and row.get("reason") == "unknown":
        return "unknown"
    if row.get("status") == "pending" and row.get("hold"):
        return "held"
    return str(row.get("status") or "gone")


def sign(word: str) -> str:
    """Return the kind of a state word, which decides its colour."""
    return _SIGNS.get(word, "quiet")


def moment(value: str | None) -> datetime | None:
    """Return a time of the database, at its nearest where no calendar has it; or None."""
    return stored_time(value) if value else None


def relative(value: str | None) -> str:
    """Return ``3m ago`` or ``in 2h``."""
    when = moment(value)
    if when is None:
        return "never"
    seconds = (datetime.now(UTC) - when).total_seconds()
    if abs(seconds) < 1:
        return "now"
    told = short_duration(abs(seconds))
    return f"{told} ago" if seconds > 0 else f"in {told}"


def when(value: str | None) -> Markup:
    """Return a time element: relative to read, exact for who rests on it."""
    if not value:
        return Markup('<span class="soft">&ndash;</span>')
    exact = moment(value)
    return Markup('<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S} UTC">{}</time>').format(
        value, exact, relative(value)
    )


def after(event: Row, before: Row | None) -> str:
    """Return how long after the one before an event came."""
    if before is None:
        return ""
    seconds = (stored_time(event["at"]) - stored_time(before["at"])).total_seconds()
    return f"+{seconds * 1000:.0f} ms" if abs(seconds) < 1 else f"+{short_duration(seconds)}"


def because(event: Row) -> str:
    """Return why something happened, as the event says it."""
    detail = event.get("detail")
    if not isinstance(detail, dict):
        return ""
    parts = [detail.get(key) for key in ("reason", "error", "verdict", "outcome")]
    return one_line(": ".join(dict.fromkeys(str(part) for part in parts if part)), 160)


def number(value: object) -> str:
    """Return ``12,345``."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return ``1 command`` or ``2,000 commands``."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def folded(value: object) -> str:
    """Return JSON to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def query(values: Mapping[str, str]) -> str:
    """Return a query string of what is given."""
    from urllib.parse import urlencode  # noqa: PLC0415

    return urlencode({name: value for name, value in values.items() if value})


def drafts(rows: list[Row]) -> str:
    """Return what a decision names of drafts: each with the hash of what was shown."""
    return json.dumps([{key: row[key] for key in ("id", "content_hash")} for row in rows])


def plain(value: object, longest: int = 200) -> str:
    """Return a value from outside as one printable line."""
    return "" if value is None else one_line(value, longest)


def of_account(name: str, account: str | None) -> str:
    """Return ``twitter-dm``, or ``twitter-dm of shop`` where a host has named its account."""
    return name if account in {None, "", UNNAMED_ACCOUNT} else f"{name} of {one_line(account, 40)}"


def facts(detail: object) -> str:
    """Return what a job or an agent reports in one line: its error, its headline or its figures."""
    if not isinstance(detail, dict):
        return "" if detail is None else one_line(detail, 160)
    if said := detail.get("error") or detail.get("headline"):
        return one_line(said, 160)
    figures = {
        name: value
        for name, value in detail.items()
        if value and isinstance(value, (int, float, str)) and name != "status"
    }
    return ", ".join(f"{name.replace('_', ' ')} {number(it)}" for name, it in figures.items())


def about(alert: Row) -> str:
    """Return what an alert is about in one line: what failed, who said what, or where."""
    detail = alert.get("detail")
    known = detail if isinstance(detail, dict) else {}
    if said := alert.get("error") or known.get("error"):
        return one_line(said, 120)
    names = ("name", "handle", "recipient", "service", "job", "program", "platform")
    whom = next((known[name] for name in names if known.get(name)), "")
    said = known.get("words") or known.get("text") or known.get("why") or ""
    return one_line(f"{whom}: {said}" if whom and said else whom or said, 120)


def share(used: int, limit: int) -> int:
    """Return how much of a limit is used, in hundredths."""
    return min(100, round(100 * used / limit)) if limit > 0 else 0


FILTERS: Final = {
    "about": about,
    "after": after,
    "because": because,
    "drafts": drafts,
    "duration": short_duration,
    "facts": facts,
    "first_words": first_words,
    "folded": folded,
    "look_at": look_at,
    "number": number,
    "of_account": of_account,
    "params_of": params,
    "plain": plain,
    "plural": plural,
    "query": query,
    "recipient": recipient,
    "share": share,
    "sign": sign,
    "status_word": status_word,
    "when": when,
}
