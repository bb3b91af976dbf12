from __future__ import annotations

from actors.worker.poller import Polling


def test_with_notify_looking_is_a_safety_net() -> None:
    polling = Polling(has_notify=True)
    assert polling.after(1.0, found=True) == polling.idle_seconds
    assert polling.after(1.0, found=False) == polling.idle_seconds


def test_polling_backs_off_after_a_find() -> None:
    polling = Polling(has_notify=False)
    seconds = [polling.after(30.0, found=True)]
    for _ in range(6):
        seconds.append(polling.after(seconds[-1], found=False))
    assert seconds == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
