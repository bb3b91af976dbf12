"""Detects contacts that are not people: mailboxes, companies and platforms."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["is_bot"]

_MAILBOXES: Final = frozenset(
    {
        "noreply", "donotreply", "mailerdaemon", "postmaster", "notification", "notifications",
        "notify", "support", "billing", "invoice", "invoices", "newsletter", "alerts", "security",
        "updates", "bounce", "bounces", "receipts", "orders", "accounts", "payments",
    }
)  # fmt: skip
# Mail from there is a platform's or a shop's. Companies that employ our customers are not here:
# their senders are known by the mailbox.
_DOMAINS: Final = (
    "linkedin.com", "adobe.com", "amazon.com", "instagram.com", "facebookmail.com", "facebook.com",
    "twitter.com", "x.com", "tiktok.com", "threads.net",
)  # fmt: skip
_SUBDOMAINS: Final = tuple(f".{domain}" for domain in _DOMAINS)
_BEHIND_THE_NAME = re.compile(r"[+\d]")
_COMPANIES: Final = (
    "linkedin", "instagram", "twitter", "x", "tiktok", "threads", "youtube", "facebook", "meta",
    "adobe", "amazon", "google",
)  # fmt: skip
_DEPARTMENTS: Final = (
    "", "support", "help", "helpcenter", "security", "team", "news", "business", "forbusiness",
    "creators", "learning", "shop", "ads", "notifications", "verified",
)  # fmt: skip
_PLATFORMS: Final = frozenset(a + b for a in _COMPANIES for b in _DEPARTMENTS)
# Not within a word: somebody may be called domino_reply.
_NO_REPLY = re.compile(
    r"(?<![a-z])(?:(?:no|do[._-]?not|never)[._-]?reply|mailer[._-]?daemon|no[._-]?responder"
    r"|ne[._-]?pas[._-]?repondre|keine[._-]?antwort|nicht[._-]?antworten|nao[._-]?responda)",
    re.IGNORECASE,
)


# What of a mailbox the pattern cannot match without.
_NO_REPLY_PARTS: Final = ("reply", "daemon", "respond", "repondre", "antwort")


def is_bot(username: str | None, email: str | None = None, display_name: str | None = None) -> bool:
    """Return whether a contact is a mailbox, a company's sender or a platform, not a person."""
    for address in (email, username):
        mailbox, at, domain = (address or "").strip().lower().partition("@")
        if _may_not_reply(mailbox) and _NO_REPLY.search(mailbox):
            return True
        if at and mailbox and _is_company(mailbox, domain):
            return True
    return _squeezed(display_name) in _PLATFORMS


def _may_not_reply(mailbox: str) -> bool:
    for part in _NO_REPLY_PARTS:  # noqa: SIM110  a generator costs three times as much
        if part in mailbox:
            return True
    return False


def _is_company(mailbox: str, domain: str) -> bool:
    if domain in _DOMAINS or domain.endswith(_SUBDOMAINS):
        return True
    return _squeezed(_BEHIND_THE_NAME.split(mailbox, 1)[0]) in _MAILBOXES


def _squeezed(text: str | None) -> str:
    # Letters of every script stay, else a name in another one would be the platform behind it.
    given = text or ""
    plain = given.lower() if given.isascii() else unicodedata.normalize("NFKC", given).casefold()
    if plain.isalpha():
        return plain
    return "".join(filter(str.isalpha, plain))
