"""The requests that Remotion answers."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urljoin, urlsplit

import httpx

from actp.clients.remotion.errors import RemotionError
from actp.clients.remotion.styles import STYLES, RenderJob, read_job
from actp.clients.wire import (
    FRESH_CONNECTIONS,
    NEVER_CONNECTED,
    described,
    failure,
    json_object,
    retry_after,
)
from actp.sanitize import storable_text
from actp.settings.values import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.clients.remotion.styles import Style
    from actp.settings import Settings

__all__ = ["Remotion"]

ASK_TIMEOUT_SECONDS: Final = 15.0
KEY_HEADER: Final = "x-api-key"
MAX_NAME_LENGTH: Final = 60

# It becomes the name of a file, and a word of a command line.
_JOB_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WEB_SCHEMES: Final = ("http://", "https://")
_OTHER_PROGRAM: Final = "Set REMOTION_URL to where Remotion listens, and give each its own port."


class Remotion:
    """The service at REMOTION_URL; every failure is a RemotionError."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.remotion_url
        self._key = settings.remotion_api_key
        self._home = settings.remotion_home
        self._style = STYLES[settings.remotion_api_style]
        self._client = httpx.Client(
            base_url=self._url,
            timeout=ASK_TIMEOUT_SECONDS,
            limits=FRESH_CONNECTIONS,
            trust_env=not is_loopback(self._url),
        )

    def check(self) -> None:
        """Make sure that Remotion, and no other program, answers in the configured style."""
        if not self._style.speaks(self._health(self._style)):
            raise self._stranger()

    def render(self, brief: Mapping[str, Any], job_key: str) -> str:
        """Have a brief (``ContentBrief.to_json()``) rendered and return the id of the job.

        The video is named by ``job_key``: letters, digits, ``-`` and ``_``. May be repeated, at
        the cost of a second render.
        """
        if not _JOB_KEY.fullmatch(job_key):
            raise RemotionError(f"{job_key[:80]!r} cannot be the name of a video", "refused")
        self.check()
        answer = self._ask("POST", self._style.render_path, self._style.body(brief, job_key))
        job_id = json_object(answer).get("jobId")
        if not answer.is_success or not job_id:
            raise RemotionError(
                f"the render was refused: {described(answer, self._key)}", "refused"
            )
        return str(job_id)

    def job(self, render_job_id: str) -> RenderJob:
        """Ask how far a render has come."""
        answer = self._ask("GET", f"{self._style.jobs_path}/{quote(render_job_id, safe='')}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            self.check()  # another program has no such job either
            return RenderJob("lost")
        job = read_job(json_object(answer))
        if not answer.is_success or job is None:
            raise RemotionError(f"the job is unclear: {described(answer, self._key)}", "refused")
        if job.output is None:
            return job
        return RenderJob(job.status, self._located(job.output))

    def fetch(self, output: str, folder: Path) -> Path:
        """Return the video of a complete job as a file on this machine.

        One behind a URL is brought into the folder; for one that is a file here it stays unused.
        """
        if not output.startswith(_WEB_SCHEMES):
            if not Path(output).is_file():
                raise RemotionError(f"there is no video at {output}", "refused")
            return Path(output)
        path = folder / PurePosixPath(urlsplit(output).path).name
        try:
            with self._client.stream("GET", output) as answer, path.open("wb") as file:
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    file.write(chunk)
        except httpx.HTTPError as error:
            why = f"the video at {output} did not come: {failure(error, self._key)}"
            raise RemotionError(why, "later") from None
        return path

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        answer = self._request(method, path, body)
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise RemotionError(
                f"Remotion refuses our key: {described(answer, self._key)}",
                "misconfigured",
                remedy="Set REMOTION_API_KEY to the key that the service was started with.",
            )
        return answer

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        headers = {} if self._key is None else {KEY_HEADER: self._key.get_secret_value()}
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
        except NEVER_CONNECTED as error:
            raise RemotionError(
                f"nothing answers at {self._url}: {failure(error, self._key)}",
                "offline",
                remedy="Start Remotion, or set REMOTION_URL.",
            ) from None
        except httpx.HTTPError as error:
            # While it renders, the v1 service answers nobody.
            why = f"Remotion does not answer now: {failure(error, self._key)}"
            raise RemotionError(why, "later") from None
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            why = described(answer, self._key)
            raise RemotionError(why, "later", wait_seconds=retry_after(answer))
        return answer

    def _health(self, style: Style) -> dict[str, Any]:
        return json_object(self._request("GET", style.health_path, None))

    def _stranger(self) -> RemotionError:
        """Say who answers instead."""
        named = None
        for name, style in STYLES.items():
            health = self._health(style)
            if style.speaks(health):
                return RemotionError(
                    f"Remotion at {self._url} has the API of style {name}",
                    "misconfigured",
                    remedy=f"Set REMOTION_API_STYLE={name}.",
                )
            named = named or health.get("service")
        who = storable_text(str(named), MAX_NAME_LENGTH) if named else "another program"
        return RemotionError(
            f"REMOTION_URL leads to {who}, not to Remotion", "misconfigured", remedy=_OTHER_PROGRAM
        )

    def _located(self, output: str) -> str:
        """Return a URL, or an absolute path, for what may be named from the service's folder."""
        if self._style.output_is_url:
            return urljoin(self._url, output)
        if self._home is None and not Path(output).is_absolute():
            raise RemotionError(
                f"the video is at {output!r}, which starts from the service's folder",
                "misconfigured",
                remedy="Set REMOTION_HOME to the folder that the service was started in.",
            )
        return str((self._home or Path()) / output)
