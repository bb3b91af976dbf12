"""Asks services for what they read off a page, one at a time, with the host's turn at Safari."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import httpx

from actp.errors import NotFound, SafariBusy, ServiceError, ServiceRefused, ServiceUnavailable
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.identity import identity_problem
from actp.safari.requests import bearer_headers
from actp.sanitize import excerpt, storable_text
from actp.safari.turns import TURN_HELD, TurnTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actp.safari.catalogue import Service
    from actp.settings import Settings

__all__ = ["Visits"]

# As long as every other service may take for one action each.
TURN_WAIT_SECONDS: Final = 900.0
LOOK_AGAIN_SECONDS: Final = 0.05
CONNECT_TIMEOUT_SECONDS: Final = 3.0
WRITE_TIMEOUT_SECONDS: Final = 5.0
IDENTITY_TIMEOUT_SECONDS: Final = 5.0
MAX_REPLY_BYTES: Final = 32 * 1024 * 1024
MAX_SAID_CHARS: Final = 200

_SERVICES: Final = {service.name: service for service in HTTP_SERVICES}
_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Visits:
    """Requests of one caller, in one thread; ``holder`` names it in the host's table of turns.

    Where a worker holds the turn for the process that this is in, none is taken.
    """

    def __init__(
        self, settings: Settings, *, holder: str, turn_wait_seconds: float = TURN_WAIT_SECONDS
    ) -> None:
        self._settings = settings
        self._holder = holder
        self._turn_wait_seconds = turn_wait_seconds
        self._turns = TurnTable(settings.actp_lock_dir, settings.safari_turns)
        self._has_turn = os.environ.get(TURN_HELD) == "1"
        self._known: set[str] = set()
        is_remote = any(settings.service_url(name).startswith("https:") for name in _SERVICES)
        # Loading the certificates of the world takes longer than most visits.
        self._client = httpx.Client(trust_env=False, verify=is_remote, follow_redirects=False)

    def get(
        self,
        service: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        timeout_seconds: float,
        turn: bool = True,
    ) -> Any:
        """Return the JSON of a GET; ``turn=False`` for routes that leave the page alone.

        Raises ServiceUnavailable (no answer), ServiceRefused (any status but 2xx; it holds
        ``status`` and ``said``) or SafariBusy; all are a ServiceError.
        """
        request = self._client.build_request("GET", self._url(service, path), params=params)
        return self._visit(_SERVICES[service], request, timeout_seconds, needs_turn=turn)

    def post(
        self,
        service: str,
        path: str,
        *,
        body: Mapping[str, Any],
        timeout_seconds: float,
        turn: bool = True,
    ) -> Any:
        """Return the JSON of a POST; raises as ``get``."""
        request = self._client.build_request("POST", self._url(service, path), json=dict(body))
        return self._visit(_SERVICES[service], request, timeout_seconds, needs_turn=turn)

    @contextmanager
    def turn(self, busy_seconds: float) -> Iterator[None]:
        """Keep the turn for all requests within; raises SafariBusy.

        After an error that leaves Safari busy, or that is none of a service, the turn stays taken
        until ``busy_seconds`` after its begin, also if this process ends.
        """
        if self._has_turn:
            yield
            return
        busy_until = self._take(busy_seconds)
        self._has_turn = True
        free_from: float | None = busy_until
        try:
            yield
            free_from = None
        except ServiceError as error:
            free_from = busy_until if error.may_be_busy else None
            raise
        finally:
            self._has_turn = False
            self._turns.release(self._holder, free_from)

    def close(self) -> None:
        """Give connections and the place in the table back."""
        self._client.close()
        self._turns.close()

    def _take(self, busy_seconds: float) -> float:
        deadline = time.monotonic() + self._turn_wait_seconds
        while not self._turns.try_take(self._holder, (until := time.time() + busy_seconds)):
            if time.monotonic() > deadline:
                self._turns.unwant(self._holder)
                raise SafariBusy(
                    "Safari",
                    f"Safari was in use by others for {self._turn_wait_seconds:g} s.",
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        return until

    def _visit(
        self, service: Service, request: httpx.Request, timeout_seconds: float, *, needs_turn: bool
    ) -> Any:
        request.headers.update(bearer_headers(self._settings.service_token(service.name)))
        self._identify(service)
        busy_seconds = max(timeout_seconds, service.busy_seconds)
        with self.turn(busy_seconds) if needs_turn else nullcontext():
            return self._exchange(service, request, timeout_seconds, may_drive=needs_turn)

    def _identify(self, service: Service) -> None:
        """Make sure, once, that nobody else's program is visited."""
        if service.name in self._known:
            return
        request = self._client.build_request("GET", self._url(service.name, service.health_path))
        said = self._exchange(service, request, IDENTITY_TIMEOUT_SECONDS, may_drive=False)
        if problem := identity_problem(service, said if isinstance(said, dict) else {}):
            raise ServiceUnavailable(
                service.name, f"{problem}.", remedy=f"Correct {service.url_setting}."
            )
        self._known.add(service.name)

    def _exchange(
        self, service: Service, request: httpx.Request, timeout_seconds: float, *, may_drive: bool
    ) -> Any:
        timeout = httpx.Timeout(
            timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS, write=WRITE_TIMEOUT_SECONDS
        )
        request.extensions["timeout"] = timeout.as_dict()
        try:
            status, body = self._read(request, timeout_seconds)
        except httpx.HTTPError as error:
            self._known.discard(service.name)  # whoever listens next may be another
            raise ServiceUnavailable(
                service.name,
                f"{service.name} gave no answer ({type(error).__name__}).",
                may_be_busy=may_drive and not isinstance(error, _NEVER_CONNECTED),
            ) from None
        said = _json(body)
        if httpx.codes.is_success(status) and said is not None:
            return said
        if status == httpx.codes.GATEWAY_TIMEOUT:
            raise ServiceUnavailable(
                service.name, f"{service.name} did not end in time.", may_be_busy=may_drive
            )
        reason = said.get("error") if isinstance(said, dict) else None
        words = storable_text(str(reason or excerpt(body)), MAX_SAID_CHARS)
        raise ServiceRefused(
            service.name, f"{service.name}: HTTP {status}: {words}", status=status, said=said
        )

    def _read(self, request: httpx.Request, timeout_seconds: float) -> tuple[int, bytes]:
        deadline = time.monotonic() + timeout_seconds
        answer = self._client.send(request, stream=True)
        try:
            body = bytearray()
            # A read timeout counts from byte to byte; the deadline holds for all of them.
            for chunk in answer.iter_bytes():
                body += chunk
                if time.monotonic() > deadline or len(body) > MAX_REPLY_BYTES:
                    raise httpx.ReadTimeout("the answer did not end")
            return answer.status_code, bytes(body)
        finally:
            answer.close()

    def _url(self, service: str, path: str) -> str:
        if service not in _SERVICES:
            raise NotFound(f"There is no service {service!r}; known are {', '.join(_SERVICES)}.")
        return f"{self._settings.service_url(service)}{path}"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
