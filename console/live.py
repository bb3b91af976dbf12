"""One reading of the database for all open pages, and the stream that carries it to them."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
# As long as the numbers of events can be.
MAX_DIGITS: Final = 19
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


class _Position(NamedTuple):
    """The last event that a tab knows of, None for none, and whether it lost its stream."""

    last: int | None
    is_back: bool = False


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
        self._tabs: dict[asyncio.Queue[str], _Position] = {}
        self._has_joined = False
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None
        self._snapshot = Snapshot()
        self._last_message = ""
        self._feed: list[dict[str, Any]] = []
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

    def newest_event(self) -> str:
        """Return the id of the last event, for a page to name that is read after it.

        Empty while the database is away.
        """
        try:
            return str(
                max((it["id"] for it in self._store.call("safari_feed", row_limit=1)), default=0)
            )
        except ActpError:
            return ""

    async def stream(
        self, version: str = "", last_seen: str = "", *, is_back: bool = False
    ) -> AsyncIterator[str]:
        """Yield what one tab is sent, as server-sent events, until it is closed.

        ``last_seen`` is the id of the last event that the tab was told of, or that stood in the
        database before its page was read; the next reading tells it of those since. A tab that
        ``is_back`` has missed more than events.
        """
        tab: asyncio.Queue[str] = asyncio.Queue(QUEUE_LENGTH)
        with self._lock:
            self._tabs[tab] = _Position(_event_id(last_seen), is_back)
            self._has_joined = True
        self._wanted.set()
        try:
            yield f"retry: 1000\nevent: actp:version\ndata: {version}\n\n"
            if self._last_message:
                yield self._last_message
            while not self._closed.is_set():
                try:
                    yield await asyncio.wait_for(tab.get(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    yield HERE
        finally:
            with self._lock:
                self._tabs.pop(tab, None)
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
            is_wanted = now_pulse != pulse or self._has_joined
            has_changed = is_wanted and since >= FULL_AT_MOST_EVERY_SECONDS
            if has_changed or since >= FULL_EVERY_SECONDS or self._snapshot.away:
                with self._lock:
                    self._has_joined = False
                snapshot = self.read()
                if snapshot.away is None and snapshot.data is not None:
                    pulse, full_at = now_pulse, monotonic()
                    self._send(self._render(snapshot), snapshot.data["feed"])
                else:
                    self._send(self._render(snapshot))
            self._wait()

    def _news(self, feed: list[dict[str, Any]], position: _Position) -> str:
        """Return what a tab is told of the events after its own last one."""
        last, newest = position.last, _newest(feed)
        if last is None:  # it needs an id to come back with
            return f"id: {newest}\n{HERE}"
        events = [event for event in feed if event["id"] > last]
        if last == _newest(self._feed):
            # An event that was committed late has a lower id than one that was read before it.
            known = {event["id"] for event in self._feed}
            oldest = min(known, default=0)
            events = [it for it in feed if it["id"] > oldest and it["id"] not in known]
        if not events:
            return "" if newest == last else f"id: {newest}\n{HERE}"
        told = f"id: {newest}\n{self._tell(events)}"
        is_whole = len(events) < len(feed) or not last  # else more happened than the feed holds
        return told if is_whole and not position.is_back else told + MISSED

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

    def _send(self, state: str, feed: list[dict[str, Any]] | None = None) -> None:
        if self._loop is None or self._closed.is_set():  # the loop may have ended meanwhile
            return
        is_new = state != self._last_message
        # A tab that opens later is sent the state, and the news since its own last event.
        self._last_message = state
        with self._lock:
            tabs = dict(self._tabs)
            if feed is not None:
                position = _Position(_newest(feed))
                self._tabs.update((tab, position) for tab in tabs)
        told: dict[_Position, str] = {}
        if feed is not None:
            told = {each: self._news(feed, each) for each in {*tabs.values()}}
            self._feed = feed
        changed = state if is_new else ""
        messages = {tab: changed + told.get(each, "") for tab, each in tabs.items()}

        def hand_over() -> None:
            for tab, message in messages.items():
                if not message:
                    continue
                if tab.full():  # a tab that does not read gets the newest state, and no news
                    tab.get_nowait()
                    tab.put_nowait(state + MISSED)
                else:
                    tab.put_nowait(message)

        self._loop.call_soon_threadsafe(hand_over)


def _newest(feed: list[dict[str, Any]]) -> int:
    return max((event["id"] for event in feed), default=0)


def _event_id(given: str) -> int | None:
    """Return the event that a tab names; what is no number of PostgreSQL names none."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < MAX_DIGITS else None
