"""Show the settings to a person: each value, and where it comes from."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from actp.settings.model import Settings
from actp.settings.names import ALIASES, SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

_MASK = "********"


class SettingRow(NamedTuple):
    """One setting as shown: secrets masked, lists and limits in the form they are written in."""

    name: str
    value: str
    source: Literal["default", "env", ".env"]


def describe(settings: Settings, env: Mapping[str, str] | None = None) -> list[SettingRow]:
    """Return a row for each setting, in the order of .env.example.

    ``env`` must be the environment that the settings were loaded from; by default the process's.
    """
    env = os.environ if env is None else env
    in_env = {ALIASES.get(name, name) for name, value in env.items() if value.strip()}
    rows = []
    for field in Settings.model_fields:
        name = field.upper()
        source: Literal["env", ".env"] = "env" if name in in_env else ".env"
        shown = _shown(name, getattr(settings, field))
        rows.append(SettingRow(name, shown, source if field in settings.explicit else "default"))
    return rows


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in SECRETS:
        return _MASK
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
