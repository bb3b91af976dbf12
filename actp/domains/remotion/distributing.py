"""Uploads a rendered video, and enqueues its posts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from actp.clients.blotato.errors import BlotatoError
from actp.domains.remotion.brief import ContentBrief
from actp.domains.remotion.captions import descriptions, platforms_for
from actp.domains.schedule.plan import times_for
from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.clients.blotato.client import Blotato
    from actp.clients.remotion import Remotion
    from actp.domains.remotion.jobs import Job
    from actp.store import Store

__all__ = ["Distributor", "is_public"]


@dataclass(frozen=True, slots=True)
class Distributor:
    """Distributes the jobs that the run ``claim`` has taken."""

    store: Store
    remotion: Remotion
    blotato: Blotato
    accounts: Mapping[str, str]
    claim: str

    def distribute(self, job: Job, output: str) -> dict[str, Any]:
        """Return the task and its platforms; ``output`` is what Remotion said, never the row.

        Raises InvalidInput for a brief that cannot be read, RemotionError where the video is not
        to be had, BlotatoError where it cannot be uploaded.
        """
        brief = ContentBrief.from_json(job.brief)
        url = self._published_at(output)
        platforms = platforms_for(brief)
        if missing := [name for name in platforms if name not in self.accounts]:
            raise InvalidInput(
                f"Blotato has no account for {', '.join(missing)}",
                remedy="Add it to BLOTATO_ACCOUNTS.",
            )
        task: dict[str, Any] = self.store.call(
            "agent_remotion_distribute",
            claim=self.claim,
            job_id=job.id,
            output_url=url,
            platforms=list(platforms),
            descriptions=descriptions(brief),
            account_ids={name: self.accounts[name] for name in platforms},
            scheduled_times=times_for(self.store, brief.niche, platforms),
        )
        return task

    def _published_at(self, output: str) -> str:
        """Return an address of the video that the whole world can reach."""
        if is_public(output):
            return output
        if not self.blotato.is_configured:
            raise BlotatoError(
                "the video is on this machine, and without a key it cannot be uploaded",
                "misconfigured",
                remedy="Set BLOTATO_API_KEY.",
            )
        with tempfile.TemporaryDirectory(prefix="video-") as folder:
            return self.blotato.upload(self.remotion.fetch(output, Path(folder)))


def is_public(url: str) -> bool:
    """Return whether an address leads to a host on the internet, as far as its name tells."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or "." not in host:
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return not host.endswith((".local", ".localhost", ".internal", ".lan"))
