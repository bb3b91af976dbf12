"""market-research: searches at once, and researches niches in jobs that may get lost."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from simulator.browser.collisions import Driver
from simulator.browser.pages import HOME_URLS
from simulator.exchange import Call, Effect, Json, Refused, Reply, Route, Sent, drives, tells
from simulator.scenario.behaviours import Behaviour
from simulator.services.acting import act
from simulator.services.findings import niche_result, posts, result_file
from simulator.services.service import Service, now_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.browser.hands import Hands
    from simulator.scenario import ServiceSettings
    from simulator.services.host import Host

__all__ = ["MarketResearch"]

PLATFORMS = ("twitter", "threads", "instagram", "facebook", "tiktok")
RECENT_JOBS = 20
NO_RESULTS = "Search returned no results or failed to load"
MINUTES_PER_NICHE = 5


class MarketResearch(Service):
    """No auth unless a token is set; jobs live in memory and die with it."""

    name = "market-research"
    platform = "google"
    http_limit_per_minute = 60
    session_needs_tab = True
    before_send_error = NO_RESULTS

    def __init__(self, host: Host, settings: ServiceSettings, port: int) -> None:
        super().__init__(host, settings, port)
        self._jobs: dict[str, Json] = {}
        self._results: dict[str, Json] = {}

    def routes(self) -> Mapping[str, Route]:
        base = "/api/research"
        return {
            f"POST {base}/{{}}/search": drives(self.search, "search"),
            f"POST {base}/{{}}/niche": drives(self.niche, "niche"),
            f"POST {base}/{{}}/full": drives(self.full, "full"),
            f"GET {base}/status/{{}}": Route(self.job, "job"),
            f"GET {base}/status": tells(self.jobs, "status"),
            f"GET {base}/results/latest/{{}}": Route(self.latest, "job"),
        }

    def health(self) -> Json:
        uptime_ms = int((time.time() - self.started_at) * 1000)
        return {
            "status": "ok",
            "service": self.name,
            "version": "1.4.0",
            "port": self.port,
            "started_at": self.started_text,
            "uptime": uptime_ms,
            "uptime_human": f"{uptime_ms // 1000}s",
            "platforms": list(PLATFORMS),
            "currentJob": self._current(),
            "jobsTotal": len(self._jobs),
        }

    async def search(self, call: Call) -> Reply:
        platform, query = call.arguments[0], call.text_of("query")
        if platform not in PLATFORMS:
            return self._invalid_platform()
        if not query:
            return Reply(400, {"error": "query is required"})
        return await act(self, call, Effect("research", platform, query))

    async def perform(self, hands: Hands, call: Call, effect: Effect) -> Sent:
        """Search in whatever tab is in front, which need not be its own."""
        front = hands.session.front()
        url = HOME_URLS.get(effect.recipient, f"https://www.{effect.recipient}.com/")
        hands.safari.navigate(front, f"{url}search?q={quote(effect.text)}")
        await hands.wait(12.0)
        if hands.misses("look") or not hands.safari.sites[front.page.site].is_logged_in:
            raise Refused(NO_RESULTS)
        self.found(call, effect)
        return Sent()

    def found(self, call: Call, effect: Effect) -> None:
        """Log a research."""
        self.host.world.record(
            self.name, "research", effect.recipient, effect.text, call.request_id
        )

    def succeeded(self, call: Call, effect: Effect, sent: Sent) -> Json:  # noqa: ARG002
        found = self._posts(effect.recipient, effect.text)
        about = {"platform": effect.recipient, "query": effect.text}
        return {"success": True, **about, "posts": found, "count": len(found)}

    def failed(self, call: Call, error: str, attempts: int = 1) -> Reply:  # noqa: ARG002
        about = {"platform": call.arguments[0], "query": call.text_of("query", "niche")}
        return Reply(200, {"success": False, "error": error, **about, "posts": [], "count": 0})

    def own_refusals(self) -> dict[Behaviour, Callable[[Call], Reply]]:
        def busy(call: Call) -> Reply:
            job = {"id": "job_busy", "platform": call.arguments[0]}
            return Reply(409, {"error": "A research job is already running", "currentJob": job})

        return {
            Behaviour.JOB_BUSY: busy,
            Behaviour.JOB_FAILS: lambda call: self._start(call, [call.text_of("niche")]),
            Behaviour.JOB_LOST: lambda call: self._start(call, [call.text_of("niche")]),
            Behaviour.NOT_FOUND: lambda call: self.failed(call, NO_RESULTS),
        }

    async def niche(self, call: Call) -> Reply:
        platform, niche = call.arguments[0], call.text_of("niche")
        if platform not in PLATFORMS:
            return self._invalid_platform()
        if not niche:
            return Reply(400, {"error": "niche is required"})
        running = [j for j in self._running_jobs() if j["platform"] == platform]
        if running:
            return self._conflict(running[0])
        refused = self.refuse(call, Behaviour.JOB_BUSY)
        if refused is not None:
            return refused
        reply = self._start(call, [niche])
        config = call.body.get("config")
        if reply.status == 200 and isinstance(config, dict) and config.get("sync") is True:
            return await self._wait(reply, platform, niche)
        return reply

    async def full(self, call: Call) -> Reply:
        platform, niches = call.arguments[0], call.body.get("niches")
        if platform not in PLATFORMS:
            return self._invalid_platform()
        if not isinstance(niches, list) or not niches:
            return Reply(400, {"error": "niches must be a non-empty array"})
        running = self._running_jobs()
        if running:
            return self._conflict(running[0])
        refused = self.refuse(call, Behaviour.JOB_BUSY)
        return refused or self._start(call, [str(niche) for niche in niches])

    async def job(self, call: Call) -> Reply:
        job = self._jobs.get(call.arguments[0])
        if job is None:
            return Reply(404, {"error": "Job not found"})
        return Reply(200, {key: value for key, value in job.items() if value is not None})

    async def jobs(self, call: Call) -> Reply:  # noqa: ARG002
        recent = list(self._jobs.values())[-RECENT_JOBS:]
        return Reply(200, {"currentJob": self._current(), "recentJobs": recent})

    async def latest(self, call: Call) -> Reply:
        result = self._results.get(call.arguments[0])
        if result is None:
            return Reply(404, {"error": "No results found"})
        return Reply(200, result)

    def no_session(self) -> Reply:
        return Reply(500, {"error": self.no_session_text()})

    def _start(self, call: Call, niches: list[str]) -> Reply:
        platform = call.arguments[0]
        rule = call.rule
        if rule is not None and rule.behaviour in (Behaviour.FAIL, Behaviour.REFUSE_BEFORE_SEND):
            error = rule.error or "Could not start research"
            return Reply(rule.status or 500, {"error": error, "platform": platform})
        job_id = f"job_{platform}_{call.request_id}"
        about: Json = {"jobId": job_id, "status": "running", "platform": platform}
        behaviour = call.rule.behaviour if call.rule is not None else Behaviour.OK
        if behaviour is not Behaviour.JOB_LOST:
            self._jobs[job_id] = {
                "id": job_id,
                "platform": platform,
                "niches": niches,
                "status": "running",
                "startedAt": now_text(),
                "progress": {"collected": 0},
            }
            blocked = platform == "twitter" and not self.settings.research_enabled
            fails = blocked or behaviour is Behaviour.JOB_FAILS
            self.later(self._research(call, job_id, niches, fails=fails, at_once=blocked))
        if call.path.endswith("/full"):
            minutes = MINUTES_PER_NICHE * len(niches)
            return Reply(200, {**about, "niches": niches, "estimatedMinutes": minutes})
        return Reply(200, {**about, "niche": niches[0]})

    async def _research(
        self, call: Call, job_id: str, niches: list[str], *, fails: bool, at_once: bool
    ) -> None:
        job, platform = self._jobs[job_id], call.arguments[0]
        started = time.monotonic()
        if not at_once:
            driver = Driver(self.name, call.request_id, platform, ", ".join(niches))
            with self.host.collisions.driven_by(driver):
                await asyncio.sleep(self.settings.job_seconds)
        job["completedAt"] = now_text()
        job["durationMs"] = int((time.monotonic() - started) * 1000)
        if fails:
            job["status"] = "failed"
            job["error"] = "SAFARI_RESEARCH_ENABLED is not true" if at_once else "Research failed"
            return
        results = [self._findings(platform, niche) for niche in niches]
        name = f"{platform}/{platform}-research-niche-{job_id}.json"
        file = {"filename": name, "platform": platform, "size": 1, "modified": now_text()}
        self._results[platform] = {"file": file, "data": result_file(results)}
        job.update(status="completed", resultFile=f"/Users/me/Documents/market-research/{name}")
        for niche in niches:
            self.limits.count()
            self.found(call, Effect("research", platform, niche))

    async def _wait(self, reply: Reply, platform: str, niche: str) -> Reply:
        started = reply.body if isinstance(reply.body, dict) else {}
        await asyncio.sleep(self.settings.job_seconds)
        about = {"jobId": started["jobId"], "durationMs": int(self.settings.job_seconds * 1000)}
        found = self._findings(platform, niche)
        # Of the other platforms it leaves the posts out, which have another name there.
        shown = {"topCreators": found["creators"], "tweets": found.get("tweets", [])}
        return Reply(200, {"success": True, "platform": platform, "niche": niche, **about, **shown})

    def _findings(self, platform: str, niche: str) -> Json:
        return niche_result(platform, niche, self.settings.posts)

    def _posts(self, platform: str, query: str) -> list[Json]:
        scripted = self.settings.posts
        return posts(platform, query) if scripted is None else [dict(p) for p in scripted]

    def _running_jobs(self) -> list[Json]:
        return [job for job in self._jobs.values() if job["status"] == "running"]

    def _current(self) -> dict[str, Any] | None:
        running = self._running_jobs()
        return {"id": running[0]["id"], "platform": running[0]["platform"]} if running else None

    @staticmethod
    def _conflict(job: Json) -> Reply:
        current = {"id": job["id"], "platform": job["platform"]}
        return Reply(409, {"error": "A research job is already running", "currentJob": current})

    @staticmethod
    def _invalid_platform() -> Reply:
        names = ", ".join(PLATFORMS)
        return Reply(400, {"error": f"Invalid platform. Must be one of: {names}"})
