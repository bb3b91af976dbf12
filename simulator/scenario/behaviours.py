"""What a service can be told to do, one word each."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

__all__ = ["Behaviour"]


class Behaviour(StrEnum):
    """How a service answers one request, what that means, and whether it refuses to act."""

    meaning: str
    is_refusal: bool

    def __new__(cls, word: str, meaning: str, is_refusal: bool = False) -> Self:  # noqa: FBT001, FBT002
        """Make one from its line below."""
        self = str.__new__(cls, word)
        self._value_, self.meaning, self.is_refusal = word, meaning, is_refusal
        return self

    OK = "ok", "acts and says so, verified"
    SLOW = "slow", "acts as ok, but takes `seconds`"
    HELD = "held", "acts as ok, but not before `POST /release` of the control routes"
    UNVERIFIED = "unverified", "acts, verified false (instagram-dm send-to then sends AGAIN)"
    VERIFIED_ABSENT = "verified_absent", "acts, the answer has no verified field"
    REFUSE_BEFORE_SEND = "refuse_before_send", "success:false with `error`, nothing was sent"
    FAIL = "fail", "success:false with `status` and `error`, nothing was sent"
    FAIL_AFTER_EFFECT = (
        "fail_after_effect",
        "success:false with `status` and `error`, yet it was sent",
    )
    SERVER_ERROR = "server_error", "500 with a stack, no verdict, nothing was sent"
    GATEWAY_TIMEOUT = "gateway_timeout", "504 after `seconds`, nothing ever lands"
    GATEWAY_TIMEOUT_THEN_POST = (
        "gateway_timeout_then_post",
        "504 after `seconds`, lands `type_on_seconds` later",
    )
    GATEWAY_TIMEOUT_THEN_CRASH = "gateway_timeout_then_crash", "as above, then the service dies"
    DROP_BEFORE_EFFECT = "drop_before_effect", "drops the connection, nothing was sent"
    DROP_AFTER_EFFECT = "drop_after_effect", "acts, then drops the connection"
    CRASH = "crash", "the service dies before acting: all its connections drop, port refused"
    CRASH_AFTER_EFFECT = "crash_after_effect", "acts, then the service dies"
    HANG = "hang", "never answers (or drops after `seconds`), nothing was sent"
    HANG_THEN_POST = "hang_then_post", "acts after `seconds`, never answers"
    HTML_ERROR = "html_error", "502 with an HTML body, nothing was sent"
    HTML_ERROR_AFTER_EFFECT = "html_error_after_effect", "acts, then 502 with an HTML body"
    NUL_BYTES = "nul_bytes", "acts, strings of the answer hold NUL characters"
    INVALID_UTF8 = "invalid_utf8", "acts, the answer is not UTF-8"
    HUGE = "huge", "acts, the answer is `size_bytes` long (default 5 MB)"
    NOT_JSON = "not_json", "acts, 200 with plain text"
    TRUNCATED = "truncated", "acts, the answer breaks off in the middle"
    UNAUTHORIZED = "unauthorized", "401"
    NO_TAB = "no_tab", "503, no Safari tab or session"
    TOO_MANY_REQUESTS = "too_many_requests", "429 of the HTTP limiter, with Retry-After"

    # These refuse, each service in its own words.
    NOT_FOUND = "not_found", "no such user or page, nothing was sent", True
    OUTSIDE_HOURS = "outside_hours", "refuses: outside its active hours", True
    QUOTA = "quota", "refuses: its own hourly limit", True
    QUOTA_DAILY = "quota_daily", "refuses: its own daily limit", True
    RATE_LIMITED = "rate_limited", "the platform itself limits or blocks the action", True
    CAPTCHA = "captcha", "the platform wants a captcha solved", True
    LOGGED_OUT = "logged_out", "nobody is logged in", True
    RESTRICTED = "restricted", "the platform restricts this post or user", True
    LOCK = "lock", "linkedin-automation: 429 Safari busy, Retry-After 120", True
    IN_FLIGHT = "in_flight", "tiktok-dm: 429, a send to this user is in progress", True
    ALREADY_MESSAGED = "already_messaged", "tiktok-dm: 400, this user was messaged before", True
    JOB_BUSY = "job_busy", "market-research: 409, another job runs", True
    JOB_FAILS = "job_fails", "market-research: the job starts and ends failed", True
    JOB_LOST = "job_lost", "market-research: the job starts and is then unknown (404)", True
