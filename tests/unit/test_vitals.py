"""The signs of life that a program leaves for the watchdog."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from actp.errors import ExitCode
from actp.vitals import LastExit, Vitals

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def vitals(tmp_path: Path) -> Vitals:
    return Vitals(tmp_path, "worker_00")


def test_a_beat_is_as_old_as_it_is(vitals: Vitals) -> None:
    vitals.beat()
    age_seconds = vitals.beat_age_seconds(os.getpid())
    assert age_seconds is not None
    assert -0.01 <= age_seconds < 5


def test_a_beat_of_another_process_is_none(vitals: Vitals) -> None:
    assert vitals.beat_age_seconds(os.getpid()) is None
    vitals.beat()
    assert vitals.beat_age_seconds(os.getpid() + 1) is None


@pytest.mark.parametrize("text", ["", "garbage", "1 2 3", "1 soon"])
def test_a_spoilt_beat_is_none(vitals: Vitals, tmp_path: Path, text: str) -> None:
    (tmp_path / "worker_00.beat").write_text(text)
    assert vitals.beat_age_seconds(1) is None


@pytest.mark.parametrize(
    ("code", "is_misconfiguration"),
    [
        (ExitCode.CONFIG, True),
        (ExitCode.SCHEMA, True),
        (ExitCode.DENIED, True),
        (ExitCode.WRONG_STATE, True),
        (ExitCode.TEMPORARY, False),
        (ExitCode.SOFTWARE, False),
        (ExitCode.UNAVAILABLE, False),
    ],
)
def test_why_it_ended_is_kept_until_it_begins_again(
    vitals: Vitals, code: ExitCode, *, is_misconfiguration: bool
) -> None:
    vitals.ended(code, "a reason")
    said = vitals.last_exit()
    assert isinstance(said, LastExit)
    assert (said.code, said.reason, said.is_misconfiguration) == (
        code,
        "a reason",
        is_misconfiguration,
    )
    vitals.begin()
    assert vitals.last_exit() is None
    assert vitals.beat_age_seconds(os.getpid()) is not None


@pytest.mark.parametrize("text", ["", "[]", "null", '{"code": "x"}'])
def test_a_spoilt_reason_is_none(vitals: Vitals, tmp_path: Path, text: str) -> None:
    (tmp_path / "worker_00.exit.json").write_text(text)
    assert vitals.last_exit() is None


def test_a_folder_that_cannot_be_written_does_not_end_the_work(tmp_path: Path) -> None:
    vitals = Vitals(tmp_path / "gone", "worker_00")
    vitals.begin()
    vitals.ended(1, "a reason")
    assert vitals.last_exit() is None


def test_outside_the_tree_nothing_is_written(tmp_path: Path) -> None:
    vitals = Vitals.of_this_process({"ACTP_RUN": str(tmp_path)})
    vitals.begin()
    vitals.ended(1, "a reason")
    assert list(tmp_path.iterdir()) == []
    inside = Vitals.of_this_process({"ACTP_RUN": str(tmp_path), "SUPERVISOR_PROCESS_NAME": "x"})
    inside.begin()
    assert [path.name for path in tmp_path.iterdir()] == ["x.beat"]
