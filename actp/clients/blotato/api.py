"""One request to Blotato, and how its response or timeout is interpreted."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

import httpx

from actp.clients.blotato.errors import BlotatoError
from actp.clients.wire import (
    FRESH_CONNECTIONS,
    NEVER_CONNECTED,
    PLAIN,
    bounded,
    described,
    failure,
    json_object,
    retry_after,
)
from actp.settings.values import is_loopback
from actp.tls import certificates

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Api", "unknown"]

ASK_TIMEOUT_SECONDS: Final = 20.0
PUBLISH_TIMEOUT_SECONDS: Final = 60.0
UPLOAD_TIMEOUT_SECONDS: Final = 300.0
# For a refusal of one request too many that names no time.
TOO_MANY_WAIT_SECONDS: Final = 60.0
KEY_HEADER: Final = "blotato-api-key"

_URL_REMEDY: Final = (
    "Check BLOTATO_API_URL and the network; the API is at https://backend.blotato.com/v2."
)
_KEY_REMEDY: Final = (
    "Set BLOTATO_API_KEY in .env to a key from my.blotato.com, including its trailing =."
)
_NOT_THE_API: Final = frozenset({404, 405})


class Api:
    """Asks with the key in a header; every failure is a BlotatoError that does not hold it."""

    def __init__(self, url: str, key: SecretStr | None) -> None:
        self._url = url
        self._key = key
        # A proxy of the network is used for Blotato, but never for this machine.
        trust_env = not is_loopback(url)
        self._client = httpx.Client(
            limits=FRESH_CONNECTIONS,
            headers=PLAIN,
            event_hooks={"response": [bounded]},
            trust_env=trust_env,
            verify=certificates(trust_env=trust_env),
        )

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        publishes: bool = False,
    ) -> dict[str, Any]:
        """Return the answer's object; without a clear one a request that publishes is unknown."""
        if self._key is None:
            raise BlotatoError("BLOTATO_API_KEY is not set", "misconfigured", remedy=_KEY_REMEDY)
        try:
            answer = self._client.request(
                method,
                self._url + path,
                json=body,
                headers={KEY_HEADER: self._key.get_secret_value()},
                timeout=PUBLISH_TIMEOUT_SECONDS if publishes else ASK_TIMEOUT_SECONDS,
            )
        except NEVER_CONNECTED as error:
            why = f"{self._url} cannot be reached: {failure(error, self._key)}"
            raise BlotatoError(why, "not_sent", remedy=_URL_REMEDY) from None
        except httpx.HTTPError as error:
            why = failure(error, self._key)
            raise (unknown(why) if publishes else BlotatoError(why, "not_sent")) from None
        if answer.is_success and (said := json_object(answer)):
            return said
        raise self._error(answer, publishes=publishes)

    def put(self, url: str, content: IO[bytes], media_type: str) -> None:
        """Upload a file to an address that Blotato named, which is the permission to do so."""
        try:
            answer = self._client.put(
                url,
                content=content,
                headers={"Content-Type": media_type},
                timeout=UPLOAD_TIMEOUT_SECONDS,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"the upload failed: {type(error).__name__}"  # its text may hold the address
            raise BlotatoError(why, "not_sent") from None
        if not answer.is_success:
            raise BlotatoError(f"the upload failed: HTTP {answer.status_code}", "not_sent")

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _error(self, answer: httpx.Response, *, publishes: bool) -> BlotatoError:
        why = described(answer, self._key)
        status = answer.status_code
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return BlotatoError(why, "misconfigured", remedy=_KEY_REMEDY)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            wait_seconds = retry_after(answer) or TOO_MANY_WAIT_SECONDS
            return BlotatoError(why, "later", wait_seconds=wait_seconds)
        is_page = answer.is_success and not publishes
        if status in _NOT_THE_API or answer.is_redirect or is_page:
            why = f"{self._url} is not Blotato's API ({why})"
            return BlotatoError(why, "misconfigured", remedy=_URL_REMEDY)
        if answer.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
            return BlotatoError(why, "rejected")
        return unknown(why) if publishes else BlotatoError(why, "not_sent")


def unknown(why: str) -> BlotatoError:
    """Return the error of a post that may or may not be out."""
    return BlotatoError(
        f"the outcome of the post is unknown: {why}",
        "unknown",
        remedy="Check the account and my.blotato.com before you post it again.",
    )
