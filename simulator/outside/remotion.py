"""A Remotion service in both styles of its API; its jobs live in memory."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import REMOTION
from simulator.exchange import Dropped
from simulator.outside.counted import CountedRules
from simulator.outside.neighbour import Neighbour
from simulator.outside.trouble import refused, trouble

if TYPE_CHECKING:
    from simulator.scenario import Scenario
    from simulator.scenario.publishing import RemotionRule

__all__ = ["Remotion"]

VIDEO = b"\x00\x00\x00\x18ftypmp42 as good as a video"
QUEUED_PART = 0.5
_ROUTES = (
    ("GET", re.compile(r"/api/health"), "default", "health"),
    ("POST", re.compile(r"/api/render"), "default", "render"),
    ("GET", re.compile(r"/api/jobs/([^/]+)"), "default", "job"),
    ("GET", re.compile(r"/health"), "v1", "health"),
    ("POST", re.compile(r"/api/v1/render/brief"), "v1", "render"),
    ("GET", re.compile(r"/api/v1/jobs/([^/]+)"), "v1", "job"),
)
_OUTPUT = re.compile(r"/(output/[\w-]+\.mp4)")
_FILE_NAME = re.compile(r"[\w-]+", re.ASCII)
_WORDS = {
    "default": {"queued": "queued", "rendering": "rendering", "complete": "complete"},
    "v1": {"queued": "pending", "rendering": "processing", "complete": "completed"},
}


@dataclass(frozen=True, slots=True)
class Job:
    """A render: the file it makes, and what is wrong with it."""

    began: float
    file: str
    error: str | None
    rule: RemotionRule | None


class Remotion(Neighbour):
    """Renders nothing, but says so as the real service does; logs each render."""

    name = REMOTION
    _renders = 0

    def play(self, scenario: Scenario) -> None:
        self._settings = scenario.remotion
        self._rules = CountedRules(scenario.remotion.rules)
        self._jobs: dict[str, Job] = getattr(self, "_jobs", {})

    def take_down(self) -> None:
        super().take_down()
        self._jobs = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._settings.health is not None:
            return self._answer_as_another(request.path)
        if _OUTPUT.fullmatch(request.path):
            return web.Response(body=VIDEO, content_type="video/mp4")
        for method, pattern, style, route in _ROUTES:
            path = pattern.fullmatch(request.path)
            if (
                path is None
                or method != request.method
                or self._settings.style not in ("both", style)
            ):
                continue
            if route != "health" and not self._is_let_in(request):
                return refused(401, "Unauthorized")
            return await self._route(style, route, path, await request.text())
        return refused(404 if self._is_let_in(request) else 401, "Not found")

    def _answer_as_another(self, path: str) -> web.Response:
        if path == "/health":
            return web.json_response(self._settings.health)
        return web.Response(status=404, text=f"Cannot GET {path}")

    def _is_let_in(self, request: web.BaseRequest) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._settings.key in (None, given or request.headers.get("X-API-Key"))

    async def _route(self, style: str, route: str, path: re.Match[str], text: str) -> web.Response:
        rule = self._rules.find(lambda rule: rule.route == route and rule.text in text)
        if (troubled := await trouble(rule)) is not None:
            return troubled
        match route:
            case "health":
                status = "ok" if style == "default" else "healthy"
                return web.json_response({"status": status, "uptime": 1.0})
            case "job":
                return self._job(style, path[1], rule)
            case _:
                return self._render(style, json.loads(text) if text else {}, rule)

    def _render(self, style: str, body: dict[str, Any], rule: RemotionRule | None) -> web.Response:
        brief = body.get("brief")
        if not isinstance(brief, dict):
            return refused(400, "Missing required field: brief")
        key = str(brief.get("id") if style == "v1" else body.get("jobKey"))
        self._renders += 1
        job_id = f"job-{self._renders}"
        file = f"output/{key}.mp4"
        error = _command_error(key, brief)
        began = asyncio.get_running_loop().time()
        self._jobs[job_id] = Job(began, file, error, rule)
        title = str(brief.get("title" if style == "v1" else "hook"))
        self.world.record(
            REMOTION, "render", key, title, self._renders, style=style, brief=json.dumps(brief)
        )
        if error is None and self._settings.home is not None:
            video = Path(self._settings.home) / file
            video.parent.mkdir(exist_ok=True)
            video.write_bytes(VIDEO)
        if rule is not None and rule.behaviour == "drop_after_effect":
            raise Dropped
        return web.json_response({"jobId": job_id, "status": "queued"}, status=202)

    def _job(self, style: str, job_id: str, rule: RemotionRule | None) -> web.Response:
        job = self._jobs.get(job_id)
        if job is None:
            return refused(404, "Job not found")
        decider = rule or job.rule
        behaviour = "" if decider is None else decider.behaviour
        if behaviour == "lose":
            return refused(404, "Job not found")
        error = "Command failed: npx remotion render" if behaviour == "fail" else job.error
        if error is not None:
            return web.json_response({"id": job_id, "status": "failed", "error": error})
        state = self._state_of(job, stuck=behaviour == "stuck")
        result = self._result(style, job) if state == "complete" else {}
        return web.json_response({"id": job_id, "status": _WORDS[style][state], **result})

    def _state_of(self, job: Job, *, stuck: bool) -> str:
        passed = asyncio.get_running_loop().time() - job.began
        if passed < self._settings.job_seconds * QUEUED_PART:
            return "queued"
        return "rendering" if stuck or passed < self._settings.job_seconds else "complete"

    def _result(self, style: str, job: Job) -> dict[str, Any]:
        if style == "default":
            return {"outputUrl": f"http://{self.host}:{self.port}/{job.file}"}
        return {"result": {"videoPath": job.file, "fileSize": len(VIDEO), "format": "mp4"}}


def _command_error(key: str, brief: dict[str, Any]) -> str | None:
    """Return what a shell says where the service puts these into its command line."""
    if not _FILE_NAME.fullmatch(key):
        return "Command failed: sh: bad file name"
    if "'" in json.dumps(brief):
        return "Command failed: sh: unexpected end of the single quotes"
    return None
