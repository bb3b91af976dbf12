"""What a service can be told to do, one word each."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["MEANINGS", "REFUSALS", "Behaviour"]


class Behaviour(StrEnum):
    """How a service answers one request."""

    OK = "ok"
    SLOW = "slow"
    UNVERIFIED = "unverified"
    VERIFIED_ABSENT = "verified_absent"
    REFUSE_BEFORE_SEND = "refuse_before_send"
    NOT_FOUND = "not_found"
    FAIL = "fail"
    FAIL_AFTER_EFFECT = "fail_after_effect"
    SERVER_ERROR = "server_error"
    GATEWAY_TIMEOUT = "gateway_timeout"
    GATEWAY_TIMEOUT_THEN_POST = "gateway_timeout_then_post"
    GATEWAY_TIMEOUT_THEN_CRASH = "gateway_timeout_then_crash"
    DROP_BEFORE_EFFECT = "drop_before_effect"
    DROP_AFTER_EFFECT = "drop_after_effect"
    CRASH = "crash"
    CRASH_AFTER_EFFECT = "crash_after_effect"
    HANG = "hang"
    HANG_THEN_POST = "hang_then_post"
    HTML_ERROR = "html_error"
    HTML_ERROR_AFTER_EFFECT = "html_error_after_effect"
    NUL_BYTES = "nul_bytes"
    INVALID_UTF8 = "invalid_utf8"
    HUGE = "huge"
    NOT_JSON = "not_json"
    TRUNCATED = "truncated"
    UNAUTHORIZED = "unauthorized"
    NO_TAB = "no_tab"
    OUTSIDE_HOURS = "outside_hours"
    QUOTA = "quota"
    QUOTA_DAILY = "quota_daily"
    RATE_LIMITED = "rate_limited"
    CAPTCHA = "captcha"
    LOGGED_OUT = "logged_out"
    RESTRICTED = "restricted"
    LOCK = "lock"
    IN_FLIGHT = "in_flight"
    ALREADY_MESSAGED = "already_messaged"
    TOO_MANY_REQUESTS = "too_many_requests"
    JOB_BUSY = "job_busy"
    JOB_FAILS = "job_fails"
    JOB_LOST = "job_lost"


MEANINGS = {
    Behaviour.OK: "acts and says so, verified",
    Behaviour.SLOW: "acts as ok, but takes `seconds`",
    Behaviour.UNVERIFIED: "acts, verified false (instagram-dm send-to then sends AGAIN)",
    Behaviour.VERIFIED_ABSENT: "acts, the answer has no verified field",
    Behaviour.REFUSE_BEFORE_SEND: "success:false with `error`, nothing was sent",
    Behaviour.NOT_FOUND: "no such user or page, nothing was sent",
    Behaviour.FAIL: "success:false with `status` and `error`, nothing was sent",
    Behaviour.FAIL_AFTER_EFFECT: "success:false with `status` and `error`, yet it was sent",
    Behaviour.SERVER_ERROR: "500 with a stack, no verdict, nothing was sent",
    Behaviour.GATEWAY_TIMEOUT: "504 after `seconds`, nothing ever lands",
    Behaviour.GATEWAY_TIMEOUT_THEN_POST: "504 after `seconds`, lands `type_on_seconds` later",
    Behaviour.GATEWAY_TIMEOUT_THEN_CRASH: "as above, then the service dies",
    Behaviour.DROP_BEFORE_EFFECT: "drops the connection, nothing was sent",
    Behaviour.DROP_AFTER_EFFECT: "acts, then drops the connection",
    Behaviour.CRASH: "the service dies before acting: all its connections drop, port refused",
    Behaviour.CRASH_AFTER_EFFECT: "acts, then the service dies",
    Behaviour.HANG: "never answers (or drops after `seconds`), nothing was sent",
    Behaviour.HANG_THEN_POST: "acts after `seconds`, never answers",
    Behaviour.HTML_ERROR: "502 with an HTML body, nothing was sent",
    Behaviour.HTML_ERROR_AFTER_EFFECT: "acts, then 502 with an HTML body",
    Behaviour.NUL_BYTES: "acts, strings of the answer hold NUL characters",
    Behaviour.INVALID_UTF8: "acts, the answer is not UTF-8",
    Behaviour.HUGE: "acts, the answer is `size_bytes` long (default 5 MB)",
    Behaviour.NOT_JSON: "acts, 200 with plain text",
    Behaviour.TRUNCATED: "acts, the answer breaks off in the middle",
    Behaviour.UNAUTHORIZED: "401",
    Behaviour.NO_TAB: "503, no Safari tab or session",
    Behaviour.OUTSIDE_HOURS: "refuses: outside its active hours",
    Behaviour.QUOTA: "refuses: its own hourly limit",
    Behaviour.QUOTA_DAILY: "refuses: its own daily limit",
    Behaviour.RATE_LIMITED: "the platform itself limits or blocks the action",
    Behaviour.CAPTCHA: "the platform wants a captcha solved",
    Behaviour.LOGGED_OUT: "nobody is logged in",
    Behaviour.RESTRICTED: "the platform restricts this post or user",
    Behaviour.LOCK: "linkedin-automation: 429 Safari busy, Retry-After 120",
    Behaviour.IN_FLIGHT: "tiktok-dm: 429, a send to this user is in progress",
    Behaviour.ALREADY_MESSAGED: "tiktok-dm: 400, this user was messaged before",
    Behaviour.TOO_MANY_REQUESTS: "429 of the HTTP limiter, with Retry-After",
    Behaviour.JOB_BUSY: "market-research: 409, another job runs",
    Behaviour.JOB_FAILS: "market-research: the job starts and ends failed",
    Behaviour.JOB_LOST: "market-research: the job starts and is then unknown (404)",
}

REFUSALS = frozenset(
    {
        Behaviour.NOT_FOUND,
        Behaviour.OUTSIDE_HOURS,
        Behaviour.QUOTA,
        Behaviour.QUOTA_DAILY,
        Behaviour.RATE_LIMITED,
        Behaviour.CAPTCHA,
        Behaviour.LOGGED_OUT,
        Behaviour.RESTRICTED,
        Behaviour.LOCK,
        Behaviour.IN_FLIGHT,
        Behaviour.ALREADY_MESSAGED,
        Behaviour.JOB_BUSY,
        Behaviour.JOB_FAILS,
        Behaviour.JOB_LOST,
    }
)
