"""Who is no person: mailboxes, companies and platforms that stand in a list of contacts."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_bot"]

_MAILBOXES: Final = frozenset(
    {
        "noreply", "donotreply", "mailerdaemon", "postmaster", "notification", "notifications",
        "notify", "support", "billing", "invoice", "invoices", "newsletter", "alerts", "security",
        "updates", "bounce", "bounces",
    }
)  # fmt: skip
_DOMAINS: Final = (
    "linkedin.com", "adobe.com", "amazon.com", "instagram.com", "facebookmail.com", "facebook.com",
    "twitter.com", "x.com", "tiktok.com", "threads.net", "youtube.com", "google.com", "apple.com",
    "microsoft.com", "github.com", "stripe.com", "paypal.com",
)  # fmt: skip
_PLATFORMS: Final = frozenset(
    {
        "linkedin", "instagram", "twitter", "x", "tiktok", "threads", "youtube", "facebook", "meta",
        "adobe", "amazon", "google", "tiktokshop", "linkedinnews", "metaforbusiness",
    }
)  # fmt: skip
_NO_REPLY = re.compile(r"(no|do.?not|never).?reply|mailer.?daemon", re.IGNORECASE)


def is_bot(username: str | None, email: str | None = None, display_name: str | None = None) -> bool:
    """Return whether a contact is a mailbox, a company's sender or a platform, not a person."""
    for address in (email, username):
        mailbox, at, domain = (address or "").strip().lower().partition("@")
        if _NO_REPLY.search(mailbox):
            return True
        if at and mailbox and _is_company(mailbox, domain):
            return True
    return _squeezed(display_name) in _PLATFORMS


def _is_company(mailbox: str, domain: str) -> bool:
    first = re.split(r"[+\d]", mailbox)[0]
    return _squeezed(first) in _MAILBOXES or any(
        domain == known or domain.endswith(f".{known}") for known in _DOMAINS
    )


def _squeezed(text: str | None) -> str:
    return re.sub(r"[^a-z]", "", (text or "").lower())
