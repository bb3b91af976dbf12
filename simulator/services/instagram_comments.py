"""instagram-comments: never says whether it verified, and dies some time after a 504."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simulator.exchange import Call, Effect, Json, Refused, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.comments import CommentService, Manner, Words
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.safari import ScriptError

__all__ = ["InstagramComments"]


class InstagramComments(CommentService):
    """Bearer auth; driver failures and its quota are 400, its hours 429."""

    name = "instagram-comments"
    platform = "instagram"
    site_name = "Instagram"
    default_token = "test-token"  # noqa: S105  the published default
    per_hour = 5
    per_day = 15
    http_limit_per_minute = 200
    wants_json = True
    session_needs_tab = True
    knows_login_by_words = True
    dies_after_timeout = True
    before_send_error = "Comment input never appeared"
    manner = Manner(
        words=(
            Words("action blocked", "Platform restriction: action_blocked", ends=True),
            Words("try again later", "Platform restriction: rate_limited", ends=True),
            Words("turned off", "Platform restriction: comments_disabled", ends=True),
            Words("been limited", "Platform restriction: comments_limited", ends=True),
        ),
        no_opener=None,
        no_input="Comment input never appeared",
        not_typed="All typing strategies failed",
        not_submitted="Submit button not found or disabled",
        is_proven_by_empty_box=True,
    )

    def routes(self) -> Mapping[str, Route]:
        return {
            "POST /api/instagram/comments/post": drives(self.post, "comment"),
            "GET /api/instagram/status": tells(self.status, "status", guarded=False),
            "GET /api/instagram/rate-limits": tells(self.rate_limits, "rate_limits"),
            "PUT /api/instagram/rate-limits": tells(self.set_limits, "rate_limits"),
            "GET /api/instagram/comments": drives(self.comments, "reading"),
            "GET /api/instagram/post/metrics": drives(self.metrics, "reading"),
            "GET /api/instagram/profile/posts": drives(self.posts, "timeline"),
            "POST /api/debug/eval": Route(self.execute, "reading"),
            "POST /api/instagram/navigate": drives(self.navigate, "navigate"),
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
        return await act(self, call, Effect("comment", call.text_of("postUrl"), text))

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:  # noqa: ARG002
        comment_id = f"ig_{time.time_ns() // 1_000_000}"
        return {"success": True, "commentId": comment_id, "text": effect.text}

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        return Reply(400, {"success": False, "error": error})

    def failed_script(self, call: Call, error: ScriptError) -> Reply:
        return self.failed(call, str(error))

    def cannot_navigate(self, call: Call) -> None:  # noqa: ARG002
        raise Refused("", reply=self._not_opened())

    @staticmethod
    def _not_opened() -> Reply:
        return Reply(500, {"success": False, "error": "Failed to navigate to post"})

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
            Behaviour.NOT_FOUND: lambda _: self._not_opened(),
        }

    async def posts(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            urls = self.posts_shown(hands)
        posts = [{"shortcode": url.split("/")[-2], "url": url, "type": "post"} for url in urls]
        return Reply(200, {"posts": posts, "count": len(posts)})

    async def metrics(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            page = hands.session.tab().page
        counts = {"likes": 0, "comments": len(self.comments_shown()), "views": 0, "saves": 0}
        about = {"caption": "", "username": "", "url": page.url}
        shown = self.settings.reactions.get(page.url, {})
        return Reply(200, {"success": True, **counts, **about, **shown})

    def asked_url(self, call: Call) -> str:
        username = call.text_of("username")
        return call.text_of("url") or (f"https://www.instagram.com/{username}/" if username else "")
