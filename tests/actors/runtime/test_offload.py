from __future__ import annotations

import threading
from functools import partial
from queue import SimpleQueue

from actors.runtime.offload import Offload

DEADLINE_SECONDS = 30.0


def test_jobs_are_done_one_after_the_other_off_the_callers_thread() -> None:
    offload = Offload("test-offload")
    done: SimpleQueue[tuple[int, str]] = SimpleQueue()

    def note(number: int) -> None:
        done.put((number, threading.current_thread().name))

    for number in range(3):
        offload.run(partial(note, number))
    offload.close()
    assert [done.get(timeout=DEADLINE_SECONDS) for _ in range(3)] == [
        (number, "test-offload") for number in range(3)
    ]


def test_closing_waits_for_no_job_and_ends_the_thread_after_the_last() -> None:
    offload = Offload("test-offload-to-close")
    go, ran = threading.Event(), threading.Event()
    offload.run(lambda: ran.set() if go.wait(DEADLINE_SECONDS) else None)
    (thread,) = [each for each in threading.enumerate() if each.name == "test-offload-to-close"]
    offload.close()
    assert thread.is_alive()
    assert thread.daemon, "a job that hangs must not keep the process"
    go.set()
    thread.join(DEADLINE_SECONDS)
    assert ran.is_set()
    assert not thread.is_alive()
