"""One reading of the database for all open pages, and the stream that carries it to them."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from actp.errors import ActpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from actp.store import Listener, Store

__all__ = ["Live", "Snapshot"]

# The pulse is a few index entries; without NOTIFY each one is a request over HTTP.
PULSE_SECONDS: Final = 0.15
PULSE_OVER_HTTP_SECONDS: Final = 1.0
# NOTIFY may come a thousand times a second.
REST_SECONDS: Final = 0.03
# Times, gates and health change without an event.
FULL_EVERY_SECONDS: Final = 3.0
# However fast things happen, people read no faster.
FULL_AT_MOST_EVERY_SECONDS: Final = 0.25
AWAY_SECONDS: Final = 1.0
KEEP_ALIVE_SECONDS: Final = 15.0
# A reading under way ends with its own deadline; the console does not wait that long to stop.
CLOSE_SECONDS: Final = 2.0
QUEUE_LENGTH: Final = 4
MISSED: Final = "event: actp:missed\ndata: much\n\n"
HERE: Final = "event: actp:here\ndata:\n\n"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the database said last; ``away`` says why it does not answer now."""

    data: dict[str, Any] | None = None
    read_at: datetime | None = None
    away: str | None = None
    away_since: datetime | None = None


class Live:
    """Reads while somebody looks, once whatever the number of tabs.

    ``render`` makes the message for all tabs from a snapshot, ``tell`` one from new events;
    ``here`` adds what this host alone knows.
    """

    def __init__(
        self,
        store: Store,
        render: Callable[[Snapshot], str],
        tell: Callable[[list[dict[str, Any]]], str],
        here: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._store = store
        self._render = render
        self._tell = tell
        self._here = here
        self._tabs: set[asyncio.Queue[str]] = set()
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None
        self._snapshot = Snapshot()
        self._last_message = ""
        self._last_event: int | None = None
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self.readings = 0

    @property
    def snapshot(self) -> Snapshot:
        """Return what was read last."""
        return self._snapshot

    @property
    def tabs(self) -> int:
        """Return how many tabs are open."""
        return len(self._tabs)

    @property
    def is_alive(self) -> bool:
        """Return whether the reading goes on."""
        return self._thread.is_alive()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read whenever a tab is open."""
        self._loop = loop
        self._thread.start()

    def hang_up(self) -> None:
        """End every stream: a server that stops waits for them. The pages connect again."""
        self._closed.set()
        self._wanted.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake_tabs)

    def _wake_tabs(self) -> None:
        with self._lock:
            for tab in self._tabs:
                if tab.empty():
                    tab.put_nowait("")

    def close(self) -> None:
        """Read no more; returns once the reader has ended, or after CLOSE_SECONDS."""
        self._closed.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def read(self) -> Snapshot:
        """Return a snapshot as of now; a database that is away leaves the one before."""
        try:
            data: dict[str, Any] = {**self._store.call("safari_console"), **self._here()}
        except ActpError as error:
            self._went_away(error)
        else:
            self.readings += 1
            self._snapshot = Snapshot(data, datetime.now(UTC))
        return self._snapshot

    async def stream(self, version: str = "", last_seen: str = "") -> AsyncIterator[str]:
        """Yield what one tab is sent, as server-sent events, until it is closed.

        ``last_seen`` is the id of the last event that the tab was told of.
        """
        tab: asyncio.Queue[str] = asyncio.Queue(QUEUE_LENGTH)
        with self._lock:
            self._tabs.add(tab)
        self._wanted.set()
        try:
            # Before the first reading no id is sent: the tab keeps the one that it has.
            last = self._last_event
            known = "" if last is None else f"id: {last}\n"
            yield f"retry: 1000\n{known}event: actp:version\ndata: {version}\n\n"
            if last_seen and last_seen != str(last):
                yield MISSED
            if self._last_message:
                yield self._last_message
            while not self._closed.is_set():
                try:
                    yield await asyncio.wait_for(tab.get(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    yield HERE
        finally:
            with self._lock:
                self._tabs.discard(tab)
                if not self._tabs and not self._closed.is_set():
                    self._wanted.clear()

    def _run(self) -> None:
        # The thread that opens the listener closes it: another one could come just before it opens.
        try:
            self._read_on()
        finally:
            if self._listener is not None:
                self._listener.close()

    def _read_on(self) -> None:
        pulse: Any = None
        full_at = float("-inf")
        while not self._closed.is_set():
            if not self._wanted.wait(1.0) or self._closed.is_set():
                continue
            try:
                now_pulse = self._store.call("safari_pulse")
            except ActpError as error:
                self._went_away(error)
                self._send(self._render(self._snapshot))
                self._closed.wait(AWAY_SECONDS)
                continue
            since = monotonic() - full_at
            has_changed = now_pulse != pulse and since >= FULL_AT_MOST_EVERY_SECONDS
            if has_changed or since >= FULL_EVERY_SECONDS or self._snapshot.away:
                snapshot = self.read()
                news = ""
                if snapshot.away is None and snapshot.data is not None:
                    pulse, full_at = now_pulse, monotonic()
                    news = self._news(snapshot.data["feed"])
                self._send(self._render(snapshot), news)
            self._wait()

    def _news(self, feed: list[dict[str, Any]]) -> str:
        last = self._last_event
        self._last_event = max((event["id"] for event in feed), default=0)
        told = f"id: {self._last_event}\n"
        if last is None:  # who came before the first reading needs an id to come back with
            return told + HERE
        events = [event for event in feed if event["id"] > last]
        if not events:
            return ""
        is_whole = len(events) < len(feed) or not last
        told += self._tell(events)
        return told if is_whole else told + MISSED  # more happened than the feed holds

    def _went_away(self, error: ActpError) -> None:
        before = self._snapshot
        if before.away is None:
            _log.warning("cannot read the database: %s", error, extra={"action": "reading_failed"})
        since = before.away_since or datetime.now(UTC)
        self._snapshot = Snapshot(before.data, before.read_at, str(error), since)

    def _wait(self) -> None:
        if self._listener is None:
            self._listener = self._store.listener()
        if self._listener is None:
            self._closed.wait(PULSE_OVER_HTTP_SECONDS)
        else:
            self._listener.wait(PULSE_SECONDS)
            self._closed.wait(REST_SECONDS)

    def _send(self, state: str, news: str = "") -> None:
        if (state == self._last_message and not news) or self._loop is None:
            return
        if self._closed.is_set():  # the loop may have ended meanwhile
            return
        # A tab that opens later is sent the state, but no news of before.
        self._last_message, message = state, state + news
        with self._lock:
            tabs = list(self._tabs)

        def hand_over() -> None:
            for tab in tabs:
                if tab.full():  # a tab that does not read gets the newest state, and no news
                    tab.get_nowait()
                    tab.put_nowait(state + MISSED)
                else:
                    tab.put_nowait(message)

        self._loop.call_soon_threadsafe(hand_over)
