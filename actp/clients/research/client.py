"""Starts research jobs, waits for them, and returns their findings."""

from __future__ import annotations

import re
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from actp.clients.research.findings import Findings, read_findings
from actp.errors import InvalidInput, ServiceRefused, ServiceUnavailable
from actp.safari.catalogue import RESEARCH_PLATFORMS
from actp.safari.texts import clean_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.safari.client import SafariClient
    from actp.settings import Settings

__all__ = ["MarketResearch"]

SERVICE: Final = "market-research"
REQUEST_TIMEOUT_SECONDS: Final = 30.0
# A job scrolls for minutes; one that takes longer than this hangs.
JOB_TIMEOUT_SECONDS: Final = 900.0
MAX_STARTS: Final = 2
# How long polls may go unanswered: the service may be restarting.
MAX_SILENCE_SECONDS: Final = 30.0
_PLAIN_ID = re.compile(r"[\w-]+")


class MarketResearch:
    """One research at a time; each keeps the turn at Safari until its job has ended."""

    def __init__(
        self,
        settings: Settings,
        safari: SafariClient,
        *,
        job_timeout_seconds: float = JOB_TIMEOUT_SECONDS,
    ) -> None:
        self._poll_seconds = settings.research_poll_seconds
        self._safari = safari
        self._job_timeout_seconds = job_timeout_seconds

    def niches(
        self,
        platform: str,
        niches: Sequence[str],
        *,
        creators_per_niche: int,
        posts_per_niche: int,
    ) -> list[Findings]:
        """Return the findings of each niche in order; raises ServiceError or InvalidInput."""
        if platform not in RESEARCH_PLATFORMS:
            known = ", ".join(RESEARCH_PLATFORMS)
            raise InvalidInput(f"no research on {platform!r}", remedy=f"Known here: {known}.")
        config = {"creatorsPerNiche": creators_per_niche, "postsPerNiche": posts_per_niche}
        wanted = [clean_query(niche) for niche in niches]
        return [self._research(platform, niche, config) for niche in wanted]

    def _research(self, platform: str, niche: str, config: Mapping[str, int]) -> Findings:
        with self._safari.turn(self._job_timeout_seconds, f"{SERVICE} on {platform}: {niche}"):
            for _ in range(MAX_STARTS):
                job_id = self._start(platform, {"niche": niche, "config": dict(config)})
                job = self._ended(job_id)
                if job is None:
                    continue
                if job.get("status") != "completed":
                    raise _failed(niche, job)
                data = self._results(platform, job)
                if data is not None:
                    found = read_findings(platform, niche, data)
                    return _cut(found, config["creatorsPerNiche"], config["postsPerNiche"])
        raise ServiceUnavailable(SERVICE, f"{SERVICE} lost the research of {niche} twice.")

    def _start(self, platform: str, body: Mapping[str, Any]) -> str:
        """Start a job, after the one that may be running, and return its id."""
        path = f"/api/research/{platform}/niche"
        deadline = time.monotonic() + self._job_timeout_seconds
        while True:
            try:
                started = self._safari.post(
                    SERVICE, path, body=body, timeout_seconds=REQUEST_TIMEOUT_SECONDS
                )
            except ServiceRefused as error:
                if error.status != 409 or time.monotonic() > deadline:
                    raise
                if running := _job_id(_object(error.said).get("currentJob"), "id"):
                    self._ended(running)
                else:
                    time.sleep(self._poll_seconds)
                continue
            if job_id := _job_id(started, "jobId"):
                return job_id
            raise ServiceUnavailable(SERVICE, f"{SERVICE} started a job but did not say which.")

    def _ended(self, job_id: str) -> Mapping[str, Any] | None:
        """Wait until a job has ended and return it; None if the service has forgotten it."""
        now = time.monotonic()
        deadline, heard = now + self._job_timeout_seconds, now
        while now < min(deadline, heard + MAX_SILENCE_SECONDS):
            time.sleep(self._poll_seconds)
            try:
                job = _object(self._ask(f"/api/research/status/{job_id}"))
            except ServiceRefused as error:
                if error.status == 404:
                    return None
                job = {}
            except ServiceUnavailable:
                job = {}
            if job.get("status") in {"completed", "failed"}:
                return job
            now = time.monotonic()
            heard = now if job else heard
        raise ServiceUnavailable(
            SERVICE, f"{SERVICE} did not say in time what happened to {job_id}.", may_be_busy=True
        )

    def _results(self, platform: str, job: Mapping[str, Any]) -> Any | None:
        """Return what a job found; None if the latest results are another's."""
        try:
            latest = _object(self._ask(f"/api/research/results/latest/{platform}"))
        except ServiceRefused as error:
            if error.status == 404:
                return None
            raise
        wanted, there = job.get("resultFile"), _object(latest.get("file")).get("filename")
        if isinstance(wanted, str) and isinstance(there, str):
            return latest.get("data") if _name(wanted) == _name(there) else None
        return latest.get("data")

    def _ask(self, path: str) -> Any:
        return self._safari.get(SERVICE, path, timeout_seconds=REQUEST_TIMEOUT_SECONDS, turn=False)


def _failed(niche: str, job: Mapping[str, Any]) -> ServiceRefused:
    reason = str(job.get("error") or "no reason given")[:200]
    remedy = "Look into the log of market-research."
    if "SAFARI_RESEARCH_ENABLED" in reason:
        remedy = "Start market-research with SAFARI_RESEARCH_ENABLED=true."
    message = f"{SERVICE}: the research of {niche} failed: {reason}"
    return ServiceRefused(SERVICE, message, status=200, said=job, remedy=remedy)


def _cut(found: Findings, creators: int, posts: int) -> Findings:
    return Findings(found.platform, found.niche, found.creators[:creators], found.posts[:posts])


def _object(said: Any) -> Mapping[str, Any]:
    return said if isinstance(said, dict) else {}


def _job_id(said: Any, name: str) -> str:
    # It becomes part of a path.
    value = _object(said).get(name)
    return value if isinstance(value, str) and _PLAIN_ID.fullmatch(value) else ""


def _name(path: str) -> str:
    return PurePath(path).name
