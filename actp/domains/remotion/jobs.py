"""The next state of a render job, from Remotion's response or its absence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.clients.remotion import RemotionError
    from actp.clients.remotion.styles import RenderJob

__all__ = ["MOST_REQUEUES", "Change", "Job", "after_answer", "after_trouble", "requeued"]

MOST_REQUEUES: Final = 3
# A render takes minutes; one that says nothing for so long is not coming.
LONGEST_RENDER_SECONDS: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is not at its end; without a ``render_job_id`` Remotion has not begun it."""

    id: str
    status: str
    brief: Mapping[str, Any]
    render_job_id: str | None = None
    retry_count: int = 0
    rendering_seconds: float | None = None

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Job:
        """Read what the database shows of a job."""
        brief = row["brief"]
        return cls(
            id=row["id"],
            status=row["status"],
            brief=brief if isinstance(brief, dict) else {},
            render_job_id=row["render_job_id"],
            retry_count=row["retry_count"],
            rendering_seconds=row["rendering_seconds"],
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What a job is from now on."""

    status: str
    render_job_id: str | None
    retry_count: int
    output_url: str | None = None
    error: str | None = None


def after_answer(job: Job, render: RenderJob) -> Change:
    """Return the change that an answer about the job's render makes."""
    match render.status:
        case "complete":
            return Change("complete", job.render_job_id, job.retry_count, render.output)
        case "failed":
            return Change("failed", job.render_job_id, job.retry_count, error=render.error)
        case "lost":
            return requeued(job, "Remotion does not know the render any more")
    if (job.rendering_seconds or 0.0) > LONGEST_RENDER_SECONDS:
        return requeued(job, f"not rendered after {LONGEST_RENDER_SECONDS / 3600:.0f} hours")
    return Change("rendering", job.render_job_id, job.retry_count)


def after_trouble(job: Job, error: RemotionError) -> Change:
    """Return the change that an error makes: what may go well later only waits."""
    if error.reason == "refused" and job.render_job_id is None:
        return Change("failed", None, job.retry_count, error=str(error))
    if error.reason == "refused":
        return requeued(job, str(error))
    is_busy = error.reason == "later" and job.render_job_id is not None
    status = "rendering" if is_busy else "pending"
    return Change(status, job.render_job_id, job.retry_count, error=str(error))


def requeued(job: Job, why: str) -> Change:
    """Return the change that has a job rendered anew, at most three times."""
    if job.retry_count >= MOST_REQUEUES:
        return Change("failed", job.render_job_id, job.retry_count, error=why)
    return Change("queued", None, job.retry_count + 1, error=why)
