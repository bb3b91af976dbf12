"""instagram-comments: never says whether it verified, and dies some time after a 504."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.profiles import handle_of, post_urls
from simulator.service import now_text
from simulator.services.comments import CommentService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["InstagramComments"]

CURRENT_POST = "(the post that the tab shows)"


class InstagramComments(CommentService):
    """Bearer auth; driver failures and its quota are 400, its hours 429."""

    name = "instagram-comments"
    platform = "instagram"
    site = "Instagram"
    site_url = "https://www.instagram.com/"
    default_token = "test-token"  # noqa: S105  the published default
    per_hour = 5
    per_day = 15
    http_limit_per_minute = 200
    wants_json = True
    session_needs_tab = True
    dies_after_timeout = True
    before_send_error = "Comment input not found"
    shown_profile = ""

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/api/instagram/comments/post"): Route(self.post, "comment", drives_page=True),
            ("POST", "/api/instagram/dm/send"): Route(self.dm, "other", needs_tab=False),
            ("GET", "/api/instagram/status"): Route(
                self.status, "status", guarded=False, needs_tab=False
            ),
            ("GET", "/api/instagram/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("GET", "/api/instagram/profile/posts"): Route(
                self.posts, "timeline", drives_page=True
            ),
            ("POST", "/api/instagram/navigate"): Route(self.navigate, "navigate", drives_page=True),
        }

    def health(self) -> Json:
        uptime_ms = int((time.time() - self.started_at) * 1000)
        return {
            "status": "ok",
            "service": self.name,
            "version": "2.0.0",
            "port": self.port,
            "started_at": self.started_text,
            "uptime": uptime_ms,
            "uptime_human": f"{uptime_ms // 1000}s",
            "timestamp": now_text(),
        }

    async def post(self, call: Call) -> Reply:
        refused = self.refuse(call, Behaviour.OUTSIDE_HOURS)
        if refused is not None:
            return refused
        text = call.text_of("text")
        if not text.strip():
            message = "text is required and must be a non-empty string"
            return Reply(400, {"error": "Validation Error", "message": message})
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        return await self.act(
            call, Effect("comment", call.text_of("postUrl") or CURRENT_POST, text)
        )

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:  # noqa: ARG002
        comment_id = f"ig_{time.time_ns() // 1_000_000}"
        return {"success": True, "commentId": comment_id, "text": effect.text}

    def failed(self, call: Call, error: str) -> Reply:  # noqa: ARG002
        return Reply(400, {"success": False, "error": error})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        def restricted(why: str) -> Callable[[Call], Reply]:
            return lambda call: self.failed(call, f"Platform restriction: {why}")

        hours = {"error": "Outside active hours", "activeHours": self.limits.hours_text()}
        return {
            Behaviour.OUTSIDE_HOURS: lambda _: Reply(429, hours),
            Behaviour.QUOTA: lambda call: self.failed(call, "Rate limit: 5 comments per hour"),
            Behaviour.QUOTA_DAILY: lambda call: self.failed(
                call, "Rate limit: 15 comments per day"
            ),
            Behaviour.RATE_LIMITED: restricted("action_blocked"),
            Behaviour.RESTRICTED: restricted("comments_disabled"),
            Behaviour.NOT_FOUND: lambda _: Reply(
                500, {"success": False, "error": "Failed to navigate to post"}
            ),
        }

    async def dm(self, call: Call) -> Reply:
        # The real proxy sends a field that its target refuses, and reports success all the same.
        return Reply(200, {"success": True, "username": call.text_of("username")})

    async def posts(self, call: Call) -> Reply:
        await self.look(call)
        urls = post_urls(self.platform, self.shown_profile, self.settings)
        posts = [{"shortcode": url.split("/")[-2], "url": url, "type": "post"} for url in urls]
        return Reply(200, {"posts": posts, "count": len(posts)})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        self.shown_profile = call.text_of("username") or handle_of(call.text_of("url"))
        return Reply(200, {"success": True})
