"""The texts of alerts, as Telegram HTML."""

from __future__ import annotations

from actp.alerts.digest import NEVER_FOLDED, digest
from actp.alerts.markup import as_plain, escape, split_html
from actp.alerts.texts import Alert, database_back, database_lost, render

__all__ = [
    "NEVER_FOLDED",
    "Alert",
    "as_plain",
    "database_back",
    "database_lost",
    "digest",
    "escape",
    "render",
    "split_html",
]
