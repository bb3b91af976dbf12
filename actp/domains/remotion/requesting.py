"""Requests videos: a subject, its brief, a job that exists once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from actp.clients.blotato.posts import MAX_LENGTHS
from actp.domains.remotion.choosing import DEFAULT_PLATFORM, Subject, best
from actp.domains.remotion.polling import check_jobs
from actp.domains.remotion.writing import write_brief
from actp.domains.taxonomy import NICHES
from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actp.domains.tools import Tools

__all__ = ["check_names", "request_video", "subject_for"]


def subject_for(tools: Tools, platform: str | None, niche: str | None) -> Subject | None:
    """Return what resonates best there; a niche that was named is taken even without figures.

    Raises InvalidInput for a platform or niche that is unknown.
    """
    check_names(platform, niche)
    rows = tools.store.call("agent_remotion_candidates", platform=platform, niche=niche)
    row = best(rows)
    if row is not None:
        return Subject.of(row["niche"], row["platform"], row)
    return None if niche is None else Subject(niche, platform or DEFAULT_PLATFORM)


def check_names(platform: str | None, niche: str | None) -> None:
    """Do nothing for names that are known, or None; raises InvalidInput with the nearest ones."""
    _check("platform", platform, MAX_LENGTHS)
    _check("niche", niche, NICHES)


def request_video(tools: Tools, key: str, subject: Subject) -> dict[str, Any]:
    """Request a video once a key, and have it begun: {created, job, status, claude}."""
    known = tools.store.call("agent_remotion_requested", key=key)
    if known is not None:
        return _told(known, created=False, claude=None)
    brief, claude = write_brief(tools.claude, subject)
    made = tools.store.call(
        "agent_remotion_request",
        key=key,
        niche=subject.niche,
        platform=subject.platform,
        brief=brief.to_json(),
    )
    if made["created"]:
        check_jobs(tools, made["job"]["id"])
    job = tools.store.call("agent_remotion_requested", key=key)
    return _told(job, created=made["created"], claude=claude)


def _told(job: dict[str, Any], *, created: bool, claude: str | None) -> dict[str, Any]:
    return {
        "created": created,
        "job_id": job["id"],
        "status": job["status"],
        "error": job["error"],
        "claude": claude,
        "brief": job["brief"],
    }


def _check(kind: str, given: str | None, known: Iterable[str]) -> None:
    if given is None or given in known:
        return
    nearest = get_close_matches(given, list(known), n=1)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    raise InvalidInput(f"no such {kind}: {given!r}", remedy=f"{hint}Known are {', '.join(known)}.")
