"""threads-comments: writes its own comment when given none, and posts on after its 504."""

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

    from simulator.outside import Outside
    from simulator.scenario import ServiceSettings

__all__ = ["ThreadsComments"]

OWN_COMMENT = "Appreciate you sharing this perspective 🙌"
SHOWN_TEXT_LENGTH = 100
CURRENT_POST = "(the post that the tab shows)"
KEPT_REPLIES = 20_000


class ThreadsComments(CommentService):
    """Bearer auth; driver failures and its quota are 400."""

    name = "threads-comments"
    platform = "threads"
    site = "Threads"
    site_url = "https://www.threads.com/"
    default_token = "threads-local-dev-token"  # noqa: S105  the published default
    per_hour = 5
    per_day = 20
    http_limit_per_minute = 60
    wants_json = True
    session_needs_tab = True
    before_send_error = "Comment input not found"
    shown_profile = ""

    def __init__(self, outside: Outside, settings: ServiceSettings, port: int) -> None:
        super().__init__(outside, settings, port)
        self._replies: dict[str, tuple[float, Json]] = {}

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/api/threads/comments/post"): Route(self.post, "comment", drives_page=True),
            ("GET", "/api/threads/status"): Route(
                self.status, "status", guarded=False, needs_tab=False
            ),
            ("GET", "/api/threads/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("GET", "/api/threads/posts"): Route(self.posts, "timeline", drives_page=True),
            ("POST", "/api/threads/navigate"): Route(self.navigate, "navigate", drives_page=True),
        }

    def health(self) -> Json:
        return {
            "status": "ok",
            "service": self.name,
            "version": "1.2.0",
            "port": self.port,
            "started_at": self.started_text,
            "uptime": int(time.time() - self.started_at),
            "timestamp": now_text(),
        }

    async def post(self, call: Call) -> Reply:
        body = call.body
        for field in ("postUrl", "text"):
            if field in body and not isinstance(body[field], str):
                return self._bad(f"{field} must be a string")
        text, url = call.text_of("text"), call.text_of("postUrl")
        if "text" in body and not text.strip():
            return self._bad("text must not be empty")
        if body.get("dry_run") is True:
            dry = {"success": True, "commentId": self._comment_id("dry"), "text": text}
            return Reply(200, {**dry, "dry_run": True, "simulated": True})
        if not text or body.get("useAI") is True:
            text = OWN_COMMENT
        effect = Effect("comment", url or CURRENT_POST, text)
        cached = self._replies.get(f"{url}:{text}")
        if cached is not None and cached[0] > time.monotonic():
            self.repeat(call, effect)
            return Reply(200, cached[1])
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        reply = await self.act(call, effect)
        if reply.status == 200 and isinstance(reply.body, dict):
            self._remember(f"{url}:{text}", reply.body)
        return reply

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:  # noqa: ARG002
        body = {
            "success": True,
            "commentId": self._comment_id("th"),
            "text": effect.text[:SHOWN_TEXT_LENGTH],
        }
        return body if verified is None else {**body, "verified": verified}

    def failed(self, call: Call, error: str) -> Reply:
        text = call.text_of("text")[:SHOWN_TEXT_LENGTH]
        return Reply(400, {"success": False, "text": text, "error": error})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        return {
            Behaviour.QUOTA: lambda call: self.failed(call, "Rate limit: 5 comments per hour"),
            Behaviour.QUOTA_DAILY: lambda call: self.failed(
                call, "Rate limit: 20 comments per day"
            ),
            Behaviour.NOT_FOUND: lambda _: Reply(
                500, {"error": "Navigation failed", "message": "Could not open the post"}
            ),
        }

    def tab_shown(self) -> Json:
        return {**super().tab_shown(), **self.counted()}

    async def posts(self, call: Call) -> Reply:
        await self.look(call)
        urls = post_urls(self.platform, self.shown_profile, self.settings)
        return Reply(200, {"posts": [{"url": url} for url in urls], "count": len(urls)})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        self.shown_profile = handle_of(call.text_of("url", "postUrl"))
        return Reply(200, {"success": True, "url": call.text_of("url", "postUrl")})

    def _remember(self, key: str, body: Json) -> None:
        now = time.monotonic()
        if len(self._replies) >= KEPT_REPLIES:
            self._replies = {k: kept for k, kept in self._replies.items() if kept[0] > now}
        self._replies[key] = (now + self.settings.replay_seconds, body)

    @staticmethod
    def _comment_id(prefix: str) -> str:
        return f"{prefix}_{time.time_ns() // 1_000_000}"

    @staticmethod
    def _bad(message: str) -> Reply:
        return Reply(400, {"error": "Bad Request", "message": message})
