"""The tasks of the remotion agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.domains.remotion.polling import check_jobs, distribute
from actp.domains.remotion.requesting import request_video, subject_for
from actp.domains.remotion.writing import write_brief

if TYPE_CHECKING:
    from actp.domains.tools import Tools

__all__ = ["brief", "check_jobs", "distribute", "pipeline", "queue", "status"]

_NOTHING = "nothing has resonated yet: three posts of one kind within 30 days are needed"


def pipeline(tools: Tools, platform: str | None = None, niche: str | None = None) -> dict[str, Any]:
    """Have a video made of what resonates best; the same one is requested once a day."""
    subject = subject_for(tools, platform, niche)
    if subject is None:
        return {"created": False, "headline": "nothing resonates yet", "note": _NOTHING}
    day = str(tools.store.call("safari_now"))[:10]
    made = request_video(tools, f"pipeline:{subject.platform}:{subject.niche}:{day}", subject)
    what = f"{subject.niche} for {subject.platform}"
    begun = "a video of" if made["created"] else "there was a video today of"
    return {**made, "headline": f"{begun} {what}: {made['status']}"}


def brief(tools: Tools, platform: str | None = None, niche: str | None = None) -> dict[str, Any]:
    """Write the brief that the pipeline would begin with, and store nothing."""
    subject = subject_for(tools, platform, niche)
    if subject is None:
        return {"brief": None, "note": _NOTHING}
    written, claude = write_brief(tools.claude, subject)
    return {"brief": written.to_json(), "claude": claude}


def queue(tools: Tools) -> dict[str, Any]:
    """Return the jobs that are not at their end."""
    rows = tools.store.call("agent_remotion_jobs", open=True, row_limit=100)
    return {"open": len(rows), "rows": rows}


def status(tools: Tools) -> dict[str, Any]:
    """Return how many jobs and posts are in which state, and the newest."""
    answer: dict[str, Any] = tools.store.call("agent_remotion_status")
    return answer
