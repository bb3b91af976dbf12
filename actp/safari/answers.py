"""Reads what came back from a service into what became of the command."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from actp.retry_after import retry_after_seconds
from actp.safari.answer_texts import Rule, rule_for
from actp.safari.outcomes import Failure, Outcome, Phase, Reply
from actp.safari.texts import normalised_text
from actp.safari.waits import Wait, wait_seconds
from actp.sanitize import excerpt, storable, storable_text

if TYPE_CHECKING:
    from datetime import datetime

    from actp.safari.catalogue import Service
    from actp.safari.commands import Command

__all__ = ["read_answer"]

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
ANSWER_BUDGET_CHARS: Final = 4096
# What research found is the result itself, not a proof of something done elsewhere.
FINDINGS_BUDGET_CHARS: Final = 512 * 1024
MAX_ERROR_LENGTH: Final = 500
MAX_ALERT_TEXT_LENGTH: Final = 200

UNKNOWN_ALERT: Final = (
    "a command may or may not have been sent; look, then resolve it as sent or not-sent"
)
_REFUSALS: Final = frozenset({400, 404, 405, 413, 415, 422})
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

    def value(self, key: str) -> Any:
        return None if self.data is None else self.data.get(key)

    @property
    def retry_after(self) -> float | None:
        headers = {name.lower(): value for name, value in self.reply.headers.items()}
        return retry_after_seconds(headers.get("retry-after", self.value("retryAfter")), self.now)


def read_answer(
    service: Service, command: Command, reply: Reply | Failure, *, now: datetime
) -> Outcome:
    """Return what became of a command; never raises, whatever came back.

    ``now`` is the host's local time, for a service that is outside its hours.
    """
    if isinstance(reply, Failure):
        return _finished(_no_answer(service, reply), service, None)
    data = _object(reply.body)
    reading = _Reading(service, command, reply, data, _text_of(data), now)
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
    if (rule := rule_for(reading.service.name, reading.text)) is not None:
        return _by_rule(reading, rule)
    return _by_status(reading)


def _by_rule(reading: _Reading, rule: Rule) -> Outcome:
    if rule.wait is Wait.BLOCKED:
        return _blocked(reading)
    seconds = None
    if rule.wait is not None:
        seconds = wait_seconds(rule.wait, reading.now, reading.retry_after)
    return Outcome(
        rule.verdict,
        rule.reason,
        quota_back=rule.quota_back,
        wait_seconds=seconds,
        breaker=rule.breaker,
    )


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
        if reading.service.default_bearer and _AUTH_WORDS.search(reading.text):
            return _misconfigured(reading)
        return Outcome("rejected", "validation", quota_back=True)
    return _unclear(reading.service, "no_verdict")


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
        return Outcome("sent", "sent")
    verified = reading.value("verified") is True
    sent = Outcome("sent", "sent" if verified else "unverified", result={"verified": verified})
    published = reading.value("tweetText") or reading.value("generatedComment")
    wanted = reading.command.field("text")
    if not isinstance(published, str) or not isinstance(wanted, str):
        return sent
    if normalised_text(published).strip() == normalised_text(wanted).strip():
        return sent
    text = storable_text(published, MAX_ALERT_TEXT_LENGTH)
    return replace(
        sent,
        alert=f"published another text than it was given: {text}",
        result={**sent.result, "rewritten": True},
    )


def _unclear(service: Service, reason: str) -> Outcome:
    if service.effect == "repeatable":
        return Outcome("retry", reason, breaker="count")
    # instagram-comments exits when it answers late, so after its 504 it is going down.
    is_leaving = reason == "gateway_timeout" and service.name == "instagram-comments"
    return Outcome(
        "unknown", reason, breaker="open" if is_leaving else "count", alert=UNKNOWN_ALERT
    )


def _misconfigured(reading: _Reading) -> Outcome:
    return Outcome(
        "wait",
        "misconfigured",
        quota_back=True,
        wait_seconds=wait_seconds(Wait.BLOCKED, reading.now),
        breaker="open",
        alert=f"it refuses our token; set {reading.service.token_setting}",
    )


def _blocked(reading: _Reading) -> Outcome:
    text = storable_text(reading.text, MAX_ALERT_TEXT_LENGTH)
    return Outcome(
        "wait",
        "blocked",
        quota_back=True,
        wait_seconds=wait_seconds(Wait.BLOCKED, reading.now),
        breaker="open",
        alert=f"the platform wants a person: {text}",
    )


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
        error = f"HTTP {status}: {reading.text or excerpt(reading.reply.body) or 'no text'}"
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
