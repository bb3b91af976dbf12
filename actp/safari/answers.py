"""Reads the answer of a service into the outcome of the command."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from actp.retry_after import retry_after_seconds
from actp.safari.addresses import is_name_of, shares_no_word
from actp.safari.answer_texts import Rule, proves_nothing, rule_for, session_remedy
from actp.safari.commands import Comment, Tweet, handle_of, text_of
from actp.safari.outcomes import Failure, Outcome, Phase, Reply
from actp.safari.texts import normalised_text
from actp.safari.waits import Wait, wait_seconds
from actp.sanitize import excerpt, storable, storable_text

if TYPE_CHECKING:
    from datetime import datetime

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command
    from actp.safari.outcomes import Breaking

__all__ = ["read_answer"]

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
ANSWER_BUDGET_CHARS: Final = 4096
# What research found is the result itself, not a proof of something done elsewhere.
FINDINGS_BUDGET_CHARS: Final = 512 * 1024
MAX_ERROR_LENGTH: Final = 500
MAX_ALERT_TEXT_LENGTH: Final = 200

_REFUSALS: Final = frozenset({400, 404, 405, 413, 415, 422})
_NO_ROUTE: Final = frozenset({404, 405})
_AUTH_WORDS = re.compile(r"\bbearer\b|\bauthoriz|(?<!unexpected )\btoken\b", re.IGNORECASE)
_ALL_STRATEGIES_FAILED: Final = "Could not open or create conversation"


@dataclass(frozen=True, slots=True)
class _Reading:
    """An answer taken apart; ``data`` is None where the body is not a JSON object."""

    service: Service
    command: Command
    reply: Reply
    data: dict[str, Any] | None
    text: str
    now: datetime
    took_seconds: float

    def value(self, key: str) -> Any:
        return None if self.data is None else self.data.get(key)

    @property
    def retry_after(self) -> float | None:
        headers = {name.lower(): value for name, value in self.reply.headers.items()}
        return retry_after_seconds(headers.get("retry-after", self.value("retryAfter")), self.now)

    @property
    def tries(self) -> int | None:
        """How often the service says that it tried, where it says so."""
        said = self.value("attempts")
        return said if isinstance(said, int) and not isinstance(said, bool) else None

    @property
    def may_follow_a_send(self) -> bool:
        """Whether these can be the words of a second try, after a first one that sent."""
        first_try_seconds = self.service.first_try_seconds
        is_of_driver = self.value("success") is False and self.reply.status in {200, 400}
        if first_try_seconds is None or not is_of_driver:
            return False
        if self.tries is not None:
            return self.tries > 1
        return self.took_seconds > first_try_seconds


def read_answer(
    service: Service,
    command: Command,
    reply: Reply | Failure,
    *,
    now: datetime,
    took_seconds: float = math.inf,
) -> Outcome:
    """Return the outcome of a command; never raises, whatever came back.

    ``now`` is the host's local time, for a service that is outside its hours. ``took_seconds``
    is how long the answer took; without it, it counts as the last words of several tries.
    """
    if isinstance(reply, Failure):
        return _finished(_no_answer(service, reply), service, None)
    data = _object(reply.body)
    reading = _Reading(service, command, reply, data, _text_of(data), now, took_seconds)
    return _finished(_answered(reading), service, reading)


def _no_answer(service: Service, failure: Failure) -> Outcome:
    if failure.phase is Phase.NEVER_CONNECTED:
        return Outcome(
            "retry",
            "never_connected",
            error=failure.detail or "the connection was refused",
            quota_back=True,
            breaker="count",
        )
    detail = failure.detail or "the connection ended without an answer"
    return replace(_unclear(service, "no_answer"), error=detail)


def _answered(reading: _Reading) -> Outcome:
    if reading.value("success") is True:
        # Where the status and the body contradict each other, neither is believed.
        is_ok = 200 <= reading.reply.status < 300
        return _sent(reading) if is_ok else _unclear(reading.service, "no_verdict")
    if reading.reply.status == 504:
        return _unclear(reading.service, "gateway_timeout")
    if reading.reply.status == 401:
        return _misconfigured(reading)
    if reading.value("rateLimited") is True:
        return _blocked(reading)
    is_nameless = reading.service.name == "tiktok-dm" and reading.value("username") is None
    if proves_nothing(reading.text, is_nameless=is_nameless):
        return _ended_without_verdict(reading)
    rule = rule_for(reading.service.name, reading.text)
    return _by_status(reading) if rule is None else _by_rule(reading, rule)


def _by_rule(reading: _Reading, rule: Rule) -> Outcome:
    if reading.may_follow_a_send:
        return _last_words(reading, rule)
    if rule.wait is Wait.BLOCKED:
        return _blocked(reading)
    if rule.verdict == "sent":
        return _found_nothing()
    seconds = None
    if rule.wait is not None:
        seconds = wait_seconds(rule.wait, reading.now, reading.retry_after)
    return Outcome(
        rule.verdict,
        rule.reason,
        quota_back=rule.quota_back,
        wait_seconds=seconds,
        breaker=rule.breaker,
        is_suspicious=rule.is_suspicious,
    )


def _last_words(reading: _Reading, rule: Rule) -> Outcome:
    """Return what a text means that an earlier try, which may have sent, did not say."""
    if rule.wait is None:
        return Outcome("rejected", "gave_up", is_suspicious=rule.is_suspicious)
    # What it says of the service holds for the next command; of this one it proves nothing.
    seconds = wait_seconds(rule.wait, reading.now, reading.retry_after)
    stopped = _stopped(reading) if rule.wait is Wait.BLOCKED else None
    return Outcome("unknown", "last_words", wait_seconds=seconds, breaker="open", alert=stopped)


def _by_status(reading: _Reading) -> Outcome:
    status = reading.reply.status
    if status == 403:
        return _misconfigured(reading)
    if status == 429:
        seconds = wait_seconds(Wait.HOURLY_QUOTA, reading.now, reading.retry_after)
        return Outcome("wait", "service_quota", quota_back=True, wait_seconds=seconds)
    if status == 409 and reading.service.effect == "repeatable":
        return Outcome("wait", "busy_lock", wait_seconds=wait_seconds(Wait.LOCK, reading.now))
    if status in _REFUSALS and reading.value("success") is None and _is_refusal(reading):
        return _refused(reading)
    return _ended_without_verdict(reading)


def _refused(reading: _Reading) -> Outcome:
    if reading.reply.status in _NO_ROUTE:
        return _misconfigured(
            reading,
            f"{reading.service.url_setting} leads to another program or to another version of it,"
            " which does not know this request; check with bin/health",
        )
    if reading.service.default_bearer and _AUTH_WORDS.search(reading.text):
        return _misconfigured(reading)
    return Outcome("rejected", "validation", quota_back=True)


def _is_refusal(reading: _Reading) -> bool:
    if reading.data is not None:
        # An instagram-dm that ran through all its ways to a conversation may have sent on one.
        return not reading.text.startswith(_ALL_STRATEGIES_FAILED)
    body = reading.reply.body.strip()
    # Express refuses in HTML before any handler runs; torn JSON came out of a handler.
    return bool(body) and not body.startswith(b"{")


def _sent(reading: _Reading) -> Outcome:
    if reading.value("dry_run") is True or reading.value("dryRun") is True:
        return Outcome("rejected", "dry_run", quota_back=True)
    if reading.service.effect == "repeatable":
        return _found(reading)
    if isinstance(reading.command, Tweet) and reading.value("verified") is False:
        # The page for it stays open where X refuses it, as with the words of an earlier one.
        still = "its page stayed open after the button, so X may not have taken it"
        return Outcome("unknown", "unverified", error=still)
    sent = _verified(reading)
    if (reading.tries or 1) > 1:
        again = f"it needed {reading.tries} tries; the text may be there twice"
        sent = replace(sent, alert=again, result={**sent.result, "tries": reading.tries})
    elif _has_typed_again(reading):
        again = "it typed in a second way without clearing the first; look at the comment"
        sent = replace(sent, alert=again, result={**sent.result, "typed_again": True})
    elif _has_doubled(reading):
        doubled = "it typed in a second way, which shows %% for %; look at the comment"
        sent = replace(sent, alert=doubled, result={**sent.result, "rewritten": True})
    published = reading.value("tweetText") or reading.value("generatedComment")
    wanted = text_of(reading.command)
    if not isinstance(published, str) or wanted is None:
        return sent
    if normalised_text(published).strip() == normalised_text(wanted).strip():
        return sent
    text = storable_text(published, MAX_ALERT_TEXT_LENGTH)
    return replace(
        sent,
        alert=f"published another text than it was given: {text}",
        result={**sent.result, "rewritten": True},
    )


def _found(reading: _Reading) -> Outcome:
    """Return the outcome of a search; a page that did not come looks like one without results."""
    return Outcome("sent", "sent") if reading.value("posts") else _found_nothing()


def _found_nothing() -> Outcome:
    return Outcome("sent", "no_results", quota_back=True, result={"measured": False})


def _has_typed_again(reading: _Reading) -> bool:
    """Return whether a driver that clears no box needed more than its first way of typing."""
    is_comment = isinstance(reading.command, Comment)
    is_clearing = reading.service.name != "twitter-comments" or not is_comment
    return not is_clearing and reading.value("strategy") in {"keystrokes", "clipboard"}


def _has_doubled(reading: _Reading) -> bool:
    """Return whether a driver typed in a way that doubles per cent signs, as far as it says so."""
    is_doubling = reading.service.name == "tiktok-comments"
    is_clipboard = reading.value("strategy") == "clipboard"
    return is_doubling and is_clipboard and "%" in (text_of(reading.command) or "")


def _verified(reading: _Reading) -> Outcome:
    """Return what is known of a text that the service says it sent."""
    means = reading.service.verified_means
    if means == "seen" and not _is_recipient(reading):
        means = "claimed"
    level = means if reading.value("verified") is True else "none"
    result: dict[str, Any] = {"verification": level, "verified": level == "seen"}
    command = reading.command
    if isinstance(command, Comment) and command.chosen_by is not None:
        result["post"] = {"url": command.post_url, "chosen_by": command.chosen_by}
    reason = "unverified" if level == "none" else "sent"
    return Outcome("sent", reason, result=result, alert=_other_recipient(reading))


def _other_recipient(reading: _Reading) -> str | None:
    """Return an alert where the name above the conversation shares no word with the profile's."""
    named, handle = reading.value("verifiedRecipient"), handle_of(reading.command) or ""
    is_nameless = reading.value("username") is None and reading.value("verified") is None
    if reading.service.name == "tiktok-dm" and is_nameless:
        # The last of its ways checks nothing.
        return (
            f"it wrote to the first person that a search listed; see whether that is {handle},"
            " and whether the message is there twice"
        )
    # Elsewhere the name can be any, or is the handle itself.
    if reading.service.name != "linkedin-automation" or not isinstance(named, str):
        return None
    if not shares_no_word(named, handle):
        return None
    shown = storable_text(named, MAX_ALERT_TEXT_LENGTH)
    return f"it wrote in the conversation with {shown}; see whether that is {handle}"


def _is_recipient(reading: _Reading) -> bool:
    """Return whether the name above the conversation is that of the person."""
    named, handle = reading.value("verifiedRecipient"), handle_of(reading.command)
    if not isinstance(named, str) or handle is None:
        return False
    # Opened from the profile, a conversation of TikTok is not read: the service repeats the handle.
    is_repeated = reading.service.name == "tiktok-dm" and named == handle
    return not is_repeated and is_name_of(named, handle)


def _unclear(service: Service, reason: str, *, has_ended: bool = False) -> Outcome:
    """Return the outcome where nobody knows; ``has_ended`` is whether the service is at rest."""
    if service.effect == "repeatable":
        return Outcome("retry", reason, breaker="count", is_unclear=not has_ended)
    # instagram-comments exits when it answers late, so after its 504 it is going down.
    is_leaving = reason == "gateway_timeout" and service.name == "instagram-comments"
    breaker: Breaking = "open" if is_leaving else "count"
    return Outcome("unknown", reason, breaker=breaker, is_unclear=not has_ended)


def _ended_without_verdict(reading: _Reading) -> Outcome:
    # A handler that answers in JSON has awaited its driver to the end.
    outcome = _unclear(reading.service, "no_verdict", has_ended=reading.data is not None)
    remedy = session_remedy(reading.text)
    if remedy is None:
        return outcome
    return replace(outcome, breaker="open", alert=f"Safari cannot be used: {remedy}")


def _misconfigured(reading: _Reading, problem: str | None = None) -> Outcome:
    return Outcome(
        "wait",
        "misconfigured",
        quota_back=True,
        wait_seconds=wait_seconds(Wait.BLOCKED, reading.now),
        breaker="open",
        alert=problem or f"it rejected the token; set {reading.service.token_setting}",
    )


def _blocked(reading: _Reading) -> Outcome:
    return Outcome(
        "wait",
        "blocked",
        quota_back=True,
        wait_seconds=wait_seconds(Wait.BLOCKED, reading.now),
        breaker="open",
        alert=_stopped(reading),
    )


def _stopped(reading: _Reading) -> str:
    text = storable_text(reading.text, MAX_ALERT_TEXT_LENGTH)
    return f"the platform asks for human action: {text}"


def _object(body: bytes) -> dict[str, Any] | None:
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        value = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text_of(data: dict[str, Any] | None) -> str:
    if data is None:
        return ""
    parts = [data.get(key) for key in ("error", "message", "detail")]
    text = " — ".join(part for part in parts if isinstance(part, str) and part)
    if text.startswith(_ALL_STRATEGIES_FAILED) and isinstance(data.get("profileError"), str):
        # The first strategy's own words tell whether it had reached the send.
        first = storable_text(data["profileError"])
        return first if rule_for("instagram-dm", first) else storable_text(text)
    return storable_text(text)


def _finished(outcome: Outcome, service: Service, reading: _Reading | None) -> Outcome:
    """Return the outcome with what a person reads and what is stored."""
    error, status, answer = outcome.error, None, None
    if reading is not None:
        status = reading.reply.status
        said = error or reading.text or excerpt(reading.reply.body) or "no text"
        error = f"HTTP {status}: {said}"
        answer = _stored_answer(reading, outcome)
    is_sent = outcome.verdict == "sent"
    return replace(
        outcome,
        error="" if is_sent else storable_text(f"{service.name}: {error}", MAX_ERROR_LENGTH),
        alert=f"{service.name}: {outcome.alert}" if outcome.alert else None,
        http_status=status,
        result={
            "outcome": outcome.verdict,
            "reason": outcome.reason,
            "success": is_sent,
            "service": service.name,
            "http_status": status,
            "answer": answer,
            **outcome.result,
        },
    )


def _stored_answer(reading: _Reading, outcome: Outcome) -> Any:
    if reading.data is None:
        return excerpt(reading.reply.body)
    is_finding = outcome.verdict == "sent" and reading.service.effect == "repeatable"
    return storable(reading.data, FINDINGS_BUDGET_CHARS if is_finding else ANSWER_BUDGET_CHARS)
