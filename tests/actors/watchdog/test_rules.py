"""What the watchdog does about what it sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actors.watchdog.rules import (
    Action,
    Alarm,
    Limits,
    Look,
    Memory,
    Sight,
    decide,
    exited,
    resume,
)
from actp.errors import ExitCode
from actp.vitals import LastExit

LIMITS = Limits()
NAME = "worker_00"
BROKEN = LastExit(ExitCode.CONFIG, "WORKERS: '0' is too small", "2026-01-01T00:00:00Z")


class Watch:
    """A watchdog over one process, whose time is a value."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.memory = Memory()
        self.limits = limits
        self.now = 1000.0

    def see(self, state: str, after: float = 1.0, **fields: Any) -> list[str]:
        look = {key: fields.pop(key) for key in ("stamp", "slept_seconds") if key in fields}
        self.now += after
        sight = Sight(NAME, state, **fields)
        self.memory, doings = decide(self.memory, Look(self.now, (sight,), **look), self.limits)
        return [doing.step if isinstance(doing, Action) else doing.kind for doing in doings]

    def until(self, wanted: str, seconds: float, state: str, **fields: Any) -> float:
        """Return after how many seconds of looking at the same it does what is wanted."""
        began = self.now
        while wanted not in self.see(state, **fields):
            assert self.now - began < seconds, f"no {wanted} within {seconds} s"
        return self.now - began


def test_a_process_that_works_is_left_alone() -> None:
    watch = Watch()
    for age in (0.0, 5.0, 19.9):
        assert watch.see("RUNNING", pid=7, beat_age_seconds=age, rss_bytes=2**20) == []
    assert watch.see("RUNNING", pid=7) == []
    assert watch.see("STOPPED") == []


def test_a_fatal_process_is_told_and_started_again_later_and_later() -> None:
    watch = Watch()
    waits = []
    for _ in range(9):
        assert watch.see("FATAL") == ["process_fatal"]
        waits.append(watch.until("start", 700, "FATAL"))
        watch.see("STARTING", pid=7)
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(LIMITS.rearm_floor_seconds, abs=1)
    assert waits[-1] == pytest.approx(LIMITS.rearm_cap_seconds, abs=1)


def test_after_a_calm_time_it_is_started_again_as_soon_as_at_first() -> None:
    watch = Watch()
    for _ in range(3):
        watch.see("FATAL")
        watch.until("start", 700, "FATAL")
    watch.see("RUNNING", after=LIMITS.calm_seconds, pid=7)
    assert watch.see("FATAL") == ["process_fatal"]
    assert watch.until("start", 10, "FATAL") == pytest.approx(LIMITS.rearm_floor_seconds, abs=1)


def test_a_storm_of_restarts_is_told_and_held_down_for_a_while() -> None:
    watch = Watch()
    for number in range(LIMITS.storm_exits + 1):
        assert watch.see("RUNNING", after=20, pid=number + 1) == []
        watch.memory = exited(watch.memory, NAME, watch.now)
    assert watch.see("RUNNING", pid=9) == ["restart_storm", "stop"]
    assert watch.memory.held == (NAME,)
    assert watch.see("STOPPING", pid=9) == []
    watch.until("start", 10, "STOPPED")
    assert not list(watch.memory.held)


def test_few_restarts_or_slow_ones_are_no_storm() -> None:
    watch = Watch()
    for number in range(20):
        assert watch.see("RUNNING", after=61, pid=number + 1) == []
        watch.memory = exited(watch.memory, NAME, watch.now)


@pytest.mark.parametrize("state", ["BACKOFF", "FATAL", "STARTING"])
def test_a_misconfigured_process_is_told_once_and_not_started_again(state: str) -> None:
    watch = Watch()
    stop = [] if state == "FATAL" else ["stop"]
    assert watch.see(state, last_exit=BROKEN, stamp="1") == ["process_misconfigured", *stop]
    for _ in range(2000):
        assert watch.see("STOPPED", last_exit=BROKEN, stamp="1") == []


def test_it_is_started_again_when_the_settings_change() -> None:
    watch = Watch()
    watch.see("FATAL", last_exit=BROKEN, stamp="1")
    assert watch.see("FATAL", last_exit=BROKEN, stamp="2") == ["start"]
    assert watch.see("STARTING", pid=7, last_exit=BROKEN, stamp="2") == []
    again = replace(BROKEN, at="2026-01-01T00:00:09Z")
    assert watch.see("BACKOFF", last_exit=again, stamp="2") == ["process_misconfigured", "stop"]
    assert watch.see("STOPPED", last_exit=again, stamp="2") == []


def test_a_person_may_start_a_misconfigured_process() -> None:
    watch = Watch()
    watch.see("FATAL", last_exit=BROKEN, stamp="1")
    assert watch.see("STARTING", pid=7, last_exit=BROKEN, stamp="1") == []
    assert watch.see("RUNNING", pid=7, stamp="1") == []
    assert watch.see("EXITED", stamp="1") == ["start"]


def test_only_a_process_that_exited_on_its_own_is_restarted() -> None:
    watch = Watch()
    assert watch.see("EXITED") == ["start"]
    assert watch.see("STOPPED") == []


def test_hung_process_is_dumped_and_killed_within_45_seconds() -> None:
    watch = Watch()
    done: dict[str, float] = {}
    age = 0.0
    while "kill" not in done:
        age += 1.0
        assert age < 45
        for step in watch.see("RUNNING", pid=7, beat_age_seconds=age):
            done[step] = age
    assert list(done) == ["process_stuck", "dump", "terminate", "kill"]
    assert done["dump"] > LIMITS.stale_seconds
    assert done["kill"] <= 40


def test_one_that_moves_again_before_it_is_told_to_end_is_left_alone() -> None:
    watch = Watch()
    assert watch.see("RUNNING", pid=7, beat_age_seconds=21) == ["process_stuck", "dump"]
    assert watch.see("RUNNING", pid=7, beat_age_seconds=0.1) == []
    for _ in range(60):
        assert watch.see("RUNNING", pid=7, beat_age_seconds=0.1) == []


def test_its_successor_is_not_punished() -> None:
    watch = Watch()
    watch.see("RUNNING", pid=7, beat_age_seconds=21)
    watch.until("terminate", 10, "RUNNING", pid=7, beat_age_seconds=22)
    for _ in range(60):
        assert watch.see("RUNNING", pid=8, beat_age_seconds=0.1) == []


def test_a_wake_from_sleep_gives_everybody_a_minute() -> None:
    watch = Watch()
    assert watch.see("RUNNING", pid=7, beat_age_seconds=30, slept_seconds=3600) == []
    assert watch.see("RUNNING", after=9, pid=7, beat_age_seconds=39) == []
    seconds = watch.until("dump", 90, "RUNNING", pid=7, beat_age_seconds=40)
    assert seconds == pytest.approx(LIMITS.quiet_after_wake_seconds - 9, abs=2)


def test_watchdog_does_not_judge_right_after_its_own_stall() -> None:
    watch = Watch()
    watch.see("RUNNING", pid=7, beat_age_seconds=1)
    assert watch.see("RUNNING", after=30, pid=7, beat_age_seconds=31) == []


def test_process_over_its_memory_stops_before_it_is_killed() -> None:
    watch = Watch()
    much = LIMITS.memory_bytes + 1
    assert watch.see("RUNNING", pid=7, rss_bytes=much) == ["recycle"]
    seconds = watch.until("kill", 60, "RUNNING", pid=7, rss_bytes=much)
    assert seconds == pytest.approx(LIMITS.drain_seconds, abs=1)


def test_it_acts_only_so_often_an_hour_then_only_tells() -> None:
    watch = Watch(Limits(actions_an_hour=3))
    for _ in range(3):
        assert watch.see("EXITED") == ["start"]
    assert watch.see("EXITED") == ["watchdog_spent"]
    assert watch.see("EXITED", after=3601) == ["start"]


def test_kill_under_way_completes_when_the_budget_is_spent() -> None:
    watch = Watch(Limits(actions_an_hour=1))
    watch.see("RUNNING", pid=7, beat_age_seconds=21)
    watch.until("terminate", 5, "RUNNING", pid=7, beat_age_seconds=22)
    watch.until("kill", 20, "RUNNING", pid=7, beat_age_seconds=22)


def test_a_successor_of_the_watchdog_starts_what_was_held() -> None:
    memory, doings = decide(
        resume((NAME,), 10.0),
        Look(11.0, (Sight(NAME, "STOPPED"), Sight("other", "STOPPED"))),
        LIMITS,
    )
    assert [(doing.name, doing.step) for doing in doings if isinstance(doing, Action)] == [
        (NAME, "start")
    ]
    assert memory.held == ()


def test_an_alarm_names_the_reason_that_the_process_gave() -> None:
    said = LastExit(ExitCode.TEMPORARY, "every service is owned by another process", "")
    _, doings = decide(Memory(), Look(1.0, (Sight(NAME, "FATAL", last_exit=said),)), LIMITS)
    assert doings == (Alarm("process_fatal", NAME, said.reason),)
