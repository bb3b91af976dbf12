"""What each service was seen or read to answer, by what it means."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["CASES", "Meaning", "fails"]


class Meaning(NamedTuple):
    verdict: str
    reason: str
    quota_back: bool
    breaker: str


def fails(error: str, **more: Any) -> dict[str, Any]:
    return {"success": False, "error": error, **more}


CASES: dict[Meaning, list[tuple[str, int, Any]]] = {
    Meaning("sent", "sent", quota_back=False, breaker="ok"): [
        ("instagram-dm", 200, {"success": True, "verified": True, "strategy": "profile"}),
        ("linkedin-automation", 200, {"success": True, "verified": True}),
        ("market-research", 200, {"success": True, "posts": [{"url": "x"}], "count": 1}),
        (
            "threads-comments",
            200,
            {"success": True, "commentId": "th_1", "text": "Hello", "verified": True},
        ),
        (
            "tiktok-comments",
            200,
            {"success": True, "verified": True, "generatedComment": "Hello", "usedAI": False},
        ),
        ("tiktok-dm", 200, {"success": True, "verified": True}),
        ("twitter-comments", 200, {"success": True, "verified": True, "generatedComment": "Hello"}),
    ],
    Meaning("sent", "unverified", quota_back=False, breaker="ok"): [
        ("instagram-comments", 200, {"success": True, "commentId": "ig_1", "text": "Hello"}),
        ("instagram-comments", 200, {"success": True, "verified": True}),
        ("instagram-dm", 200, {"success": True, "strategy": "inbox"}),
        ("linkedin-automation", 200, {"success": True, "verified": False}),
        ("twitter-dm", 200, {"success": True, "verified": False}),
    ],
    Meaning("sent", "no_results", quota_back=True, breaker="ok"): [
        ("market-research", 200, fails("Search returned no results or failed to load")),
        ("market-research", 200, {"success": True, "posts": [], "count": 0}),
    ],
    Meaning("wait", "blocked", quota_back=True, breaker="open"): [
        ("instagram-comments", 400, fails("Platform restriction: action_blocked")),
        ("instagram-dm", 200, fails("Instagram action blocked - rate limited", rateLimited=True)),
        ("tiktok-comments", 200, fails("Platform restriction: not_logged_in")),
        ("tiktok-dm", 429, fails("TikTok rate limited: slow down", rateLimited=True, captcha=True)),
        ("twitter-comments", 200, fails("error:rate_limited")),
    ],
    Meaning("rejected", "before_send", quota_back=True, breaker="ok"): [
        ("instagram-comments", 400, fails("Platform restriction: comments_disabled")),
        ("instagram-comments", 400, fails("Platform restriction: comments_limited")),
        ("instagram-dm", 200, fails("Profile @ada not found")),
        ("instagram-dm", 200, fails("No Message button on profile (may need to follow first)")),
        ("linkedin-automation", 200, fails("Message button not found — may not be connected")),
        ("tiktok-comments", 200, fails("Platform restriction: comments_off")),
        ("tiktok-dm", 400, fails("dms_restricted")),
        ("twitter-dm", 200, fails("User not found")),
        ("twitter-dm", 200, fails("Account suspended")),
        ("twitter-dm", 200, fails("Account is protected")),
    ],
    Meaning("retry", "before_send", quota_back=True, breaker="ok"): [
        ("instagram-comments", 500, fails("Failed to navigate to post")),
        ("instagram-dm", 200, fails("DM composer did not open")),
        (
            "instagram-dm",
            404,
            {
                "error": "Could not open or create conversation after all strategies",
                "profileError": "DM composer did not open",
            },
        ),
        ("linkedin-automation", 200, fails("Profile page did not load (no main element)")),
        ("linkedin-automation", 200, fails("Message input did not appear after clicking")),
        ("threads-comments", 500, {"error": "Navigation failed", "message": "x"}),
        ("twitter-dm", 200, fails("DM composer did not open")),
        ("twitter-dm", 200, fails("Could not type message")),
        ("twitter-dm", 200, fails("Could not open DM — passcode")),
    ],
    Meaning("unknown", "no_verdict", quota_back=False, breaker="count"): [
        (
            "instagram-dm",
            404,
            {
                "error": "Could not open or create conversation after all strategies",
                "profileError": "not verified",
            },
        ),
        (
            "instagram-dm",
            404,
            {"error": "Could not open or create conversation after all strategies"},
        ),
        ("instagram-dm", 500, {"error": "Error: osascript timed out"}),
        ("threads-comments", 400, fails("verification threw")),
        ("tiktok-comments", 500, {"error": "TypeError: Invalid URL"}),
        ("tiktok-dm", 400, fails("delivery_failed: red mark")),
        ("tiktok-dm", 400, fails("Strategy B threw")),
        ("twitter-comments", 200, fails("Error: Command failed: osascript")),
        ("twitter-comments", 500, b"SyntaxError: Unexpected token\n    at JSON.parse"),
        ("twitter-dm", 500, fails("Error: Command failed: osascript")),
    ],
    Meaning("rejected", "validation", quota_back=True, breaker="ok"): [
        ("instagram-comments", 400, {"error": "Validation Error", "message": "text"}),
        ("instagram-dm", 400, {"error": "username and text required"}),
        ("market-research", 400, {"error": "Invalid platform"}),
        ("threads-comments", 400, {"error": "Bad Request", "message": "postUrl must be a URL"}),
        ("threads-comments", 415, {"error": "Unsupported Media Type"}),
        ("tiktok-comments", 400, {"error": "text is required"}),
        ("tiktok-comments", 400, fails("TikTok short URLs (vm.tiktok.com) are not supported")),
        ("tiktok-dm", 400, {"error": "username and text (or message) are required"}),
        (
            "twitter-comments",
            400,
            {"error": "Bad Request", "message": "Missing required field: text"},
        ),
        ("threads-comments", 400, {"error": "Bad Request", "message": "Unexpected token in JSON"}),
        ("twitter-comments", 400, fails("Invalid URL format for postUrl")),
        ("twitter-dm", 400, fails("username and text required")),
    ],
    Meaning("wait", "outside_hours", quota_back=True, breaker="ok"): [
        ("instagram-comments", 429, {"error": "Outside active hours"}),
        ("instagram-dm", 429, {"error": "Outside active hours", "activeHours": "9:00 - 21:00"}),
        ("linkedin-automation", 429, {"error": "outside_active_hours", "message": ""}),
        ("tiktok-dm", 429, fails("Outside active hours")),
    ],
    Meaning("wait", "service_quota", quota_back=True, breaker="ok"): [
        ("instagram-comments", 400, fails("Rate limit: 15 comments per day")),
        ("instagram-dm", 429, {"error": "Hourly rate limit exceeded"}),
        ("instagram-dm", 429, {"error": "Daily rate limit exceeded"}),
        ("linkedin-automation", 429, {"error": "Daily message limit reached", "hint": ""}),
        ("linkedin-automation", 429, {"error": "Rate limit exceeded"}),
        ("threads-comments", 400, fails("Rate limit: 5 comments per hour")),
        ("threads-comments", 400, fails("Rate limit: 20 comments per day")),
        ("threads-comments", 429, {"error": "Too Many Requests", "retryAfter": 7}),
        ("tiktok-comments", 200, fails("5/hr limit")),
        ("tiktok-comments", 200, fails("15/day limit")),
        ("tiktok-dm", 429, fails("Hourly limit reached")),
        ("tiktok-dm", 429, fails("Daily limit reached")),
        ("twitter-comments", 200, fails("10/hr limit")),
    ],
    Meaning("wait", "not_ready", quota_back=True, breaker="count"): [
        ("instagram-dm", 503, {"error": "Session activation failed: no window"}),
        ("instagram-dm", 503, {"error": "Instagram Safari session not found", "fix": "open it"}),
        ("market-research", 503, {"error": "No Safari tab available for market-research"}),
        (
            "twitter-dm",
            503,
            {"error": "No Safari tab available for twitter-dm", "detail": "", "fix": ""},
        ),
    ],
    Meaning("rejected", "dry_run", quota_back=True, breaker="ok"): [
        ("threads-comments", 200, {"success": True, "commentId": "dry_1", "dry_run": True}),
    ],
    Meaning("wait", "misconfigured", quota_back=True, breaker="open"): [
        ("instagram-dm", 404, b"<pre>Cannot POST /api/messages/send-from-profile</pre>"),
        ("market-research", 404, b"<pre>Cannot POST /api/research/twitter/search</pre>"),
        ("threads-comments", 404, {"error": "Not Found"}),
        ("twitter-comments", 405, {"error": "Method Not Allowed"}),
        ("linkedin-automation", 400, {"error": "Malformed Authorization header"}),
        ("threads-comments", 401, {"error": "Unauthorized", "message": "wrong token"}),
        ("twitter-comments", 400, {"error": "Empty Bearer token"}),
        ("twitter-comments", 401, {"error": "Unauthorized"}),
    ],
    Meaning("unknown", "gateway_timeout", quota_back=False, breaker="count"): [
        (
            "threads-comments",
            504,
            {"error": "Gateway Timeout", "message": "Request timed out after 30s"},
        ),
    ],
    Meaning("rejected", "gave_up", quota_back=False, breaker="ok"): [
        ("instagram-comments", 400, fails("Comment input never appeared")),
        ("tiktok-comments", 200, fails("Comment input never appeared")),
        ("tiktok-dm", 400, fails("identity_mismatch")),
        ("twitter-comments", 200, fails("No tweet found on page")),
        ("twitter-comments", 200, fails("error:something_went_wrong")),
    ],
    Meaning("rejected", "gave_up", quota_back=True, breaker="ok"): [
        ("instagram-dm", 200, fails("Failed to type message")),
        ("linkedin-automation", 200, fails("Failed to type message")),
        ("twitter-dm", 200, fails("Could not find Send button")),
    ],
    Meaning("unknown", "gateway_timeout", quota_back=False, breaker="open"): [
        ("instagram-comments", 504, {"error": "Gateway Timeout"}),
    ],
    Meaning("rejected", "already_messaged", quota_back=True, breaker="ok"): [
        ("tiktok-dm", 400, fails("already_messaged: @x was already DMed (persistent dedup block)")),
        ("tiktok-dm", 400, fails("already_in_conversation: @x")),
    ],
    Meaning("wait", "in_flight", quota_back=True, breaker="ok"): [
        ("tiktok-dm", 429, fails("in_flight: send to @x already in progress")),
    ],
    Meaning("wait", "busy_lock", quota_back=True, breaker="ok"): [
        (
            "linkedin-automation",
            429,
            {"error": "Safari busy — another operation is in progress", "retryAfter": "120s"},
        ),
    ],
    Meaning("retry", "no_verdict", quota_back=False, breaker="count"): [
        ("market-research", 500, {"error": "x", "platform": "twitter"}),
    ],
    Meaning("wait", "busy_lock", quota_back=False, breaker="ok"): [
        ("market-research", 409, {"error": "busy", "currentJob": {"id": "1"}}),
    ],
}
