"""Buffers the watchdog's alerts on disk until the database can store them."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import closing
from random import SystemRandom
from time import time
from typing import TYPE_CHECKING, Any, Final

from actp.errors import ActpError
from actp.store import open_store
from actp.store.reconnect import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from actp.settings import Settings

__all__ = ["AlertBox"]

# The same trouble of the same process is told once in this time.
AGAIN_SECONDS: Final = 3600
MOST_KEPT: Final = 200

_log = logging.getLogger(__name__)


class AlertBox:
    """Keeps alerts in a file until the database has them, so that no exit loses one.

    The file also names the processes that the watchdog holds down, for its successor to start.
    """

    def __init__(self, settings: Settings, path: Path, *, host: str) -> None:
        self._settings = settings
        self._path = path
        self._host = host
        self._changed = threading.Condition()
        kept = _read(path)
        self._alerts: dict[str, dict[str, Any]] = dict(kept.get("alerts", {}))
        self._told: set[str] = set(self._alerts)
        self.held: tuple[str, ...] = tuple(kept.get("held", ()))
        threading.Thread(target=self._deliver, name="alerts", daemon=True).start()

    def add(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Keep an alert, unless it was told within the hour; returns at once."""
        program = detail.get("program", "")
        key = f"{kind}:{self._host}:{program}:{int(time()) // AGAIN_SECONDS}"
        with self._changed:
            if key in self._told or len(self._alerts) >= MOST_KEPT:
                return
            self._told.add(key)
            self._alerts[key] = {"kind": kind, "detail": {**detail, "host": self._host}}
            self._write()
            self._changed.notify()

    def hold(self, names: tuple[str, ...]) -> None:
        """Remember which processes are held down."""
        with self._changed:
            if names != self.held:
                self.held = names
                self._write()

    def _deliver(self) -> None:
        backoff, random, failures = Backoff(), SystemRandom(), 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._alerts))
                waiting = dict(self._alerts)
            try:
                self._send(waiting)
                failures = 0
            except ActpError as error:
                _log.warning("alerts wait: %s", error, extra={"action": "alerts_wait"})
                threading.Event().wait(backoff.delay_seconds(failures, random.random()))
                failures += 1

    def _send(self, waiting: Mapping[str, Mapping[str, Any]]) -> None:
        with closing(open_store(self._settings, application_name="actp-watchdog")) as store:
            for key, alert in waiting.items():
                store.call(
                    "safari_raise_alert", key=key, kind=alert["kind"], detail=alert["detail"]
                )
                with self._changed:
                    self._alerts.pop(key, None)
                    self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps({"alerts": self._alerts, "held": self.held}))
            draft.replace(self._path)
        except OSError as error:
            _log.warning(
                "could not write alerts to disk: %s", error, extra={"action": "alerts_not_kept"}
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
