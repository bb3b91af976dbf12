"""Typed settings from the environment and .env; every mistake is reported at once."""

from __future__ import annotations

from actp.checkout import PROJECT_ROOT
from actp.settings.accounts import UNNAMED_ACCOUNT, parse_login
from actp.settings.describe import SettingRow, describe
from actp.settings.load import load_settings
from actp.settings.model import SERVICE_SETTINGS, Settings
from actp.settings.values import DEFAULT_DAILY_LIMITS, ActiveHours

__all__ = [
    "DEFAULT_DAILY_LIMITS",
    "PROJECT_ROOT",
    "SERVICE_SETTINGS",
    "UNNAMED_ACCOUNT",
    "ActiveHours",
    "SettingRow",
    "Settings",
    "describe",
    "load_settings",
    "parse_login",
]
