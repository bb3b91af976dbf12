"""``status --watch``: the live status with keys, until q or Ctrl-C."""

from __future__ import annotations

import os
import queue
import select
import signal
import sys
import termios
import threading
import tty
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self

from rich.console import Console
from rich.live import Live

from actp.cli.database import database
from actp.cli.watch_state import Pause, Quit, Resume, Retry, State, matching, press, with_rows
from actp.cli.watch_view import Screen, Snapshot
from actp.errors import ActpError, ExitCode
from actp.operators import act, operator_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actp.cli.watch_state import Request
    from actp.store import Store

__all__ = ["watch"]

REFRESH_SECONDS: Final = 2.0
STOP_SECONDS: Final = 1.0
COMMANDS_READ: Final = 200
EVENTS_READ: Final = 20
KEY_BYTES: Final = 64
# A lone Escape is followed by nothing; that of an arrow by its letter at once.
_SEQUENCES: Final = {b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down"}
_CONTROLS: Final = {b"\r": "enter", b"\n": "enter", b"\x7f": "backspace", b"\x08": "backspace"}


def watch(report: Callable[[Store], dict[str, Any]]) -> None:
    """Show the status until q; it follows the window, and ends with its terminal."""
    console = Console(highlight=False, emoji=False)
    with _Wakes() as wakes:
        reader = _Reader(report, wakes.wake)
        reader.start()
        try:
            with _keyboard() as keyboard:
                _loop(console, reader, wakes, keyboard)
        finally:
            reader.stop()
    if reader.is_alive():
        # It waits for a database that does not answer; its connection must not be closed meanwhile.
        sys.stdout.flush()
        os._exit(ExitCode.OK)


def _loop(console: Console, reader: _Reader, wakes: _Wakes, keyboard: int) -> None:
    state = State()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            snapshot = reader.snapshot
            rows = matching(snapshot.commands if snapshot else (), state.filter)
            state = with_rows(state, rows)
            if snapshot is not None:
                live.update(Screen(snapshot, state, rows), refresh=True)
            reader.raise_failure()
            ready, _, _ = select.select([keyboard, wakes.reading], [], [])
            if wakes.reading in ready:
                wakes.clear()
                if (notice := reader.taken_notice()) is not None:
                    state = replace(state, notice=notice)
            if keyboard not in ready:
                continue
            keys = _keys(keyboard)
            if keys is None:
                # Its signal may come later than this end of the input: end the same way.
                signal.raise_signal(signal.SIGHUP)
                return
            paused = _paused(snapshot)
            for key in keys:
                state, request = press(state, key, rows, paused)
                if isinstance(request, Quit):
                    return
                if request is not None:
                    reader.ask(request)
            reader.show(state.shown)


def _paused(snapshot: Snapshot | None) -> set[str]:
    pauses = snapshot.report["pauses"] if snapshot is not None else []
    return {pause["platform"] for pause in pauses}


def _keys(keyboard: int) -> list[str] | None:
    """Return the keys that were pressed; None once the terminal is gone."""
    try:
        given = os.read(keyboard, KEY_BYTES)
    except OSError:
        return None
    if not given:
        return None
    for sequence, name in _SEQUENCES.items():
        if given == sequence:
            return [name]
    if given.startswith(b"\x1b"):
        return ["escape"] if given == b"\x1b" else []
    letters = given.decode(errors="ignore")
    return [_CONTROLS.get(letter.encode(), letter) for letter in letters]


class _Wakes:
    """A pipe that ends the wait for a key: after a reading, and when the window changes."""

    def __enter__(self) -> Self:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        os.set_blocking(self.reading, False)
        self._before = signal.signal(signal.SIGWINCH, lambda *_: self.wake())
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGWINCH, self._before)
        writing, self._writing = self._writing, -1
        os.close(writing)
        os.close(self.reading)

    def wake(self) -> None:
        """End the wait; a full pipe has ended it already."""
        try:
            os.write(self._writing, b".")
        except OSError:
            return

    def clear(self) -> None:
        """Take out what was written."""
        os.read(self.reading, KEY_BYTES)


@contextmanager
def _keyboard() -> Iterator[int]:
    """Yield standard input, which gives each key at once and echoes none."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    try:
        yield keyboard
    finally:
        with suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


class _Reader(threading.Thread):
    """Reads the database and does what was asked, so that keys answer while it is slow."""

    def __init__(self, report: Callable[[Store], dict[str, Any]], wake: Callable[[], None]) -> None:
        super().__init__(name="watch", daemon=True)
        self.snapshot: Snapshot | None = None
        self._failure: ActpError | None = None
        self._report = report
        self._wake = wake
        self._requests: queue.Queue[Request | None] = queue.Queue()
        self._notices: queue.Queue[str] = queue.Queue()
        self._shown: str | None = None
        self._is_stopped = False

    def ask(self, request: Request) -> None:
        """Do something before the next reading."""
        self._requests.put(request)

    def show(self, id_: str | None) -> None:
        """Read the timeline of this command too."""
        if id_ != self._shown:
            self._shown = id_
            self._requests.put(None)

    def stop(self) -> None:
        """Read no more; waits a moment for a reading under way."""
        self._is_stopped = True
        self._requests.put(None)
        self.join(STOP_SECONDS)

    def raise_failure(self) -> None:
        """Raise why there has been no reading at all, if there has been none."""
        if self._failure is not None:
            raise self._failure

    def taken_notice(self) -> str | None:
        """Return what came of the last request, once."""
        try:
            return self._notices.get_nowait()
        except queue.Empty:
            return None

    def run(self) -> None:
        """Read every two seconds, and after each request."""
        while not self._is_stopped:
            try:
                with database() as store:
                    self._follow(store)
            except ActpError as error:
                self._away(error)
                self._wake()
                self._requested()

    def _follow(self, store: Store) -> None:
        while not self._is_stopped:
            self._read(store)
            self._wake()
            request = self._requested()
            if request is not None:
                self._do(store, request)

    def _requested(self) -> Request | None:
        try:
            return self._requests.get(timeout=REFRESH_SECONDS)
        except queue.Empty:
            return None

    def _away(self, error: ActpError) -> None:
        cause = str(error).partition("\n")[0]
        if self.snapshot is not None:
            self.snapshot = replace(self.snapshot, away=cause)
        else:
            self._failure = error

    def _read(self, store: Store) -> None:
        shown = self._shown
        try:
            page = store.call("safari_search", filter={}, after=None, row_limit=COMMANDS_READ)
            self.snapshot = Snapshot(
                self._report(store),
                tuple(page["rows"]),
                tuple(store.call("safari_feed", row_limit=EVENTS_READ)),
                store.call("safari_show", id=shown) if shown is not None else None,
            )
        except ActpError as error:
            self._away(error)

    def _do(self, store: Store, request: Request) -> None:
        operator = operator_here("watch")
        try:
            match request:
                case Retry(id=id_):
                    act(store, operator, "retry", id=id_)
                    said = f"{id_[:8]} waits again."
                case Pause(platform=platform):
                    act(store, operator, "pause", platform=platform, seconds=None, note=None)
                    said = f"Paused {platform}; p resumes it."
                case Resume(platform=platform):
                    act(store, operator, "resume", platform=platform)
                    said = f"Resumed {platform}."
                case Quit():
                    return
        except ActpError as error:
            said = str(error).partition("\n")[0]
        self._notices.put(said)
