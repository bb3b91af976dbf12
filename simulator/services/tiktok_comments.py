"""tiktok-comments: failures are 200, and an URL without a scheme fails after it was posted."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from simulator.behaviours import Behaviour
from simulator.exchange import Call, Effect, Json, Reply, Route
from simulator.profiles import post_urls
from simulator.service import now_text
from simulator.services.comments import CommentService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["TikTokComments"]

CURRENT_VIDEO = "(the video that the tab shows)"
OWN_COMMENT = "This is so good, thanks for sharing"
LONGEST_TEXT = 10_000
_VIDEO_URL = re.compile(r"^(https?://)?([\w-]+\.)*tiktok\.com/.*(/video/|@)", re.IGNORECASE)
_SHORT_LINK = re.compile(r"^(https?://)?(vm|vt)\.tiktok\.com/", re.IGNORECASE)


class TikTokComments(CommentService):
    """No auth unless a token is set."""

    name = "tiktok-comments"
    platform = "tiktok"
    site = "TikTok"
    site_url = "https://www.tiktok.com/"
    per_hour = 5
    per_day = 15
    empty_bearer_status = 400
    session_needs_tab = True
    before_send_error = "Comment input never appeared"

    def routes(self) -> Mapping[tuple[str, str], Route]:
        return {
            ("POST", "/api/tiktok/comments/post"): Route(self.post, "comment", drives_page=True),
            ("GET", "/api/tiktok/status"): Route(self.status, "status", needs_tab=False),
            ("GET", "/api/tiktok/rate-limits"): Route(
                self.rate_limits, "rate_limits", needs_tab=False
            ),
            ("GET", "/api/tiktok/profile/{}/videos"): Route(
                self.videos, "timeline", drives_page=True
            ),
            ("POST", "/api/tiktok/navigate"): Route(self.navigate, "navigate", drives_page=True),
        }

    def health(self) -> Json:
        return {
            "status": "ok",
            "service": self.name,
            "port": self.port,
            "timestamp": now_text(),
        }

    async def post(self, call: Call) -> Reply:
        url = call.text_of("postUrl", "videoUrl")
        fault = self._fault(call, url)
        if fault is not None:
            return fault
        text = OWN_COMMENT if call.body.get("useAI") is True else call.text_of("text")
        if call.body.get("dry_run") is True:
            dry = {"success": True, "dry_run": True, "generatedComment": text, "usedAI": False}
            return Reply(200, {**dry, "message": "Dry run: nothing was posted"})
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        if refused is not None:
            return refused
        reply = await self.act(call, Effect("comment", url or CURRENT_VIDEO, text))
        if url and "://" not in url and not call.text_of("username") and reply.status == 200:
            return Reply(500, {"error": "TypeError: Invalid URL"})
        return reply

    def _fault(self, call: Call, url: str) -> Reply | None:
        text = call.body.get("text")
        faults = (
            (text is None, "text is required"),
            (not isinstance(text, str), "text must be a string"),
            (isinstance(text, str) and not text.strip(), "text cannot be empty"),
            (isinstance(text, str) and len(text) > LONGEST_TEXT, "text is too long"),
        )
        for is_wrong, error in faults:
            if is_wrong:
                return Reply(400, {"error": error})
        if _SHORT_LINK.match(url):
            return Reply(400, {"success": False, "error": "Short links are not supported"})
        if url and not _VIDEO_URL.match(url):
            return Reply(400, {"error": "Invalid TikTok URL"})
        return None

    def succeeded(self, call: Call, effect: Effect, *, verified: bool | None) -> Json:
        body: Json = {"success": True, "commentId": f"tt_{time.time_ns() // 1_000_000}"}
        if verified is not None:
            body["verified"] = verified
        used_ai = call.body.get("useAI") is True
        more = {"strategy": "keyboard", "generatedComment": effect.text, "usedAI": used_ai}
        return {**body, **more}

    def failed(self, call: Call, error: str) -> Reply:
        body = {"success": False, "error": error, "generatedComment": call.text_of("text")}
        return Reply(200, {**body, "usedAI": call.body.get("useAI") is True})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        return {
            Behaviour.QUOTA: lambda call: self.failed(call, "5/hr limit"),
            Behaviour.QUOTA_DAILY: lambda call: self.failed(call, "15/day limit"),
            Behaviour.LOGGED_OUT: lambda call: self.failed(
                call, "Platform restriction: not_logged_in"
            ),
            Behaviour.RESTRICTED: lambda call: self.failed(
                call, "Platform restriction: comments_off"
            ),
        }

    def no_session(self) -> Reply:
        return Reply(200, {"ok": False, "error": "No tab claimed"})

    async def videos(self, call: Call) -> Reply:
        await self.look(call)
        handle = call.path.split("/")[-2]
        urls = post_urls(self.platform, handle, self.settings)
        return Reply(200, {"videos": [{"url": url} for url in urls], "count": len(urls)})

    async def navigate(self, call: Call) -> Reply:
        await self.look(call)
        return Reply(200, {"success": True})
