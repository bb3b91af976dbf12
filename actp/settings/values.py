"""How single values are read: pure functions that raise ValueError as ``wrong — expected``."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

DailyLimits = Mapping[str, Mapping[str, int]]

DEFAULT_DAILY_LIMITS: DailyLimits = {
    "instagram": {"dm": 20, "comment": 50},
    "twitter": {"dm": 50, "comment": 100},
    "tiktok": {"dm": 30, "comment": 50},
    "linkedin": {"dm": 50, "comment": 20},
    "threads": {"dm": 0, "comment": 80},
}

_HOURS = re.compile(r"(\d{1,2})-(\d{1,2})")
_HOURS_EXPECTED = "hours as 09-21, over midnight as 22-06, always as 00-24"
_LIMITS_EXPECTED = 'JSON as {"instagram": {"dm": 20}}'
_LAST_HOUR = 24
_KEY_PREFIX = "whsec_"
_NEW_KEY = "whsec_$(openssl rand -base64 32)"
SHORTEST_SECRET = 24
_DATABASE_SCHEMES = ("postgresql", "postgres")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([/?#]?)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:\[[^\[\]]+\]|[^:\[\]]*)(?::[0-9]*)?")


@dataclass(frozen=True, slots=True)
class ActiveHours:
    """The hours of a day in which actions may be sent: from ``start`` until before ``end``.

    ``start`` is 0 to 23, ``end`` 1 to 24; an ``end`` before ``start`` lies on the next day.
    """

    start: int
    end: int

    def __contains__(self, hour: int) -> bool:
        """Say whether an action may be sent in this hour (0 to 23)."""
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end

    def __str__(self) -> str:
        """Return the form in which settings are written."""
        return f"{self.start:02d}-{self.end:02d}"


def parse_active_hours(value: object) -> ActiveHours:
    """Read ``09-21``."""
    if isinstance(value, ActiveHours):
        return value
    if not (match := _HOURS.fullmatch(str(value))):
        raise ValueError(f"{value!r} is not a span of hours — {_HOURS_EXPECTED}")
    start, end = int(match[1]), int(match[2]) or _LAST_HOUR
    if start >= _LAST_HOUR or end > _LAST_HOUR:
        raise ValueError(f"{value!r} leaves the day — {_HOURS_EXPECTED}")
    if start == end:
        raise ValueError(f"{value!r} is empty — {_HOURS_EXPECTED}")
    return ActiveHours(start, end)


def is_time_zone(name: str) -> bool:
    """Say whether this machine knows the IANA zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; malformed; a folder such as "Europe"
        return False
    return True


def parse_time_zone(name: str) -> str:
    """Check an IANA zone name."""
    if not is_time_zone(name):
        raise ValueError(f"{name!r} is not a known time zone — an IANA name as Europe/Berlin")
    return name


def parse_names(value: object) -> tuple[str, ...]:
    """Read a comma-separated list; blanks and empty items are dropped."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{value!r} is not a list — names with commas between them")  # noqa: TRY004 - pydantic collects ValueErrors only
    return tuple(name for item in value if (name := str(item).strip()))


def parse_users(value: object) -> tuple[int, ...]:
    """Read Telegram user ids with commas between them; names can be taken over by others."""
    users = parse_names(str(value) if isinstance(value, int) else value)
    for user in users:
        if not re.fullmatch(r"[1-9][0-9]{0,18}", user):
            raise ValueError(
                f"{user[:40]!r} is not the id of a person — numbers as 123456789,987654321; "
                "the bot reports the id when a person without permission presses a button"
            )
    return tuple(int(user) for user in users)


def parse_chat_id(value: str) -> str:
    """Read the id of a Telegram chat, or the name of a public one."""
    if not re.fullmatch(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,}", value, re.ASCII):
        raise ValueError(
            f"{value[:40]!r} is not a chat — a number as 123456789 or -100123456, or @name"
        )
    return value


def parse_sender(value: str) -> str:
    """Read the name under messages."""
    if not value.isprintable():
        raise ValueError(
            f"{value[:40]!r} contains characters that cannot be printed — one line of text"
        )
    return value


def parse_daily_limits(value: object) -> DailyLimits:
    """Read limits as JSON or mapping and lay them over the defaults; every mistake is named."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(f"is not JSON ({error}) — {_LIMITS_EXPECTED}") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"is not a JSON object — {_LIMITS_EXPECTED}")  # noqa: TRY004 - pydantic collects ValueErrors only
    merged = {platform: dict(kinds) for platform, kinds in DEFAULT_DAILY_LIMITS.items()}
    wrong: list[str] = []
    for platform, kinds in value.items():
        if platform not in merged:
            wrong.append(_unknown("platform", platform, merged))
        elif not isinstance(kinds, Mapping):
            wrong.append(f"{platform} is not an object")
        else:
            wrong += _lay_over(merged[platform], platform, kinds)
    if wrong:
        raise ValueError(f"{'; '.join(wrong)} — {_LIMITS_EXPECTED}")
    return merged


def _lay_over(limits: dict[str, int], platform: str, kinds: Mapping[Any, Any]) -> list[str]:
    wrong = []
    for kind, limit in kinds.items():
        if kind not in limits:
            wrong.append(_unknown(f"{platform} kind", kind, limits))
        elif isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            wrong.append(f"{platform} {kind}: {limit!r} is not a whole number from 0")
        else:
            limits[kind] = limit
    return wrong


def _unknown(what: str, name: object, known: Mapping[str, object]) -> str:
    near = get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown {what} {name!r} ({hint})"


def parse_origin(value: str) -> str:
    """Check an ``http(s)://host:port`` without anything more and return it without the slash.

    The message repeats nothing of a URL that may hold a password.
    """
    expected = "http://127.0.0.1:3001: scheme, host and port, nothing more"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"is not a URL — {expected}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"holds a user name or password — {expected}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", value):
        raise ValueError(f"{value!r} is not an http(s) URL — {expected}")
    if not port:
        raise ValueError(f"{value!r} names no port — {expected}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{value!r} has a path — {expected}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def is_loopback(url: str) -> bool:
    """Say whether the URL's host can only be this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_supabase_url(value: str) -> str:
    """Check a project's URL; the key travels with every call, so a remote one must be https."""
    return _parse_https(value, "the key", "https://PROJECT.supabase.co")


def parse_telegram_url(value: str) -> str:
    """Check where a bot API answers; the token stands in every URL, so a remote one is https."""
    return _parse_https(value, "the token", "https://api.telegram.org")


def parse_anthropic_url(value: str) -> str:
    """Check where Claude answers; the key travels with every question, so a remote one is https."""
    return _parse_https(value, "the key", "https://api.anthropic.com")


def parse_blotato_url(value: str) -> str:
    """Check where Blotato's API answers; the key travels with every call, so a remote is https."""
    return _parse_https(value, "the key", "https://backend.blotato.com/v2", path="/v2")


def parse_remotion_url(value: str) -> str:
    """Check where Remotion answers; a key may travel with every call, so a remote one is https."""
    return _parse_https(value, "the key", "http://127.0.0.1:3100")


def _parse_https(value: str, secret: str, expected: str, path: str = "") -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError(f"is not a URL — {expected}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"holds a user name or password — {expected}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{value!r} is not a URL — {expected}")
    if parts.path.rstrip("/") != path or parts.query or parts.fragment:
        wrong = f"does not end in {path}" if path else "has a path"
        raise ValueError(f"{value!r} {wrong} — {expected}")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError(f"{value!r} would send {secret} unencrypted — {expected}")
    return value.rstrip("/")


def check_database_url(value: str) -> None:
    """Check the shape of a PostgreSQL DSN; the message repeats nothing of it."""
    expected = "postgresql://user:password@host:5432/database"
    if re.search(r"\[YOUR-PASSWORD\]", value, re.IGNORECASE):
        raise ValueError("still holds the placeholder [YOUR-PASSWORD] — put the password there")
    if value[:1] in {'"', "'"}:
        raise ValueError(f"is in quotes that are part of it — {expected}")
    if not (match := _URL.match(value)):
        if not re.search(r"\b(host|hostaddr|dbname|service)\s*=", value):
            raise ValueError(f"is not a PostgreSQL address — {expected}")
        return
    scheme, place, end, rest = match.groups()
    if scheme.lower() not in _DATABASE_SCHEMES:
        raise ValueError(f"begins with {scheme}:// — {expected}")
    if re.search(r"\s", value):
        raise ValueError(f"holds a blank — {expected}, a blank as %20")
    if re.search(r"%(?![0-9a-fA-F]{2})", value):
        raise ValueError(f"has a % without two digits — {expected}, the sign itself as %25")
    _check_place(place, end, rest, expected)


def _check_place(place: str, end: str, rest: str, expected: str) -> None:
    """Check accounts and hosts of a URL, which end before the first /, ? or #."""
    account, _, hosts = place.rpartition("@")
    if "@" in account:
        raise ValueError(f"has two @ — {expected}, reserved characters as %40")
    if "@" in (rest.partition("?")[0] if end == "/" else rest):
        raise ValueError(f"has an @ after {end} — {expected}, / as %2F, ? as %3F, # as %23")
    # It may name several hosts, host:port,[::1]:port, which only libpq reads.
    if not all(map(_HOST.fullmatch, hosts.split(","))):
        raise ValueError(f"cannot be read — {expected}, reserved characters as %40")


def check_path(value: str) -> None:
    """Check that a path is meant as it stands; it must not create a folder named $HOME."""
    expected = "a path, in .env also with ${HOME}"
    if not value.isprintable():
        raise ValueError(f"{value[:60]!r} contains characters that cannot be printed — {expected}")
    if re.match(r"\$\w", value) or "/$" in value:
        raise ValueError(f"{value[:60]!r} contains a $ that is not expanded — {expected}")
    if value.startswith("~"):
        try:
            Path(value).expanduser()
        except RuntimeError:
            raise ValueError(f"{value[:60]!r} names no user of this host — {expected}") from None


def check_token(value: str) -> None:
    """Check that a token can stand in an HTTP header; the message repeats nothing of it."""
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(
            "contains blanks or characters that are invalid in a header — one plain token"
        )
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise ValueError("includes the quotes around it — one plain token")


def check_heartbeat_url(value: str) -> None:
    """Check the address of a monitor; the message repeats nothing of it, since it is a key."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or (parts.scheme != "https" and not is_loopback(value)):
        raise ValueError("is not an https address — https://hc-ping.com/<uuid>")


def webhook_keys(value: str) -> tuple[bytes, ...]:
    """Return the keys that sign results; raises ValueError for a text that names none.

    Standard Webhooks writes a key as ``whsec_`` and base64, and several of them with blanks
    between while one replaces another. Any other text is one key as it is.
    """
    given = value.split()
    if not all(each.startswith(_KEY_PREFIX) for each in given):
        given = [value]
    if any(len(each) < SHORTEST_SECRET for each in given):
        raise ValueError(f"is too short — {SHORTEST_SECRET} characters or more, as {_NEW_KEY}")
    return tuple(map(_webhook_key, given))


def _webhook_key(value: str) -> bytes:
    if not value.startswith(_KEY_PREFIX):
        return value.encode()
    encoded = value.removeprefix(_KEY_PREFIX).rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        raise ValueError(f"holds no base64 after {_KEY_PREFIX} — {_NEW_KEY}") from None


def check_webhook_url(value: str) -> None:
    """Check where results go; the message repeats nothing of it, since it may hold a key."""
    expected = "https://example.com/hooks/actp, or a loopback address"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"is not a URL — {expected}") from None
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError(f"holds a user name, password or fragment — {expected}")
    if not host or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"is not a URL — {expected}")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(value)):
        raise ValueError(f"would send results unencrypted — {expected}")
