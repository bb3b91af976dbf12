"""The names of all settings, to detect typos in environment variables."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

from pydantic import SecretStr

from actp.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

# Chooses the file that the rest is read from, so it can stand in the environment only.
ENV_FILE_NAME = "ACTP_ENV_FILE"
ALIASES = {
    "MARKET_RESEARCH_URL": "SAFARI_MARKET_RESEARCH_URL",
    "SUPABASE_SERVICE_KEY": "SUPABASE_SERVICE_ROLE_KEY",
}
KNOWN = frozenset(name.upper() for name in Settings.model_fields)
SECRETS = frozenset(
    name.upper()
    for name, field in Settings.model_fields.items()
    if SecretStr in get_args(field.annotation)
)

# Names of the Supabase tools and of the Safari services, often kept in the same .env.
_NEIGHBOURS = frozenset(
    {
        "SAFARI_AUTOMATION_WINDOW",
        "SAFARI_CHECKBACKS_ENABLED",
        "SAFARI_GATEWAY_URL",
        "SAFARI_RESEARCH_ENABLED",
        "SUPABASE_ACCESS_TOKEN",
        "SUPABASE_ANON_KEY",
        "SUPABASE_DB_PASSWORD",
        "SUPABASE_DB_URL",
        "SUPABASE_JWT_SECRET",
        "SUPABASE_KEY",
        "SUPABASE_PROJECT_ID",
        "SUPABASE_PROJECT_REF",
    }
)
_OUR_PREFIXES = ("ACTP_", "SAFARI_", "SUPABASE_")
_SHARED_PREFIXES = (
    "ANTHROPIC_",
    "APPRISE_",
    "BLOTATO_",
    "CRM_BRAIN_",
    "METRICS_PORT",
    "OUTREACH_",
    "REMOTION_",
    "RESULT_WEBHOOK_",
    "TELEGRAM_",
)
_SEPARATORS = re.compile(r"[^A-Z0-9_]+")
_TYPO_SIMILARITY = 0.9
_HINT_SIMILARITY = 0.75


def unknown_in_environment(names: Iterable[str]) -> list[str]:
    """Return a line for each name that can only be a typo of a setting; others belong to others."""
    ours = (*_OUR_PREFIXES, *_SHARED_PREFIXES)
    return [
        _line(name, near)
        for name in _strangers(names, also_known=ENV_FILE_NAME)
        if name.startswith(ours) and (near := _nearest(name, _TYPO_SIMILARITY))
    ]


def unknown_in_file(names: Iterable[str]) -> list[str]:
    """Return a line for each typo in .env and for each unknown name with one of our prefixes."""
    return [
        _line(f"{name} (.env)", _nearest(spelled, _HINT_SIMILARITY))
        for name in _strangers(names)
        if (spelled := _SEPARATORS.sub("_", name.upper())).startswith(_OUR_PREFIXES)
        or _nearest(spelled, _TYPO_SIMILARITY)
    ]


def _strangers(names: Iterable[str], also_known: str = "") -> list[str]:
    return sorted(set(names) - KNOWN - _NEIGHBOURS - ALIASES.keys() - {also_known})


def _nearest(name: str, similarity: float) -> str | None:
    return next(iter(get_close_matches(name, sorted(KNOWN), n=1, cutoff=similarity)), None)


def _line(name: str, near: str | None) -> str:
    expected = f"did you mean {near}?" if near else "a name from .env.example"
    return f"{name}: unknown setting — {expected}"
