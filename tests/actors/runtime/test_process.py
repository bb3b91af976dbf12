from __future__ import annotations

import signal
import threading

import pytest

from actors.runtime.process import await_end


class Ended(threading.Event):
    """Tells when somebody is about to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_awaited.set()
        return super().wait(timeout)


@pytest.mark.timeout(60)
def test_signal_is_handled_without_waking_the_main_thread() -> None:
    ended = Ended()

    def strike() -> None:
        ended.is_awaited.wait()
        # The system gives it to this thread, while Python handles it in the main thread.
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, lambda *_: ended.set())
    try:
        threading.Thread(target=strike).start()
        await_end(ended, None)
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert ended.is_set()
