"""threads-comments: writes its own comment when given none, and posts on after its 504."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simulator.browser.pages import handle_in
from simulator.exchange import Call, Effect, Json, Refused, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.comments import CommentService, Manner, Words
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.safari import ScriptError
    from simulator.scenario import ServiceSettings
    from simulator.services.host import Host

__all__ = ["ThreadsComments"]

OWN_COMMENT = "Appreciate you sharing this perspective 🙌"
SHOWN_TEXT_LENGTH = 100
KEPT_REPLIES = 20_000


class ThreadsComments(CommentService):
    """Bearer auth; driver failures and its quota are 400."""

    name = "threads-comments"
    platform = "threads"
    site_name = "Threads"
    default_token = "threads-local-dev-token"  # noqa: S105  the published default
    per_hour = 5
    per_day = 20
    http_limit_per_minute = 60
    wants_json = True
    session_needs_tab = True
    knows_login_by_words = True
    before_send_error = "Reply button not found"
    timeout_text = "Request timed out after 30s"
    manner = Manner(
        words=(
            Words("something went wrong", "Platform error: error"),
            Words("rate … limit", "Platform error: rate_limit"),
        ),
        no_opener="Reply button not found",
        no_input="Composer never appeared",
        not_typed="All typing strategies failed",
        not_submitted="Submit button not found or disabled",
        typing_seconds=1.9,
        is_opener_named=True,
        is_proven_by_box=True,
        ways=(str,),
    )

    def __init__(self, host: Host, settings: ServiceSettings, port: int) -> None:
        super().__init__(host, settings, port)
        self._replies: dict[str, tuple[float, Json]] = {}

    def routes(self) -> Mapping[str, Route]:
        return {
            "POST /api/threads/comments/post": drives(self.post, "comment"),
            "GET /api/threads/status": tells(self.status, "status", guarded=False),
            "GET /api/threads/rate-limits": tells(self.rate_limits, "rate_limits"),
            "PUT /api/threads/rate-limits": tells(self.set_limits, "rate_limits"),
            "GET /api/threads/comments": drives(self.comments, "reading"),
            "GET /api/threads/extract": drives(self.extract, "reading"),
            "GET /api/threads/posts": drives(self.posts, "timeline"),
            "POST /api/debug/eval": Route(self.execute, "reading"),
            "POST /api/threads/navigate": drives(self.navigate, "navigate"),
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
        effect = Effect("comment", url, text)
        cached = self._replies.get(f"{url}:{text}")
        if cached is not None and cached[0] > time.monotonic():
            self.repeat(call, effect)
            return Reply(200, cached[1])
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        reply = await act(self, call, effect)
        if reply.status == 200 and isinstance(reply.body, dict):
            self._remember(f"{url}:{text}", reply.body)
        return reply

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:  # noqa: ARG002
        body = {
            "success": True,
            "commentId": self._comment_id("th"),
            "text": effect.text[:SHOWN_TEXT_LENGTH],
        }
        return body if sent.verified is None else {**body, "verified": sent.verified}

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        text = call.text_of("text")[:SHOWN_TEXT_LENGTH]
        return Reply(400, {"success": False, "text": text, "error": error})

    def failed_script(self, call: Call, error: ScriptError) -> Reply:
        return self.failed(call, str(error))

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        return {
            Behaviour.QUOTA: lambda call: self.failed(call, "Rate limit: 5 comments per hour"),
            Behaviour.QUOTA_DAILY: lambda call: self.failed(
                call, "Rate limit: 20 comments per day"
            ),
            Behaviour.NOT_FOUND: lambda _: self._not_opened(),
        }

    async def write(self, hands: Hands, text: str, manner: Manner) -> Sent:
        """Type and look by scripts, in which a text can get other characters."""
        encoding = hands.safari.settings.scripts
        return await super().write(hands, text.encode().decode(encoding), manner)

    def cannot_navigate(self, call: Call) -> None:  # noqa: ARG002
        raise Refused("", reply=self._not_opened())

    @staticmethod
    def _not_opened() -> Reply:
        body = {"error": "Navigation failed", "message": "Failed to navigate to post"}
        return Reply(500, body)

    def tab_shown(self) -> Json:
        counted = self.counted()
        del counted["limits"]
        return {**super().tab_shown(), **counted}

    async def rate_limits(self, call: Call) -> Reply:  # noqa: ARG002
        used = {"daily_used": self.limits.today, "hourly_used": self.limits.this_hour}
        return Reply(200, {**self.counted(), **used})

    async def posts(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            urls = self.posts_shown(hands)
        return Reply(200, {"posts": [{"url": url} for url in urls], "count": len(urls)})

    async def extract(self, call: Call) -> Reply:
        url = call.request.query.get("postUrl", "")
        if not url:
            return self._bad("postUrl query param required")
        async with self.looking(call) as hands:
            await hands.navigate(url, self.navigate_seconds)
            shown = hands.session.tab().page
        counts = {"likes": 0, "replies": 0, "reposts": 0, "timestamp": ""}
        counts |= self.settings.reactions.get(shown.url, {})
        first = self.site.first_post(shown.url)
        about = {"author": handle_in(first), "text": "", **counts, "url": shown.url}
        return Reply(200, about if shown.has_box else {**about, "author": ""})

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
