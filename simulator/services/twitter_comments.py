"""twitter-comments: comments and tweets, some words of which it rewrites before it posts."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from simulator.browser import shell
from simulator.browser.pages import Kind, handle_in
from simulator.browser.sites import iso_time
from simulator.exchange import Call, Effect, Json, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.comments import CommentService, Manner, Words
from simulator.services.service import now_text
from simulator.services.wire import STACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.browser.safari import ScriptError

__all__ = ["TwitterComments", "sanitized"]

LONGEST_TWEET = 280
LONG = "Tweet text exceeds 280 character limit ({} characters)"
TWEET = "/api/twitter/tweet"
TWEETS = 10
COMPOSE_URL = "https://x.com/compose/post"
WAYS = (shell.keystrokes, shell.clipboard)
STRATEGIES = ("none", "execCommand", "keystrokes", "clipboard")
WORDS = (
    Words("something went wrong", "error:something_went_wrong"),
    Words("rate limit", "error:rate_limited"),
    Words("daily limit", "error:You have reached the daily limit"),
)
WORDS_OF_SUCCESS = ("sent", "posted", "your post")
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
    site_name = "Twitter"
    default_token = "test-token-12345"  # noqa: S105  the published default
    per_hour = 10
    per_day = 30
    empty_bearer_status = 400
    before_send_error = "No tweet found on page"
    navigate_seconds = 0.1
    manner = Manner(
        words=WORDS,
        no_opener="No tweet found on page",
        no_input="Reply input never appeared",
        not_typed="All typing strategies failed (last: none)",
        not_submitted="Submit failed: submit_button_never_enabled",
        opener_seconds=8.0,
        input_seconds=8.0,
        typing_seconds=1.5,
        ways=WAYS,
    )
    tweeting = Manner(
        words=(),
        no_opener=None,
        no_input="Compose input never appeared",
        not_typed="All typing strategies failed (last: none)",
        not_submitted="Submit failed: post_button_never_enabled",
        input_seconds=10.0,
        verify_seconds=3.0,
        is_for_tweets=True,
        ways=WAYS,
    )

    def routes(self) -> Mapping[str, Route]:
        return {
            "POST /api/twitter/comments/post": drives(self.comment, "comment"),
            f"POST {TWEET}": drives(self.tweet, "tweet"),
            "POST /api/twitter/timeline": drives(self.timeline, "timeline"),
            "POST /api/twitter/tweet/detail": drives(self.detail, "reading"),
            "GET /api/twitter/tweet/metrics": drives(self.metrics, "reading"),
            "GET /api/twitter/comments": drives(self.comments, "reading"),
            "PUT /api/twitter/rate-limits": tells(self.set_limits, "rate_limits"),
            "GET /api/twitter/status": tells(self.status, "status", guarded=False),
            "GET /api/twitter/rate-limits": tells(self.rate_limits, "rate_limits"),
            "POST /api/debug/eval": Route(self.execute, "reading"),
            "POST /api/twitter/navigate": drives(self.navigate, "navigate"),
        }

    def health(self) -> Json:
        return {
            "status": "ok",
            "service": self.name,
            "port": self.port,
            "timestamp": now_text(),
            "version": "1.0.0",
            "uptime": time.time() - self.started_at,
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

    async def tweet(self, call: Call) -> Reply:
        return await self._post(call, "tweet", "")

    async def _post(self, call: Call, kind: str, recipient: str) -> Reply:
        text = sanitized(call.text_of("text"))
        if not text.strip():
            return self._missing("text")
        if len(text) > LONGEST_TWEET:
            error = {"error": "Validation Error", "message": LONG.format(len(text))}
            return Reply(400, {**error, "charCount": len(text), "maxChars": LONGEST_TWEET})
        refused = self.refuse(call, Behaviour.QUOTA, Behaviour.QUOTA_DAILY)
        return refused or await act(self, call, Effect(kind, recipient, text))

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:
        if effect.kind == "tweet":
            return await self.write(hands, effect.text, self.tweeting)
        return await super().perform(hands, call, effect)

    async def open_box(self, hands: Hands, manner: Manner) -> Words | None:
        if not manner.is_for_tweets:
            # Opening the post has waited until a tweet was there, for up to ten seconds.
            await hands.until(hands.can_comment, 2.0 if hands.attempt == 1 else 0.0)
            return None
        shown = self.shown_words(hands)
        for words in WORDS:
            if words.stand_in(shown):
                await hands.wait(2.0)
                return words
        arrived = await hands.navigate(COMPOSE_URL, 0.5)
        return None if arrived else Words("", "Failed to navigate to compose page")

    async def verify(self, hands: Hands, text: str, manner: Manner) -> bool:
        if not manner.is_for_tweets:
            return await super().verify(hands, text, manner)
        await hands.wait(manner.verify_seconds)
        # A toast that a tweet was not taken names it too.
        is_told = any(words in self.site.notice.lower() for words in WORDS_OF_SUCCESS)
        return not hands.misses("verify") and (is_told or not hands.is_composing())

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:
        is_tweet = effect.kind == "tweet"
        prefix, field = ("tweet", "tweetText") if is_tweet else ("tw", "generatedComment")
        body: Json = {"success": True, "commentId": f"{prefix}_{time.time_ns() // 1_000_000}"}
        if sent.verified is not None:
            body["verified"] = sent.verified
        tries = {"attempts": sent.attempts, "durationMs": 4200 * sent.attempts}
        return {**body, "strategy": STRATEGIES[self.way], **tries, **self._written(call, field)}

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:
        field = "tweetText" if call.path == TWEET else "generatedComment"
        shot = f"/var/folders/twitter-post-failure-{time.time_ns() // 1_000_000}.png"
        tries = {"strategy": "", "attempts": attempts, "durationMs": 9000 * attempts}
        body = {"success": False, "error": error, **tries, "screenshotPath": shot}
        return Reply(200, {**body, **self._written(call, field)})

    @staticmethod
    def _written(call: Call, field: str) -> Json:
        text = sanitized(call.text_of("text"))
        ai = {"ai_generated": False, "usedAI": False}
        return {field: text, **ai, "charCount": len(text)}

    def failed_script(self, call: Call, error: ScriptError) -> Reply:
        return self.failed(call, str(error))

    def tab_shown(self) -> Json:
        return {**super().tab_shown(), **self.counted()}

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        return {
            Behaviour.QUOTA: lambda call: self.failed(call, "10/hr limit"),
            Behaviour.QUOTA_DAILY: lambda call: self.failed(call, "30/day limit"),
            Behaviour.NOT_FOUND: lambda call: self.failed(call, "No tweet found on page"),
        }

    async def timeline(self, call: Call) -> Reply:
        handle = call.text_of("handle").removeprefix("@")
        if not handle:
            return self._missing("handle")
        async with self.looking(call) as hands:
            await hands.navigate(f"https://x.com/{handle}", 0.1)
            await hands.until(lambda: hands.is_at(Kind.PROFILE), 10.0)
            await hands.wait(4.4)
            tweets = self._tweets_shown(hands)[: int(call.body.get("maxResults") or TWEETS)]
        body = {"success": True, "tweets": tweets, "handle": handle, "count": len(tweets)}
        return Reply(200, body)

    async def detail(self, call: Call) -> Reply:
        url = call.text_of("url")
        if not url:
            return self._missing("url")
        async with self.looking(call) as hands:
            await hands.navigate(url, 0.1)
            await hands.until(lambda: hands.is_at(Kind.POST), 10.0)
            shown = hands.session.tab().page
            if not hands.is_at(Kind.POST) or not self._exists(shown.url):
                return Reply(404, {"error": "Tweet not found or failed to extract"})
        # The address is that of the page, the rest that of the first tweet on it.
        tweet = self._tweet(self.site.first_post(shown.url))
        return Reply(200, {"success": True, "tweet": {**tweet, "url": shown.url}})

    async def metrics(self, call: Call) -> Reply:
        url = call.request.query.get("tweetUrl", "")
        async with self.looking(call) as hands:
            await hands.navigate(url, 0.1)
            found = self._tweet(hands.session.tab().page.url)
        names = ("likes", "retweets", "replies", "views")
        metrics = {name: found.get(name, 0) for name in names}
        return Reply(
            200, {"success": True, "metrics": {**metrics, "bookmarks": 0}, "tweetUrl": url}
        )

    async def navigate(self, call: Call) -> Reply:
        url = call.text_of("url")
        if not url:
            return self._missing("url")
        async with self.looking(call) as hands:
            arrived = await hands.navigate(url, 0.1)
            found = arrived and await hands.until(lambda: hands.is_at(Kind.POST), 10.0)
        return Reply(200, {"success": found, "url": url})

    async def comments(self, call: Call) -> Reply:
        async with self.looking(call):
            shown = self.comments_shown(int(call.request.query.get("limit", 50)))
        found = [{"username": each["username"], "text": each["text"]} for each in shown]
        return Reply(200, {"comments": found, "count": len(found)})

    def _tweets_shown(self, hands: Hands) -> list[Json]:
        page = hands.session.tab().page
        if page.kind is not Kind.PROFILE or not hands.is_logged_in():
            return []
        scripted = [dict(tweet) for tweet in self.settings.tweets]
        if page.subject != self.site.account and scripted:
            return scripted
        urls = self.posts_of(page.subject)
        if page.subject != self.site.account and self.settings.posts is None:
            # A timeline also shows what the person has shared of others.
            urls.insert(len(urls) - 1, f"https://x.com/friend_of_{page.subject}/status/1")
        return [*scripted, *map(self._tweet, urls)]

    def _exists(self, url: str) -> bool:
        """Return whether there is such a tweet; those of others are taken for granted."""
        ours = {tweet.url for tweet in self.site.tweets} | {
            str(tweet.get("tweetUrl")) for tweet in self.settings.tweets
        }
        return handle_in(url) != self.site.account or url in ours

    def _tweet(self, url: str) -> Json:
        """Return a tweet as a timeline shows it, its counts those of the scenario."""
        counts = {"likes": 0, "retweets": 0, "replies": 0, "views": 0}
        scripted = next((t for t in self.settings.tweets if t.get("tweetUrl") == url), {})
        own = next((tweet for tweet in self.site.tweets if tweet.url == url), None)
        said = {} if own is None else {"text": own.text, "timestamp": iso_time(own.at)}
        author = handle_in(url)
        about = {"tweetUrl": url, "author": author, "handle": f"@{author}", "text": ""}
        return {**about, **counts, **said, **scripted}

    @staticmethod
    def _missing(field: str) -> Reply:
        message = f"Missing required field: {field}"
        return Reply(400, {"error": "Bad Request", "message": message})
