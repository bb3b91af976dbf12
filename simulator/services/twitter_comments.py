"""twitter-comments: comments and tweets, some words of which it rewrites before it posts."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.profiles import post_urls
from simulator.service import now_text
from simulator.services.comments import CommentService
from simulator.wire import STACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["TwitterComments", "sanitized"]

LONGEST_TWEET = 280
TWEET = "/api/twitter/tweet"
TIMELINE_LENGTH = 20
OWN_HANDLE = "me"
_FILTERED = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|EXEC|UNION|SCRIPT)\b", re.IGNORECASE
)


def sanitized(text: str) -> str:
    """Give the text as this service publishes it."""
    return _FILTERED.sub(r"[FILTERED:\1]", text)


class TwitterComments(CommentService):
    """Bearer auth; comments and tweets share the limits; failures are 200."""

    name = "twitter-comments"
    platform = "twitter"
    site = "Twitter"
    site_url = "https://x.com/home"
    default_token = "test-token-12345"  # noqa: S105  the published default
    per_hour = 10
    per_day = 30
    empty_bearer_status = 400
    before_send_error = "No tweet found on page"

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/api/twitter/comments/post"): Route(
                self.comment, "comment", drives_page=True
            ),
            ("POST", TWEET): Route(self.tweet, "tweet", drives_page=True),
            ("POST", "/api/twitter/tweet/reply"): Route(self.reply, "comment", drives_page=True),
            ("POST", "/api/twitter/timeline"): Route(self.timeline, "timeline", drives_page=True),
            ("POST", "/api/twitter/tweet/detail"): Route(self.detail, "other", drives_page=True),
            ("GET", "/api/twitter/tweet/metrics"): Route(self.metrics, "other", drives_page=True),
            ("GET", "/api/twitter/status"): Route(
                self.status, "status", guarded=False, needs_tab=False
            ),
            ("GET", "/api/twitter/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("POST", "/api/twitter/navigate"): Route(self.navigate, "navigate", drives_page=True),
        }

    def health(self) -> Json:
        return {
            "status": "ok",
            "service": self.name,
            "port": self.port,
            "timestamp": now_text(),
            "version": "1.0.0",
            "uptime": int(time.time() - self.started_at),
        }

    def broken_json(self) -> Reply:
        return Reply(500, {"error": "Unexpected token in JSON at position 0", "stack": STACK})

    async def comment(self, call: Call) -> Reply:
        url = call.text_of("postUrl")
        if not url:
            return self._missing("postUrl")
        parts = urlsplit(url)
        if not parts.scheme or not parts.netloc:
            return Reply(400, {"success": False, "error": "Invalid URL format for postUrl"})
        return await self._post(call, "comment", url)

    async def reply(self, call: Call) -> Reply:
        url = call.text_of("url")
        return await self._post(call, "comment", url) if url else self._missing("url")

    async def tweet(self, call: Call) -> Reply:
        return await self._post(call, "tweet", "")

    async def _post(self, call: Call, kind: str, recipient: str) -> Reply:
        text = sanitized(call.text_of("text"))
        if not text.strip():
            return self._missing("text")
        if len(text) > LONGEST_TWEET:
            error = {"error": "Validation Error", "message": "Text exceeds 280 characters"}
            return Reply(400, {**error, "charCount": len(text), "maxChars": LONGEST_TWEET})
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        return refused or await self.act(call, Effect(kind, recipient, text))

    def published(self, call: Call, effect: Effect) -> None:
        if effect.kind == "tweet":
            handle = f"https://x.com/{OWN_HANDLE}/status/{1_000_000 + call.request_id}"
            self.outside.inbox(self.name).sent(handle, effect.text, now_text())

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:
        is_tweet = call.path == TWEET
        prefix, field = ("tweet", "tweetText") if is_tweet else ("tw", "generatedComment")
        body: Json = {"success": True, "commentId": f"{prefix}_{time.time_ns() // 1_000_000}"}
        if verified is not None:
            body["verified"] = verified
        more = {"strategy": "keyboard", "attempts": 1, "durationMs": 4200, field: effect.text}
        return {**body, **more, "usedAI": False, "charCount": len(effect.text)}

    def failed(self, call: Call, error: str) -> Reply:
        body = {"success": False, "strategy": "none", "attempts": 3, "durationMs": 9000}
        text = sanitized(call.text_of("text"))
        return Reply(200, {**body, "error": error, "usedAI": False, "charCount": len(text)})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        return {
            Behaviour.QUOTA: lambda call: self.failed(call, "10/hr limit"),
            Behaviour.QUOTA_DAILY: lambda call: self.failed(call, "30/day limit"),
            Behaviour.NOT_FOUND: lambda call: self.failed(call, "No tweet found on page"),
        }

    async def timeline(self, call: Call) -> Reply:
        handle = call.text_of("handle")
        if not handle:
            return self._missing("handle")
        await self.look(call)
        is_scripted = handle == OWN_HANDLE or self.settings.tweets
        urls = [] if is_scripted else post_urls(self.platform, handle, self.settings)
        shown = [*self._tweets(), *({"tweetUrl": url} for url in urls)]
        tweets = shown[: int(call.body.get("maxResults") or TIMELINE_LENGTH)]
        return Reply(200, {"success": True, "tweets": tweets, "count": len(tweets)})

    async def detail(self, call: Call) -> Reply:
        await self.look(call)
        url = call.text_of("url")
        found = next((t for t in self._tweets() if t.get("tweetUrl") == url), None)
        if found is None:
            return Reply(404, {"success": False, "error": "Tweet not found"})
        return Reply(200, {"success": True, "tweet": {"url": url, **found}})

    async def metrics(self, call: Call) -> Reply:
        await self.look(call)
        url = call.request.query.get("tweetUrl", "")
        found = next((t for t in self._tweets() if t.get("tweetUrl") == url), {})
        names = ("likes", "retweets", "replies", "views")
        metrics = {name: found.get(name, 0) for name in names}
        return Reply(
            200, {"success": True, "metrics": {**metrics, "bookmarks": 0}, "tweetUrl": url}
        )

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"success": True})

    def _tweets(self) -> list[Json]:
        counts = {"likes": 0, "retweets": 0, "replies": 0, "views": 0}
        own = self.outside.inbox(self.name).conversations("tweetUrl", ())
        posted = (
            {"tweetUrl": t["tweetUrl"], "text": t["lastMessage"], "timestamp": t["lastMessageAt"]}
            for t in own
        )
        return [*self.settings.tweets, *({**counts, **tweet} for tweet in posted)]

    @staticmethod
    def _missing(field: str) -> Reply:
        message = f"Missing required field: {field}"
        return Reply(400, {"error": "Bad Request", "message": message})
