"""Blotato as far as somebody meets it who uploads media, publishes posts and asks about them."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import BLOTATO
from simulator.exchange import Dropped
from simulator.outside.blotato_rules import invalid
from simulator.outside.counted import CountedRules
from simulator.outside.neighbour import Neighbour
from simulator.outside.trouble import refused, trouble

if TYPE_CHECKING:
    from simulator.scenario import Scenario
    from simulator.scenario.publishing import BlotatoRule

__all__ = ["Blotato"]

URLS = {
    "twitter": "https://x.com/me/status/{}",
    "threads": "https://www.threads.net/@simulator/post/{}",
    "instagram": "https://www.instagram.com/reel/{}/",
    "tiktok": "https://www.tiktok.com/@simulator/video/{}",
    "youtube": "https://www.youtube.com/watch?v={}",
    "linkedin": "https://www.linkedin.com/feed/update/{}/",
}
_ROUTES = (
    ("GET", re.compile(r"/v2/users/me/accounts"), "accounts"),
    ("POST", re.compile(r"/v2/media/uploads"), "uploads"),
    ("POST", re.compile(r"/v2/posts"), "posts"),
    ("GET", re.compile(r"/v2/posts/([\w-]+)"), "status"),
)
_STORED = re.compile(r"/storage/(\d+)/[^/]+")


@dataclass(slots=True)
class Submission:
    """A post that was taken; ``asked`` counts the answers that it is in progress."""

    url: str
    rule: BlotatoRule | None
    scheduled_at: float = 0.0
    asked: int = 0


class Blotato(Neighbour):
    """One user with accounts; logs each post as its readers see it."""

    name = BLOTATO
    _posts = 0
    _uploads = 0

    def play(self, scenario: Scenario) -> None:
        self._settings = scenario.blotato
        self._rules = CountedRules(scenario.blotato.rules)
        self._submissions: dict[str, Submission] = getattr(self, "_submissions", {})

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PUT" and (stored := _STORED.fullmatch(request.path)):
            return await self._store(request, int(stored[1]))
        key = request.headers.get("blotato-api-key")
        if not key or self._settings.key not in (None, key):
            return refused(401, f"Unauthorized: {key} is no key")
        for method, pattern, route in _ROUTES:
            if request.method == method and (path := pattern.fullmatch(request.path)):
                text = await request.text()
                return await self._route(route, path, text)
        return refused(404, f"Cannot {request.method} {request.path}")

    async def _route(self, route: str, path: re.Match[str], text: str) -> web.Response:
        body = json.loads(text) if text else {}
        platform = _platform_of(body)
        rule = self._rules.find(
            lambda rule: (
                rule.route == route and rule.platform in ("", platform) and rule.text in text
            )
        )
        if (troubled := await trouble(rule)) is not None:
            return troubled
        match route:
            case "accounts":
                return self._accounts()
            case "uploads":
                return self._upload(body)
            case "status":
                return self._status(path[1])
            case _:
                return self._publish(body, rule)

    def _accounts(self) -> web.Response:
        items = [
            {
                "id": account,
                "platform": platform,
                "fullname": "A Simulator",
                "username": "simulator",
            }
            for account, platform in self._settings.accounts.items()
        ]
        return web.json_response({"items": items})

    def _upload(self, body: dict[str, Any]) -> web.Response:
        if not isinstance(name := body.get("filename"), str) or not name:
            return refused(422, "filename must be a string")
        self._uploads += 1
        origin = f"http://{self.host}:{self.port}"
        place = f"{self._uploads}/{re.sub(r'[^A-Za-z0-9._-]', '_', name)}"
        return web.json_response(
            {
                "presignedUrl": f"{origin}/storage/{place}?signature=simulated",
                "publicUrl": f"{origin}/public/{place}",
            },
            status=201,
        )

    async def _store(self, request: web.BaseRequest, number: int) -> web.Response:
        rule = self._rules.find(lambda rule: rule.route == "storage")
        if (troubled := await trouble(rule)) is not None:
            return troubled
        if number > self._uploads or request.query.get("signature") != "simulated":
            return web.Response(status=403)
        size_bytes = 0
        async for chunk, _ in request.content.iter_chunks():
            size_bytes += len(chunk)
        self.world.record(
            BLOTATO,
            "upload",
            "",
            request.path,
            number,
            size_bytes=size_bytes,
            media_type=request.headers.get("Content-Type", ""),
            with_key=int("blotato-api-key" in request.headers),
        )
        return web.Response()

    def _publish(self, body: dict[str, Any], rule: BlotatoRule | None) -> web.Response:
        if (why := invalid(body, self._settings.accounts)) is not None:
            return refused(422, why)
        post = body["post"]
        account, content = post["accountId"], post["content"]
        # Whatever the post says it is for, it appears where the account is.
        platform = self._settings.accounts[account]
        self._posts += 1
        submission_id = f"submission-{self._posts}"
        url = URLS[platform].format(1000 + self._posts)
        scheduled = body.get("scheduledTime")
        at = datetime.fromisoformat(scheduled).timestamp() if scheduled else 0.0
        self._submissions[submission_id] = Submission(url, rule, at)
        if rule is None or rule.behaviour != "fail":
            self.world.record(
                BLOTATO,
                "publish",
                account,
                content["text"],
                self._posts,
                platform=platform,
                account=account,
                media=" ".join(content["mediaUrls"]),
                target=json.dumps(post["target"]),
                url=url,
                scheduled=scheduled or "",
            )
        if rule is not None and rule.behaviour == "drop_after_effect":
            raise Dropped
        if rule is not None and rule.behaviour == "nameless":
            return web.json_response({"ok": True}, status=201)
        return web.json_response({"postSubmissionId": submission_id}, status=201)

    def _status(self, submission_id: str) -> web.Response:
        submission = self._submissions.get(submission_id)
        said: dict[str, str] = {"postSubmissionId": submission_id, "status": "in-progress"}
        if submission is None:
            return web.json_response(said)
        if self._settings.keeps_schedule and submission.scheduled_at > time.time():
            return web.json_response({**said, "status": "scheduled"})
        submission.asked += 1
        behaviour = "" if submission.rule is None else submission.rule.behaviour
        if behaviour != "stuck" and submission.asked > self._settings.in_progress_answers:
            if behaviour == "fail":
                said |= {"status": "failed", "errorMessage": "the platform refused the post"}
            else:
                said |= {"status": "published", "publicUrl": submission.url}
        return web.json_response(said)


def _platform_of(body: dict[str, Any]) -> str:
    try:
        return str(body["post"]["content"]["platform"])
    except (KeyError, TypeError):
        return ""
