"""Serves the pages on loopback until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from actp.clock import steady_seconds
from actp.errors import WrongState
from actp.store import open_store
from console.app import build

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import FrameType

    from actp.settings import Settings
    from actp.vitals import Vitals
    from console.live import Live

__all__ = ["HOST", "Connection", "serve"]

HOST: Final = "127.0.0.1"
BEATS_UNTIL_STALE: Final = 4
STOP_SECONDS: Final = 3
KEEP_ALIVE_SECONDS: Final = 30
MAX_CONNECTIONS: Final = 200

_log = logging.getLogger(__name__)


class Connection(H11Protocol):
    """Closes a connection on which no request comes, which would count as an open page."""

    first_request_seconds = 10.0

    def connection_made(  # type: ignore[override]  # as in uvicorn
        self, transport: asyncio.Transport
    ) -> None:
        """Wait a limited time for the first request."""
        super().connection_made(transport)
        self.loop.call_later(self.first_request_seconds, self.close_if_unused)

    def close_if_unused(self) -> None:
        """Close unless a request has come."""
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Ends the streams of open pages first, which would hold up a stop."""

    def __init__(self, live: Live, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._live = live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; called in the thread of the loop."""
        super().handle_exit(sig, frame)
        self._live.hang_up()


def serve(
    settings: Settings,
    port: int,
    *,
    idle_seconds: float = 0.0,
    started: Callable[[], None] | None = None,
    vitals: Vitals | None = None,
) -> None:
    """Serve until a signal ends it, or for ``idle_seconds`` without an open page (0: no end).

    Raises WrongState when the port is taken.
    """
    with (
        closing(_bound(port)) as listening,
        closing(open_store(settings, application_name="actp-console")) as store,
    ):
        app = build(store, settings, port)
        live: Live = app.state.site.live
        server = _Server(
            live,
            uvicorn.Config(
                app,
                http=Connection,
                access_log=False,  # an address may carry a link
                log_config=None,
                log_level=logging.WARNING,
                lifespan="on",
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
                server_header=False,
                date_header=False,
                proxy_headers=False,
            ),
        )
        ended = threading.Event()

        def watch() -> None:
            seen_at = steady_seconds()
            while not ended.wait(settings.heartbeat_stale_seconds / BEATS_UNTIL_STALE):
                if vitals is not None and live.is_alive:
                    vitals.beat()
                if live.tabs:
                    seen_at = steady_seconds()
                if idle_seconds and steady_seconds() - seen_at > idle_seconds:
                    server.should_exit = True

        threading.Thread(target=watch, name="watch", daemon=True).start()
        if started is not None:
            started()
        _log.info("serving", extra={"action": "started", "port": port})
        try:
            server.run(sockets=[listening])
        finally:
            ended.set()


def _bound(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise WrongState(
            f"port {port} is taken: {error.strerror}", remedy="Set another CONSOLE_PORT."
        ) from None
    return listening
