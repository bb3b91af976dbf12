"""Reads in a line of a spreadsheet whether its person must not be contacted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONSENT_COLUMNS", "declined", "remarks"]

_REFUSALS: Final = (
    "unsubscribed", "unsubscribe", "opted_out", "opt_out", "optout", "email_opted_out",
    "email_opt_out", "email_optout", "has_opted_out_of_email", "do_not_contact", "donotcontact",
    "dnc", "do_not_email", "do_not_mail", "do_not_call", "do_not_dm", "do_not_message", "blocked",
    "blacklisted", "blacklist", "suppressed", "unsubscribed_at", "opted_out_at", "abgemeldet",
)  # fmt: skip
_CONSENTS: Final = (
    "subscribed", "is_subscribed", "opt_in", "opted_in", "optin", "consent", "marketing_consent",
    "gdpr_consent", "accepts_marketing", "accepts_email_marketing", "marketing_opt_in",
)  # fmt: skip
_REMARKS: Final = (
    "status", "lead_status", "contact_status", "subscription_status", "email_status",
    "email_marketing_status", "marketing_status", "outreach_status", "stage", "lifecycle_stage",
    "pipeline_stage", "relationship_stage", "deal_stage", "notes", "note", "comment", "comments",
    "remarks",
)  # fmt: skip
CONSENT_COLUMNS: Final = frozenset((*_REFUSALS, *_CONSENTS, *_REMARKS))
_NO: Final = frozenset({"no", "n", "false", "f", "0", "never", "nein", "non", "off", "unchecked"})
_NOTHING: Final = frozenset({"none", "null", "nil", "nan", "n/a", "na", "-"})


def declined(cells: Mapping[str, str]) -> str | None:
    """Return the cell that says so, as ``unsubscribed: yes``, or None."""
    for column in _REFUSALS:
        if column in cells and cells[column].casefold() not in _NO | _NOTHING:
            return f"{column}: {cells[column][:40]}"
    for column in _CONSENTS:
        if column in cells and cells[column].casefold() in _NO:
            return f"{column}: {cells[column][:40]}"
    return None


def remarks(cells: Mapping[str, str]) -> list[str]:
    """Return states and notes that may say so in words, which the database judges."""
    return [cells[column][:600] for column in _REMARKS if column in cells]
