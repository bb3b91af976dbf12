from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from actp.marks import DAY_SECONDS, KEPT_DAYS, SentMarks, known_event, remember_event

if TYPE_CHECKING:
    from pathlib import Path


def test_an_attempt_is_begun_once_whatever_a_database_says(tmp_path: Path) -> None:
    marks = SentMarks(tmp_path, "a")
    assert marks.begin("x", 1)
    assert not marks.begin("x", 1)
    assert marks.begin("x", 2)
    assert marks.forgotten() == ("x",)
    marks.close()


def test_a_forgotten_command_stays_until_it_is_reported(tmp_path: Path) -> None:
    marks = SentMarks(tmp_path, "a")
    for id_ in ("x", "y"):
        marks.begin(id_, 1)
        marks.begin(id_, 1)
    marks.reported("x")
    assert marks.forgotten() == ("y",)
    assert marks.forgotten() == ("y",)
    marks.close()


def test_the_next_process_knows_what_the_last_one_sent(tmp_path: Path) -> None:
    first = SentMarks(tmp_path, "a")
    first.begin("x", 3)
    first.close()
    (tmp_path / "torn.sent").write_bytes(b"y 2\nz\xff\nw 99999999999999999999\nv")
    second = SentMarks(tmp_path, "b")
    assert not second.begin("x", 3)
    assert not second.begin("y", 1)
    assert second.begin("v", 1)
    second.close()


def test_marks_are_kept_for_a_week(tmp_path: Path) -> None:
    first = SentMarks(tmp_path, "a")
    first.begin("x", 1)
    first.close()
    old = time.time() - (KEPT_DAYS + 1) * DAY_SECONDS
    os.utime(tmp_path / "a.sent", (old, old))
    second = SentMarks(tmp_path, "b")
    assert second.begin("x", 1)
    assert not (tmp_path / "a.sent").exists()
    second.close()


def test_a_disk_without_room_keeps_nothing_from_being_sent(tmp_path: Path) -> None:
    marks = SentMarks(tmp_path, "a")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, marks._file)  # noqa: SLF001 - the only way to a full disk without one
    os.close(full)
    assert marks.begin("x", 1)
    assert not marks.begin("x", 1)
    marks.close()


def test_an_unreadable_mark_knows_nothing(tmp_path: Path) -> None:
    remember_event(tmp_path, "d", 7)
    assert known_event(tmp_path) == {"database": "d", "event": 7}
    (tmp_path / "database.json").write_bytes(b"\xff{")
    assert known_event(tmp_path) == {"database": None, "event": 0}
