"""The differences between the two API styles: routes, bodies, status words."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from actp.clients.remotion.service_brief import harmless, service_brief
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["STYLES", "RenderJob", "Style", "read_job"]

MAX_ERROR_LENGTH: Final = 500

Status: TypeAlias = Literal["queued", "rendering", "complete", "failed", "lost"]

_STATUSES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "pending": "queued",
        "queued": "queued",
        "processing": "rendering",
        "rendering": "rendering",
        "complete": "complete",
        "completed": "complete",
        "cancelled": "failed",
        "failed": "failed",
    }
)


@dataclass(frozen=True, slots=True)
class RenderJob:
    """How far a render has come; a ``lost`` one is known there no longer, so render it anew.

    ``output`` of a complete one is a URL, or the absolute path of a file on the service's machine.
    """

    status: Status
    output: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """One style of the API; ``health_status`` is what Remotion, and no other service, says."""

    health_path: str
    health_status: str
    render_path: str
    jobs_path: str
    body: Callable[[Mapping[str, Any], str], dict[str, Any]]
    output_is_url: bool

    def speaks(self, health: Mapping[str, Any]) -> bool:
        """Return whether an answer to ``health_path`` is that of Remotion."""
        named = str(health.get("service", "remotion")).lower()
        # The Instagram DM service says ok without a name, but shows its limits.
        is_other = "remotion" not in named or "rateLimits" in health
        return health.get("status") == self.health_status and not is_other


def read_job(said: Mapping[str, Any]) -> RenderJob | None:
    """Read how far a job is, in either style; None where the answer does not say."""
    status = _STATUSES.get(str(said.get("status")))
    result = said.get("result")
    path = result.get("videoPath") if isinstance(result, dict) else None
    output = said.get("outputUrl") or path
    if status is None:
        return None
    if status == "complete":
        if isinstance(output, str):
            return RenderJob("complete", output)
        return RenderJob("failed", error="complete, but without a video")
    if status == "failed":
        why = said.get("error") or said.get("status")
        return RenderJob("failed", error=storable_text(str(why), MAX_ERROR_LENGTH))
    return RenderJob(status)


def _default_body(brief: Mapping[str, Any], job_key: str) -> dict[str, Any]:
    return {"jobKey": job_key, "brief": harmless(brief)}


def _v1_body(brief: Mapping[str, Any], job_key: str) -> dict[str, Any]:
    return {
        "brief": service_brief(brief, job_key),
        "quality": "production",
        "outputFormat": "mp4",
    }


STYLES: Final[Mapping[str, Style]] = MappingProxyType(
    {
        "default": Style(
            "/api/health", "ok", "/api/render", "/api/jobs", _default_body, output_is_url=True
        ),
        "v1": Style(
            "/health",
            "healthy",
            "/api/v1/render/brief",
            "/api/v1/jobs",
            _v1_body,
            output_is_url=False,
        ),
    }
)
