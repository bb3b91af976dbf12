"""Parses accounts and handles by platform."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from actp.errors import InvalidInput

Accounts = Mapping[str, str]
OwnHandles = Mapping[str, str]
Logins = Mapping[str, str]

DEFAULT_ACCOUNTS: Accounts = {
    "twitter": "4151",
    "tiktok": "710",
    "instagram": "807",
    "threads": "173",
    "youtube": "228",
    "linkedin": "571",
}

# The account of a host that names none, as the database calls it.
UNNAMED_ACCOUNT = "default"
_LOGINS_EXPECTED = "give instagram=shop,twitter=shop_en or the same as JSON"
_HANDLES_EXPECTED = "give instagram=me,twitter=me_too or the same as JSON"
_HANDLE = re.compile(r"@?([A-Za-z0-9._-]{1,100})")
_PLATFORMS_WITH_HANDLES = ("instagram", "linkedin", "threads", "tiktok", "twitter")
_ID = re.compile(r"[\w-]+", re.ASCII)
_EXPECTED = "platforms and account ids as twitter=4151,tiktok=710"


def parse_accounts(value: object) -> Accounts:
    """Read ``twitter=4151,tiktok=710`` or the same as JSON, and lay it over the defaults."""
    accounts = dict(DEFAULT_ACCOUNTS)
    for platform, account in _pairs(value):
        if platform not in accounts:
            near = get_close_matches(platform, accounts, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(accounts)}"
            raise ValueError(f"unknown platform {platform!r} ({hint}) — {_EXPECTED}")
        if not _ID.fullmatch(account):
            raise ValueError(f"{platform}: {account!r} is not an account id — {_EXPECTED}")
        accounts[platform] = account
    return accounts


def _pairs(value: object) -> list[tuple[str, str]]:
    if isinstance(value, str) and value.startswith("{"):
        value = _object(value)
    if isinstance(value, Mapping):
        return [(str(platform), str(account)) for platform, account in value.items()]
    items = (item.partition("=") for item in str(value).split(",") if item.strip())
    return [(platform.strip(), account.strip()) for platform, _, account in items]


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not JSON ({error}) — {_EXPECTED}") from None


def parse_own_handles(value: object) -> OwnHandles:
    """Read ``twitter=me,threads=me`` or the same as JSON into our handle on each platform."""
    handles = {}
    for platform, handle in _pairs(value):
        if platform not in _PLATFORMS_WITH_HANDLES:
            raise ValueError(f"unknown platform {platform!r} — {_HANDLES_EXPECTED}")
        found = _HANDLE.fullmatch(handle)
        if found is None:
            raise ValueError(f"{platform}: {handle[:40]!r} is not a handle — {_HANDLES_EXPECTED}")
        handles[platform] = found[1].lower()
    return handles


def parse_logins(value: object) -> Logins:
    """Read ``instagram=shop,twitter=shop_en`` or the same as JSON: who is logged in here."""
    logins: dict[str, str] = {}
    for platform, account in _pairs(value):
        if platform not in _PLATFORMS_WITH_HANDLES:
            near = get_close_matches(platform, _PLATFORMS_WITH_HANDLES, n=1, cutoff=0.5)
            known = ", ".join(_PLATFORMS_WITH_HANDLES)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {known}"
            raise ValueError(f"unknown platform {platform!r} ({hint}) — {_LOGINS_EXPECTED}")
        found = _HANDLE.fullmatch(account)
        if found is None or (name := found[1].lower()) == UNNAMED_ACCOUNT:
            raise ValueError(
                f"{platform}: {account[:40]!r} is not an account name — {_LOGINS_EXPECTED}"
            )
        if logins.setdefault(platform, name) != name:
            raise ValueError(
                f"{platform} has two accounts, but Safari holds only one — {_LOGINS_EXPECTED}"
            )
    return logins


def parse_login(name: str) -> str:
    """Return the name of an account as it is stored; raises InvalidInput for what is none."""
    found = _HANDLE.fullmatch(name.strip())
    if found is None:
        raise InvalidInput(
            f"{name[:40]!r} is not an account name",
            remedy="Use letters, digits, dots, hyphens and underscores, as in SAFARI_ACCOUNTS.",
        )
    return found[1].lower()
