"""tiktok-comments: failures are 200, and an URL without a scheme fails after it was posted."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from simulator.exchange import Call, Effect, Json, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.comments import CommentService, Manner, Words
from simulator.services.service import now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.safari import ScriptError, Spot

__all__ = ["TikTokComments"]

OWN_COMMENT = "This is so good, thanks for sharing"
LONGEST_TEXT = 10_000
SHOWN_URL_CHARS = 100
SHORT_LINK = "Short-link URLs not supported. Please use the direct /video/ URL format"
_VIDEO_URL = re.compile(r"^(https?://)?([\w-]+\.)*tiktok\.com/.*(/video/|@)", re.IGNORECASE)
_SHORT_LINK = re.compile(r"^(https?://)?(vm|vt)\.tiktok\.com/", re.IGNORECASE)


class TikTokComments(CommentService):
    """No auth unless a token is set."""

    name = "tiktok-comments"
    platform = "tiktok"
    site_name = "TikTok"
    per_hour = 5
    per_day = 15
    empty_bearer_status = 400
    session_needs_tab = True
    before_send_error = "Comment input never appeared"
    manner = Manner(
        words=(
            Words("something went wrong", "Platform restriction: error"),
            Words("too many comments", "Platform restriction: rate_limit"),
            Words("turned off", "Platform restriction: comments_off", ends=True),
            Words("log in to comment", "Platform restriction: not_logged_in", ends=True),
        ),
        no_opener=None,
        no_input="Comment input never appeared",
        not_typed="All typing strategies failed",
        not_submitted="Submit button not found or disabled",
        is_proven_by_empty_box=True,
    )

    def routes(self) -> Mapping[str, Route]:
        return {
            "POST /api/tiktok/comments/post": drives(self.post, "comment"),
            "GET /api/tiktok/status": tells(self.status, "status"),
            "GET /api/tiktok/rate-limits": tells(self.rate_limits, "rate_limits"),
            "PUT /api/tiktok/rate-limits": tells(self.set_limits, "rate_limits"),
            "GET /api/tiktok/comments": drives(self.comments, "reading"),
            "GET /api/tiktok/video-metrics": drives(self.metrics, "reading"),
            "GET /api/tiktok/profile/{}/videos": drives(self.videos, "timeline"),
            "POST /api/tiktok/navigate": drives(self.navigate, "navigate"),
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
        reply = await act(self, call, Effect("comment", url, text))
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
            return Reply(400, {"success": False, "error": SHORT_LINK})
        if url and not _VIDEO_URL.match(url):
            return Reply(400, {"error": "Invalid URL: must be a TikTok video URL"})
        return None

    def shown_words(self, hands: Hands) -> str:
        shown = hands.notice()
        return shown if hands.is_logged_in() else f"{shown} log in to comment"

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:
        body: Json = {"success": True, "commentId": f"tt_{time.time_ns() // 1_000_000}"}
        if sent.verified is not None:
            body["verified"] = sent.verified
        used_ai = call.body.get("useAI") is True
        strategy = "execCommand" if self.way == 1 else "clipboard"
        more = {"strategy": strategy, "generatedComment": effect.text, "usedAI": used_ai}
        return {**body, **more}

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        body = {"success": False, "error": error, "generatedComment": call.text_of("text")}
        return Reply(200, {**body, "usedAI": call.body.get("useAI") is True})

    def failed_script(self, call: Call, error: ScriptError) -> Reply:
        return self.failed(call, str(error))

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

    def ensure_session(self) -> tuple[Spot, str] | None:
        # It looks at its claim only, which it has by then, whatever has become of the tab.
        return None if self.session.tracked is None else (self.session.tracked, "")

    def tab_shown(self) -> Json:
        return {**super().tab_shown(), **self.counted()}

    async def videos(self, call: Call) -> Reply:
        handle = call.path.split("/")[-2]
        async with self.looking(call) as hands:
            await hands.navigate(f"https://www.tiktok.com/@{handle}", 3.0)
            urls = self.posts_shown(hands)
        return Reply(200, {"videos": [{"url": url} for url in urls], "count": len(urls)})

    async def metrics(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            url = hands.session.tab().page.url
        counts = {"views": 0, "likes": 0, "comments": len(self.comments_shown()), "shares": 0}
        shown = {"currentUrl": url[:SHOWN_URL_CHARS], **self.settings.reactions.get(url, {})}
        return Reply(200, {"success": True, **counts, **shown})

    async def comments(self, call: Call) -> Reply:
        async with self.looking(call) as hands:
            await hands.wait(3.0)
            shown = self.comments_shown(int(call.request.query.get("limit", 50)))
        found = [{"username": each["username"], "text": each["text"]} for each in shown]
        return Reply(200, {"comments": found, "count": len(found)})

    def asked_url(self, call: Call) -> str:
        handle = call.text_of("handle").removeprefix("@")
        return call.text_of("url") or (f"https://www.tiktok.com/@{handle}" if handle else "")
