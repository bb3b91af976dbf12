"""Pings an external monitor in the healthchecks.io protocol while the tree works."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Heartbeat"]

INTERVAL_SECONDS: Final = 60.0
TIMEOUT_SECONDS: Final = 10.0
MAX_REASON_CHARS: Final = 1000

_log = logging.getLogger(__name__)


class Heartbeat:
    """Pings an address once a minute from its own thread, ``/fail`` with a reason if not well.

    The monitor alerts when the pings stay away: so does a Mac that sleeps, or has no network.
    """

    def __init__(
        self, url: SecretStr | None, *, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._url = url
        self._interval_seconds = interval_seconds
        self._fault: str | None = "the watchdog has not checked yet"
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        if url is not None:
            self._thread.start()

    def report(self, fault: str | None) -> None:
        """Take in what is wrong now; None when everything works."""
        self._fault = fault

    def close(self) -> None:
        """Ping no more."""
        self._closed.set()

    def _run(self) -> None:
        # The first ping waits until the tree has started.
        while not self._closed.wait(self._interval_seconds):
            self._ping(self._fault)

    def _ping(self, fault: str | None) -> None:
        if self._url is None:
            return
        import httpx  # noqa: PLC0415  # where no monitor is set, the watchdog does without it

        url = self._url.get_secret_value().rstrip("/")
        try:
            answer = httpx.post(
                url if fault is None else f"{url}/fail",
                content=(fault or "")[:MAX_REASON_CHARS].encode(),
                timeout=TIMEOUT_SECONDS,
            )
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Neither the address nor what httpx says of it is logged: it is a key.
            _log.warning("no heartbeat: %s", type(error).__name__, extra={"action": "heartbeat"})
