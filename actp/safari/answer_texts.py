"""Maps the services' error texts to outcomes, as one table.

Three moments count. *Before the typing* nothing was sent and the command can be tried again.
*After the typing* nothing was sent, but the text may stand in the box, so it is given up: a
second try could type on top of it. Whatever can come *after the button* proves nothing; such
texts have no rule and stand in ``UNKNOWN_ON_PURPOSE``.

The comment drivers try three times and report the last failure. Their texts prove that nothing
was sent only where the first try said them; ``actp.safari.answers`` decides that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from actp.safari.waits import Wait

if TYPE_CHECKING:
    from actp.safari.outcomes import Breaking, Verdict

__all__ = [
    "RULES",
    "UNKNOWN_ON_PURPOSE",
    "Rule",
    "proves_nothing",
    "rule_for",
    "session_remedy",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """One text of one or more services (none named: of all) and what it means.

    ``is_suspicious`` marks a failure that a page without a login also shows.
    """

    services: tuple[str, ...]
    pattern: re.Pattern[str]
    verdict: Verdict
    reason: str
    quota_back: bool = True
    breaker: Breaking = "ok"
    wait: Wait | None = None
    is_suspicious: bool = False


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


def _after_typing(services: tuple[str, ...], pattern: str) -> Rule:
    return Rule(services, _text(pattern), "rejected", "gave_up")


def _given_up(services: tuple[str, ...], pattern: str) -> Rule:
    return Rule(services, _text(pattern), "rejected", "gave_up", quota_back=False)


def _suspicious(rule: Rule) -> Rule:
    return replace(rule, is_suspicious=True)


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
    # It read the name of somebody, which can be any.
    _given_up(("tiktok-dm",), r"^identity_mismatch\b"),
    # The platform wants a person. Handles stand in the texts too.
    _blocked(_EVERY, r"""(?<![@"'.\w])(?:not[ _]logged[ _]in|captcha)(?!\.?\w)"""),
    _blocked(("instagram-dm",), r"action blocked"),
    _blocked(("instagram-comments",), r"^Platform restriction: (?:action_blocked|rate_limited)"),
    _blocked(("tiktok-comments",), r"^Platform restriction: rate_limit"),
    _blocked(("tiktok-dm",), r"^TikTok rate limited"),
    _blocked(("twitter-comments",), r"^(?-i:error:)(?:.*\blimit|rate_limited)"),
    _blocked(("threads-comments",), r"^Platform error: rate_limit"),
    # Research that found nothing has ended.
    Rule(("market-research",), _text(r"^Search returned no results"), "sent", "no_results"),
    # The recipient or the post does not take it.
    _permanent(
        ("tiktok-dm",), r"^already_(?:messaged|in_conversation)\b", reason="already_messaged"
    ),
    _suspicious(_permanent(("tiktok-dm",), r"^dms_restricted\b")),
    _permanent(
        ("tiktok-dm",),
        r"^(?:dm_restricted: pending message request|User \S+ not found in search|"
        r"Invalid TikTok profile URL)",
    ),
    _permanent(
        ("twitter-dm",),
        r"^(?:User not found|Account suspended|Account is protected|Invalid profile URL|"
        r"Could not find Message button)",
    ),
    _suspicious(_permanent(("linkedin-automation",), r"^Message button not found")),
    _permanent(("instagram-comments",), r"^Platform restriction: comments_(?:disabled|limited)"),
    _permanent(("tiktok-comments",), r"^Platform restriction: comments_off"),
    _permanent(("instagram-dm",), r"^(?:Profile .*not found|User not found)"),
    _suspicious(_permanent(("instagram-dm",), r"^No Message button")),
    # The page was not there yet, and nothing had been typed.
    _suspicious(_transient(("twitter-dm",), r"^Could not open DM")),
    _transient(
        ("twitter-dm",),
        r"^(?:DM composer did not open|Could not type message|Message input not found)",
    ),
    _transient(
        ("instagram-dm",),
        r"^(?:Failed to navigate to profile|Could not click Message button|"
        r"DM composer did not open|Message input not found)",
    ),
    _suspicious(_transient(("linkedin-automation",), r"^Profile page did not load")),
    _transient(
        ("linkedin-automation",),
        r"^(?:Message input did not appear|Failed to click Message button|"
        r"Failed to parse message anchor)",
    ),
    _transient(
        ("tiktok-dm",),
        r"^(?:Failed to load messages inbox|Strategy C \(cold\)|"
        r"Could not parse row position|Could not type in search input|"
        r"Composer not found after identity verification|event_no_input\b|"
        r"Conversation with \S+ not found)",
    ),
    _transient(("instagram-comments",), r"^Failed to navigate to post"),
    _transient(("threads-comments",), r"^Navigation failed"),
    # The text was typed, or may have been, and no button was pressed.
    _after_typing(("twitter-dm",), r"^Could not find Send button"),
    _after_typing(("instagram-dm", "linkedin-automation"), r"^Failed to type message"),
    _given_up(("tiktok-dm",), r"^(?:event_type_failed|background_type_failed)\b"),
    # Last words of three tries, or of a check that does not say when it was made.
    _suspicious(
        _given_up(
            _COMMENTS,
            r"^(?:No tweet found on page|Comment input never appeared|Reply button not found|"
            r"Composer never appeared|Compose input never appeared)",
        )
    ),
    _given_up(
        _COMMENTS,
        r"^(?:Reply icon not found|Reply input never appeared|Could not focus|"
        r"All typing strategies failed|Submit button not found|Submit failed:|"
        r"Failed to navigate to compose page|Platform restriction:|Platform error:|(?-i:error:))",
    ),
)

# Each of these can come after the button was pressed.
UNKNOWN_ON_PURPOSE: Final = (
    re.compile(r"^(?:Error: )?Command failed: osascript"),
    re.compile(r"^Failed to press Enter to send"),
    re.compile(r"^event_not_sent\b"),
    re.compile(r"^dm_restricted: restriction"),
    re.compile(r"^background_not_cleared\b"),
    re.compile(r"^delivery_failed\b"),
    # tiktok-dm's last way, tried also where the one before it failed while it looked for its text.
    re.compile(r"^Strategy D\b"),
)

# What tiktok-dm says of the box and the typing, by whichever way it came there.
_OF_EVERY_WAY: Final = re.compile(r"event_|dm_restricted\b|background_")

# What osascript says when it is Safari that fails, and what helps.
_SESSION_REMEDIES: Final = (
    (
        re.compile(r"JavaScript from Apple Events"),
        "allow JavaScript from Apple Events in Safari's Developer settings",
    ),
    (
        re.compile(r"\(1002\)|\(-25211\)|not allowed (?:to send keystrokes|assistive access)"),
        "allow the services Accessibility in System Settings > Privacy & Security",
    ),
    (re.compile(r"^Failed to press Enter"), "allow the services Accessibility in System Settings"),
    (
        re.compile(r"\(-609\)|\(-1712\)|Connection is invalid|AppleEvent timed out"),
        "see whether Safari answers, and close its dialogs",
    ),
    (re.compile(r"\(-600\)|isn.t running"), "start Safari and open the service's tab"),
    (re.compile(r"\(-1719\)|\(-1728\)|Can.t get (?:tab|window|document)"), "open its tab again"),
    (
        re.compile(r"\(-1743\)|Not authori[sz]ed"),
        "allow Automation of Safari in System Settings > Privacy & Security",
    ),
)


def session_remedy(text: str) -> str | None:
    """Return what to do where a service's text says that Safari itself cannot be used."""
    for pattern, remedy in _SESSION_REMEDIES:
        if pattern.search(text):
            return remedy
    return None


def proves_nothing(text: str, *, is_nameless: bool = False) -> bool:
    """Return whether a text can come after the button was pressed, whatever else stands in it.

    ``is_nameless`` is whether tiktok-dm does not repeat the name, as of its last way to a person.
    It goes that way also where the one before has sent and then failed.
    """
    if is_nameless and _OF_EVERY_WAY.match(text):
        return True
    return any(pattern.search(text) for pattern in UNKNOWN_ON_PURPOSE)


def rule_for(service: str, text: str) -> Rule | None:
    """Return what a service's text means, or None for a text that proves nothing."""
    if proves_nothing(text):
        return None
    for rule in RULES:
        if (not rule.services or service in rule.services) and rule.pattern.search(text):
            return rule
    return None
