"""Asks services for what they read off a page, one at a time, with the host's turn at Safari."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from actp.errors import NotFound, SafariBusy, ServiceError, ServiceRefused, ServiceUnavailable
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.exchange import Connection
from actp.safari.outcomes import Failure, Phase
from actp.safari.session_check import identity_problem
from actp.safari.turns import TURN_HELD, TurnTable
from actp.sanitize import excerpt, storable_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actp.safari.catalogue import Service
    from actp.settings import Settings

__all__ = ["SafariClient"]

# As long as every other service may take for one action each.
TURN_WAIT_SECONDS: Final = 900.0
IDENTITY_TIMEOUT_SECONDS: Final = 5.0
MAX_SAID_CHARS: Final = 200

_SERVICES: Final = {service.name: service for service in HTTP_SERVICES}


class _Request(NamedTuple):
    method: str
    path: str
    content: bytes


class SafariClient:
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
        self._connections: dict[str, Connection] = {}

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
        query = f"?{urlencode(params)}" if params else ""
        request = _Request("GET", f"{path}{query}", b"")
        return self._request(service, request, timeout_seconds, needs_turn=turn)

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
        request = _Request("POST", path, json.dumps(dict(body)).encode())
        return self._request(service, request, timeout_seconds, needs_turn=turn)

    @contextmanager
    def turn(self, busy_seconds: float, why: str = "") -> Iterator[None]:
        """Keep the turn for all requests within; raises SafariBusy.

        ``why`` begins with the service that is asked, if it is only one.
        After an error that leaves Safari busy, or that is none of a service, the turn stays taken
        until ``busy_seconds`` after its begin, also if this process ends.
        """
        if self._has_turn:
            yield
            return
        busy_until = self._take(busy_seconds, why)
        self._has_turn = True
        free_from: float | None = busy_until
        try:
            yield
            free_from = None
        except ServiceError as error:
            free_from = busy_until if error.may_be_busy else None
            raise
        except (KeyboardInterrupt, SystemExit):
            until = time.strftime("%H:%M:%S", time.localtime(busy_until))
            sys.stderr.write(
                f"Safari stays reserved until {until}: the service may still be typing."
                " If nothing moves in Safari, run bin/resume --safari.\n"
            )
            raise
        finally:
            self._has_turn = False
            self._turns.release(self._holder, free_from)

    def close(self) -> None:
        """Give connections and the place in the table back."""
        for connection in self._connections.values():
            connection.close()
        self._turns.close()

    def _take(self, busy_seconds: float, why: str) -> float:
        deadline = time.monotonic() + self._turn_wait_seconds
        if not self._turns.take(
            self._holder, busy_seconds, give_up=lambda: time.monotonic() > deadline, why=why
        ):
            raise SafariBusy(
                "Safari",
                f"Safari was in use by others for {self._turn_wait_seconds:g} s.",
            )
        return time.time() + busy_seconds

    def _request(
        self, name: str, request: _Request, timeout_seconds: float, *, needs_turn: bool
    ) -> Any:
        service = _service(name)
        self._identify(service)
        busy_seconds = max(timeout_seconds, service.busy_seconds)
        why = f"{name} {request.path.partition('?')[0]}"
        with self.turn(busy_seconds, why) if needs_turn else nullcontext():
            return self._exchange(service, request, timeout_seconds, may_drive=needs_turn)

    def _identify(self, service: Service) -> None:
        """Make sure, once, that no other program answers for it."""
        if service.name in self._known:
            return
        request = _Request("GET", service.health_path, b"")
        said = self._exchange(service, request, IDENTITY_TIMEOUT_SECONDS, may_drive=False)
        if problem := identity_problem(service, said if isinstance(said, dict) else {}):
            raise ServiceUnavailable(
                service.name, f"{problem}.", remedy=f"Correct {service.url_setting}."
            )
        self._known.add(service.name)

    def _exchange(
        self, service: Service, request: _Request, timeout_seconds: float, *, may_drive: bool
    ) -> Any:
        reply = self._connection(service.name).exchange(
            request.method, request.path, request.content, timeout_seconds=timeout_seconds
        )
        if isinstance(reply, Failure):
            self._known.discard(service.name)  # another program may listen there next
            raise ServiceUnavailable(
                service.name,
                f"{service.name} gave no answer ({reply.detail.partition(':')[0]}).",
                may_be_busy=may_drive and reply.phase is Phase.MAYBE_SENT,
            )
        said = _json(reply.body)
        if 200 <= reply.status < 300 and said is not None:
            return said
        if reply.status == 504:
            raise ServiceUnavailable(
                service.name, f"{service.name} did not end in time.", may_be_busy=may_drive
            )
        reason = said.get("error") if isinstance(said, dict) else None
        words = storable_text(str(reason or excerpt(reply.body)), MAX_SAID_CHARS)
        raise ServiceRefused(
            service.name,
            f"{service.name}: HTTP {reply.status}: {words}",
            status=reply.status,
            said=said,
        )

    def _connection(self, name: str) -> Connection:
        if name not in self._connections:
            url, token = self._settings.service_url(name), self._settings.service_token(name)
            self._connections[name] = Connection(url, token)
        return self._connections[name]


def _service(name: str) -> Service:
    if (service := _SERVICES.get(name)) is None:
        raise NotFound(f"There is no service {name!r}; known are {', '.join(_SERVICES)}.")
    return service


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
