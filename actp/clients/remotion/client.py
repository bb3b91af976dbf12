"""The requests that Remotion answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from actp.clients.remotion.errors import RemotionError
from actp.clients.remotion.origin import Origin, is_web_address, suffix_of
from actp.clients.remotion.styles import STYLES, RenderJob, read_job
from actp.clients.wire import (
    FRESH_CONNECTIONS,
    NEVER_CONNECTED,
    PLAIN,
    WHOLE_FILE,
    bounded,
    described,
    failure,
    json_object,
    retry_after,
)
from actp.clock import steady_seconds
from actp.sanitize import storable_text
from actp.settings.values import is_loopback
from actp.tls import certificates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.clients.remotion.styles import Style
    from actp.settings import Settings

__all__ = ["Remotion"]

ASK_TIMEOUT_SECONDS: Final = 15.0
FETCH_TIMEOUT_SECONDS: Final = 600.0
# Ten minutes at 13 Mbit/s; no platform takes a larger short video.
MAX_VIDEO_BYTES: Final = 1_000_000_000
KEY_HEADER: Final = "x-api-key"
MAX_NAME_LENGTH: Final = 60

# It becomes the name of a file, and a word of a command line.
_JOB_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# It becomes a part of a path.
_RENDER_JOB_ID: Final = re.compile(r"[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,199}")
_OTHER_PROGRAM: Final = "Set REMOTION_URL to where Remotion listens, and give each its own port."


class Remotion:
    """The service at REMOTION_URL; every failure is a RemotionError."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.remotion_url
        self._key = settings.remotion_api_key
        self._origin = Origin(settings.remotion_url, settings.remotion_home)
        self._style = STYLES[settings.remotion_api_style]
        trust_env = not is_loopback(self._url)
        self._client = httpx.Client(
            base_url=self._url,
            timeout=ASK_TIMEOUT_SECONDS,
            limits=FRESH_CONNECTIONS,
            headers=PLAIN,
            event_hooks={"response": [bounded]},
            trust_env=trust_env,
            verify=certificates(trust_env=trust_env),
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
        if not _RENDER_JOB_ID.fullmatch(render_job_id):
            return RenderJob("lost")
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

    def fetch(self, output: str, folder: Path, most_bytes: int = MAX_VIDEO_BYTES) -> Path:
        """Return the video of a complete job as a file on this machine.

        One behind a URL is brought into the folder; for one that is a file here it stays unused.
        """
        output = self._located(output)
        if is_web_address(output):
            return self._downloaded(output, folder / f"video{suffix_of(output)}", most_bytes)
        _check_size(output, Path(output).stat().st_size, most_bytes)
        return Path(output)

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _downloaded(self, url: str, path: Path, most_bytes: int) -> Path:
        late_at, size = steady_seconds() + FETCH_TIMEOUT_SECONDS, 0
        try:
            with (
                self._client.stream("GET", url, extensions=WHOLE_FILE) as answer,
                path.open("wb") as file,
            ):
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    _check_size(url, size, most_bytes)
                    if steady_seconds() > late_at:
                        raise RemotionError(f"the video at {url} comes too slowly", "later")
                    file.write(chunk)
        except (httpx.HTTPError, OSError) as error:
            why = f"the video at {url} did not come: {failure(error, self._key)}"
            raise RemotionError(why, "later") from None
        return path

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        answer = self._request(method, path, body)
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise RemotionError(
                f"Remotion rejected the key:  {described(answer, self._key)}",
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
            why = f"Remotion is not responding:  {failure(error, self._key)}"
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
        if self._style.output_is_url or is_web_address(output):
            return self._origin.url_of(output)
        return str(self._origin.file_of(output))


def _check_size(output: str, size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise RemotionError(f"the video at {output} is larger than {most_bytes:,} bytes", "refused")
