"""Polls render jobs, starts new ones, and distributes finished videos."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from actp.clients.blotato.errors import BlotatoError
from actp.clients.remotion import Remotion, RemotionError, RenderJob
from actp.domains.remotion.brief import ContentBrief
from actp.domains.remotion.distributing import Distributor
from actp.domains.remotion.jobs import Change, Job, after_answer, after_trouble, requeued
from actp.errors import InvalidInput, StoreUnavailable, WrongState
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.domains.tools import Tools

__all__ = ["check_jobs", "distribute"]

JOBS_AT_ONCE: Final = 100
# Longer than a run of this many jobs may take, uploads included.
CLAIM_SECONDS: Final = 1800.0
MAX_ERROR_LENGTH: Final = 500

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """One round over jobs that nobody else works on meanwhile."""

    tools: Tools
    remotion: Remotion
    claim: str
    trouble: RemotionError | None = None
    upload_trouble: BlotatoError | None = None

    def checked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Take the job of a row as far as it goes; one that cannot be worked on fails, alone."""
        try:
            return self.advance(Job.read(row))
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  what one job is made of keeps no other waiting
            _log.exception("a job is set aside", extra={"action": "render_set_aside"})
            why = f"it cannot be worked on: {error}"
            job = Job(row["id"], row["status"], {}, row["render_job_id"])
            return self._store(job, Change("failed", job.render_job_id, 0, error=why))

    def advance(self, job: Job) -> dict[str, Any]:
        """Take a job as far as it goes now, and return what happened to it."""
        change = self._looked_at(job)
        if change.status != "complete":
            return self._store(job, change)
        self._store(job, change, release=False)
        return self._distributed(job, change)

    def _looked_at(self, job: Job) -> Change:
        if self.trouble is not None:
            return after_trouble(job, self.trouble)
        try:
            if job.render_job_id is not None:
                return after_answer(job, self.remotion.job(job.render_job_id))
            brief = ContentBrief.from_json(job.brief).to_json()
            return Change("rendering", self.remotion.render(brief, job.id), job.retry_count)
        except RemotionError as error:
            if error.reason in {"offline", "misconfigured"}:
                self.trouble = error  # nor will it answer for the next one
            return after_trouble(job, error)
        except InvalidInput as error:
            return Change("failed", job.render_job_id, job.retry_count, error=str(error))

    def _distributed(self, job: Job, change: Change) -> dict[str, Any]:
        tools = self.tools
        accounts = tools.settings.blotato_accounts
        sender = Distributor(tools.store, self.remotion, tools.blotato, accounts, self.claim)
        try:
            task = sender.distribute(job, change.output_url or "")
        except RemotionError as error:
            if error.reason == "refused":
                return self._store(job, requeued(job, str(error)))
            return self._store(job, replace(change, error=str(error)))
        except BlotatoError as error:
            if error.verdict == "rejected":
                return self._store(job, replace(change, status="failed", error=str(error)))
            self.upload_trouble = error
            return self._store(job, replace(change, error=f"{error}. {error.remedy}".strip()))
        except InvalidInput as error:
            return self._store(job, replace(change, status="failed", error=str(error)))
        return _row(job, "distributing", platforms=task["platforms"], task_id=task["task_id"])

    def _store(self, job: Job, change: Change, *, release: bool = True) -> dict[str, Any]:
        error = change.error and storable_text(change.error, MAX_ERROR_LENGTH)
        self.tools.store.call(
            "agent_remotion_change",
            claim=self.claim,
            job_id=job.id,
            release=release,
            **asdict(replace(change, error=error)),
        )
        return _row(job, change.status, error=error, retry_count=change.retry_count)


def check_jobs(tools: Tools, job_id: str | None = None) -> dict[str, Any]:
    """Bring every job as far as it goes now, or only one; what Remotion cannot do now waits."""
    claim = str(uuid4())
    jobs = tools.store.call(
        "agent_remotion_due",
        claim=claim,
        row_limit=JOBS_AT_ONCE,
        seconds=CLAIM_SECONDS,
        job_id=job_id,
    )
    with closing(Remotion(tools.settings)) as remotion:
        run = _Run(tools, remotion, claim)
        rows = [run.checked(job) for job in jobs]
    found = Counter(row["status"] for row in rows)
    troubles = (run.trouble, run.upload_trouble)
    is_set_up = tools.settings.is_remotion_set_up
    wrong = [
        f"{str(trouble).rstrip('.')}. {trouble.remedy}".strip()
        for trouble in troubles
        if trouble and _is_for_a_person(trouble, is_set_up=is_set_up)
    ]
    return {
        "ok": not wrong,
        "checked": len(rows),
        **{name: found[name] for name in ("rendering", "distributing", "failed")},
        "waiting": found["pending"] + found["queued"] + found["complete"],
        "remotion": "ok" if run.trouble is None else run.trouble.reason,
        "headline": _headline(found, run.trouble),
        "rows": rows,
        **({"error": "; ".join(wrong)} if wrong else {}),
    }


def distribute(tools: Tools, value: str) -> dict[str, Any]:
    """Distribute one job now, also one whose posts failed: to the platforms where it is not.

    Raises NotFound, and WrongState where there is no video or its posts are under way.
    """
    try:
        UUID(value)
    except ValueError:
        raise InvalidInput(
            f"{value[:80]!r} is no job id",
            remedy="remotion_content_producer.py --status lists the jobs.",
        ) from None
    claim = str(uuid4())
    job = Job.read(
        tools.store.call("agent_remotion_take", claim=claim, job_id=value, seconds=CLAIM_SECONDS)
    )
    accounts = tools.settings.blotato_accounts
    with closing(Remotion(tools.settings)) as remotion:
        sender = Distributor(tools.store, remotion, tools.blotato, accounts, claim)
        try:
            task = sender.distribute(job, _output_of(job, remotion))
        finally:
            tools.store.call("agent_remotion_release", claim=claim, job_id=job.id)
    return {"job_id": job.id, **task}


def _output_of(job: Job, remotion: Remotion) -> str:
    """Return where Remotion itself says the video is; what the row says of it is not asked."""
    render = RenderJob("lost") if job.render_job_id is None else remotion.job(job.render_job_id)
    if render.output is None:
        raise WrongState(
            f"Remotion has no video for job {job.id}: its render is {render.status}",
            remedy="remotion_content_producer.py --pipeline has another one made.",
        )
    return render.output


def _row(job: Job, status: str, **more: Any) -> dict[str, Any]:
    told = {name: job.brief.get(name) for name in ("niche", "platform", "hook")}
    return {"id": job.id, "before": job.status, "status": status, **told, **more}


def _is_for_a_person(trouble: RemotionError | BlotatoError, *, is_set_up: bool) -> bool:
    """Return whether jobs wait for something that does not come automatically."""
    if isinstance(trouble, RemotionError):
        return is_set_up and trouble.reason in {"misconfigured", "offline"}
    return trouble.verdict == "misconfigured"


def _headline(found: Counter[str], trouble: RemotionError | None) -> str:
    words = {"distributing": "sent out", "rendering": "rendering", "failed": "failed"}
    parts = [f"{found[status]} {word}" for status, word in words.items() if found[status]]
    if waiting := found["pending"] + found["queued"] + found["complete"]:
        why = "" if trouble is None else f" (Remotion: {trouble.reason})"
        parts.append(f"{waiting} waiting{why}")
    return ", ".join(parts) or "no renders"
