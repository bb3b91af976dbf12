"""What the services' own words mean, as one table.

A text counts as *before the send* only where the service's driver cannot have pressed its
button yet. The comment drivers try three times and report the last failure, so their texts do
not prove that an earlier try sent nothing: such a comment is given up, never tried again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from actp.safari.waits import Wait

if TYPE_CHECKING:
    from actp.safari.outcomes import Breaking, Verdict

__all__ = ["RULES", "Rule", "rule_for"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One text of one or more services (none named: of all) and what it means."""

    services: tuple[str, ...]
    pattern: re.Pattern[str]
    verdict: Verdict
    reason: str
    quota_back: bool = True
    breaker: Breaking = "ok"
    wait: Wait | None = None


_EVERY: Final = ()
_COMMENTS: Final = (
    "instagram-comments",
    "threads-comments",
    "tiktok-comments",
    "twitter-comments",
)


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _waits(services: tuple[str, ...], pattern: str, reason: str, wait: Wait) -> Rule:
    return Rule(services, _text(pattern), "wait", reason, wait=wait)


def _blocked(services: tuple[str, ...], pattern: str) -> Rule:
    return Rule(services, _text(pattern), "wait", "blocked", breaker="open", wait=Wait.BLOCKED)


def _not_ready(services: tuple[str, ...], pattern: str) -> Rule:
    return Rule(services, _text(pattern), "wait", "not_ready", breaker="count", wait=Wait.NOT_READY)


def _permanent(services: tuple[str, ...], pattern: str, reason: str = "before_send") -> Rule:
    return Rule(services, _text(pattern), "rejected", reason)


def _transient(services: tuple[str, ...], pattern: str) -> Rule:
    return Rule(services, _text(pattern), "retry", "before_send")


def _given_up(services: tuple[str, ...], pattern: str) -> Rule:
    return Rule(services, _text(pattern), "rejected", "gave_up", quota_back=False)


# The first that matches counts.
RULES: Final = (
    # Quota, hours and locks of the services' own.
    _waits(("tiktok-dm",), r"^in_flight\b", "in_flight", Wait.LOCK),
    _waits(("linkedin-automation",), r"^Safari busy", "busy_lock", Wait.LOCK),
    _waits(_EVERY, r"outside[ _]active[ _]hours", "outside_hours", Wait.ACTIVE_HOURS),
    _waits(
        _EVERY,
        r"daily (?:rate |message )?limit (?:exceeded|reached)|^\d+/day limit|"
        r"^Rate limit: \d+ comments per day",
        "service_quota",
        Wait.DAILY_QUOTA,
    ),
    _waits(
        _EVERY,
        r"hourly (?:rate )?limit (?:exceeded|reached)|^\d+/(?:hr|hour) limit|"
        r"^Rate limit: \d+ comments per hour",
        "service_quota",
        Wait.HOURLY_QUOTA,
    ),
    # Refused before anything was done.
    _permanent(
        _EVERY,
        r"^(?:username|text|postUrl|profileUrl|query)\b.*\brequired$|^Invalid URL format",
        reason="validation",
    ),
    _permanent(("tiktok-comments",), r"\b(?:vm|vt)\.|\bshort (?:link|url)", reason="validation"),
    # No tab, no session.
    _not_ready(_EVERY, r"^No Safari tab available"),
    _not_ready(("instagram-dm",), r"^Session activation failed|Safari session not found"),
    # The platform wants a person.
    _blocked(_EVERY, r"\bnot[ _]logged[ _]in\b|\bcaptcha\b"),
    _blocked(("instagram-dm",), r"action blocked"),
    _blocked(("instagram-comments",), r"^Platform restriction: (?:action_blocked|rate_limited)"),
    _blocked(("tiktok-comments",), r"^Platform restriction: rate_limit"),
    _blocked(("tiktok-dm",), r"^TikTok rate limited"),
    _blocked(("twitter-comments",), r"^(?-i:error:)(?:.*\blimit|rate_limited)"),
    # The recipient or the post does not take it.
    _permanent(
        ("tiktok-dm",), r"^already_(?:messaged|in_conversation)\b", reason="already_messaged"
    ),
    _permanent(("tiktok-dm",), r"^dms_restricted\b"),
    _permanent(
        ("twitter-dm",),
        r"^(?:User not found|Account suspended|Account is protected|Invalid profile URL|"
        r"Could not find Message button)",
    ),
    _permanent(("linkedin-automation",), r"^Message button not found"),
    _permanent(("instagram-comments",), r"^Platform restriction: comments_(?:disabled|limited)"),
    _permanent(("tiktok-comments",), r"^Platform restriction: comments_off"),
    # The page was not there yet; nothing had been typed or no button pressed.
    _transient(
        ("twitter-dm",),
        r"^(?:DM composer did not open|Could not type message|Could not find Send button|"
        r"Could not open DM|Message input not found)",
    ),
    _transient(
        ("instagram-dm",),
        r"^(?:Failed to navigate to profile|Could not click Message button|"
        r"DM composer did not open|Message input not found)",
    ),
    _permanent(("instagram-dm",), r"^(?:Profile .*not found|User not found|No Message button)"),
    _transient(
        ("linkedin-automation",),
        r"^(?:Profile page did not load|Message input did not appear|Failed to type message|"
        r"Failed to click Message button|Failed to parse message anchor)",
    ),
    _transient(("instagram-comments",), r"^Failed to navigate to post"),
    _transient(("threads-comments",), r"^Navigation failed"),
    # Last words of three tries, or of a check that does not say when it was made.
    _given_up(
        _COMMENTS,
        r"^(?:No tweet found on page|Reply icon not found|Reply input never appeared|"
        r"Comment input never appeared|Could not focus comment input|"
        r"All typing strategies failed|Platform restriction:|(?-i:error:))",
    ),
    _given_up(("tiktok-dm",), r"^(?:identity_mismatch|event_type_failed)\b"),
)


def rule_for(service: str, text: str) -> Rule | None:
    """Return what a service's text means, or None for a text that proves nothing."""
    for rule in RULES:
        if (not rule.services or service in rule.services) and rule.pattern.search(text):
            return rule
    return None
