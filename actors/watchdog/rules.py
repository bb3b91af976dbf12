"""The watchdog's rules: pure decisions; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.vitals import LastExit

__all__ = [
    "Action",
    "Alarm",
    "Limits",
    "Look",
    "Memory",
    "Record",
    "Sight",
    "decide",
    "exited",
    "resume",
]

Step = Literal["start", "stop", "dump", "terminate", "kill", "recycle"]

# What begins something; the rest goes on with it.
INTERVENTIONS: Final = frozenset({"start", "stop", "dump", "recycle"})
ALIVE: Final = frozenset({"STARTING", "RUNNING"})
DOWN: Final = frozenset({"STOPPED", "FATAL", "EXITED"})
HOUR_SECONDS: Final = 3600.0
SLEPT_SECONDS: Final = 5.0
STALLED_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is demanded of processes, and how much the watchdog may do.

    A hang is over within stale + dump + patience seconds and the look that follows each: at most
    37 s with these, and the start that follows. A process over its memory ends what is on the wire
    first and has ``drain_seconds`` for it.
    """

    stale_seconds: float = 20.0
    dump_seconds: float = 1.0
    patience_seconds: float = 12.0
    drain_seconds: float = 40.0
    memory_bytes: int = 400 * 2**20
    storm_exits: int = 5
    storm_seconds: float = 300.0
    rearm_floor_seconds: float = 5.0
    rearm_cap_seconds: float = 600.0
    calm_seconds: float = 900.0
    quiet_after_wake_seconds: float = 60.0
    actions_an_hour: int = 60


@dataclass(frozen=True, slots=True)
class Sight:
    """One process as it looks now; ``beat_age_seconds`` is None when this pid has never beaten."""

    name: str
    state: str
    pid: int = 0
    beat_age_seconds: float | None = None
    rss_bytes: int = 0
    last_exit: LastExit | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at one moment.

    ``stamp`` changes with the settings file; ``slept_seconds`` is how long the machine slept since
    the look before; without ``can_write`` nobody could have left a beat.
    """

    now: float
    sights: tuple[Sight, ...]
    stamp: str = ""
    slept_seconds: float = 0.0
    can_write: bool = True


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do to a process."""

    step: Step
    name: str
    pid: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person should hear of; ``kind`` is that of the alert."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of one process.

    ``troubles`` counts how often it was FATAL or stormed since it last ran for a calm while. It is
    held down until ``start_at``; after a ``bad_exit`` until the settings change from ``bad_stamp``
    or a person starts it. The pid ``ending`` is being ended: TERM at ``terminate_at``, KILL at
    ``kill_at``.
    """

    exits: tuple[float, ...] = ()
    troubles: int = 0
    troubled_at: float = 0.0
    start_at: float | None = None
    bad_exit: LastExit | None = None
    bad_stamp: str = ""
    ending: int = 0
    terminate_at: float | None = None
    kill_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the watchdog remembers from look to look."""

    records: Mapping[str, Record] = field(default_factory=dict)
    acted_at: tuple[float, ...] = ()
    looked_at: float | None = None
    quiet_until: float = 0.0

    @property
    def held(self) -> tuple[str, ...]:
        """Return the processes that the watchdog itself keeps down for a while."""
        return tuple(name for name, it in self.records.items() if it.start_at is not None)


Doing = Action | Alarm
_Verdict = tuple[Record, tuple[Doing, ...]]


def exited(memory: Memory, name: str, now: float) -> Memory:
    """Return the memory after a process that had been running ended unexpectedly."""
    record = memory.records.get(name, Record())
    return _with(memory, name, replace(record, exits=(*record.exits, now)))


def resume(names: tuple[str, ...], now: float) -> Memory:
    """Return the memory of a watchdog whose predecessor held these processes down."""
    return Memory({name: Record(start_at=now) for name in names})


def decide(memory: Memory, look: Look, limits: Limits) -> tuple[Memory, tuple[Doing, ...]]:
    """Return what to remember and what to do, in this order, about one look."""
    now = look.now
    gap_seconds = 0.0 if memory.looked_at is None else now - memory.looked_at
    quiet_until = memory.quiet_until
    if look.slept_seconds > SLEPT_SECONDS:
        quiet_until = now + limits.quiet_after_wake_seconds
    elif not look.can_write or gap_seconds > STALLED_SECONDS:
        quiet_until = max(quiet_until, now + limits.stale_seconds)
    acted_at = tuple(at for at in memory.acted_at if at > now - HOUR_SECONDS)
    names = {sight.name for sight in look.sights}
    memory = Memory(
        {name: record for name, record in memory.records.items() if name in names},
        acted_at=acted_at,
        looked_at=now,
        quiet_until=quiet_until,
    )
    doings: list[Doing] = []
    for sight in look.sights:
        before = memory.records.get(sight.name, Record())
        record, wanted = _judge(before, sight, look, limits, is_quiet=now < quiet_until)
        fresh = sum(isinstance(it, Action) and it.step in INTERVENTIONS for it in wanted)
        if fresh and len(memory.acted_at) >= limits.actions_an_hour:
            doings.append(Alarm("watchdog_spent", sight.name, "too many actions this hour"))
            continue
        acted_at = memory.acted_at + (now,) * fresh
        memory = replace(_with(memory, sight.name, record), acted_at=acted_at)
        doings += wanted
    return memory, tuple(doings)


def _judge(record: Record, sight: Sight, look: Look, limits: Limits, *, is_quiet: bool) -> _Verdict:
    now = look.now
    exits = tuple(at for at in record.exits if at > now - limits.storm_seconds)
    record = replace(record, exits=exits)
    said = sight.last_exit
    if said and said.is_misconfiguration and said != record.bad_exit:
        alarm = Alarm("process_misconfigured", sight.name, said.reason)
        stop = () if sight.state in DOWN else (Action("stop", sight.name, why=said.reason),)
        bad = replace(record, bad_exit=said, bad_stamp=look.stamp, start_at=None)
        return bad, (alarm, *stop)
    if record.bad_exit is not None:
        return _while_misconfigured(record, sight, look)
    if len(exits) > limits.storm_exits:
        reason = f"it ended {len(exits)} times within {limits.storm_seconds:.0f} s"
        alarm = Alarm("restart_storm", sight.name, _why(sight, reason))
        return _held(record, now, limits), (alarm, Action("stop", sight.name, why=reason))
    if sight.state in DOWN:
        return _while_down(record, sight, now, limits)
    if sight.state in ALIVE and sight.pid:
        return _while_alive(record, sight, now, limits, is_quiet=is_quiet)
    return record, ()


def _while_down(record: Record, sight: Sight, now: float, limits: Limits) -> _Verdict:
    if record.start_at is not None:
        if now < record.start_at:
            return record, ()
        start = Action("start", sight.name, why="its restart delay is over")
        return replace(record, start_at=None), (start,)
    if sight.state == "FATAL":
        reason = _why(sight, "it exits right after each start")
        return _held(record, now, limits), (Alarm("process_fatal", sight.name, reason),)
    if sight.state == "EXITED":
        # Nobody asked supervisord to stop it, or it would be STOPPED.
        return record, (Action("start", sight.name, why="it exited"),)
    return record, ()


def _while_misconfigured(record: Record, sight: Sight, look: Look) -> _Verdict:
    if sight.last_exit is None:  # a new process has begun
        return replace(record, bad_exit=None), ()
    if look.stamp == record.bad_stamp or sight.state not in DOWN:
        return record, ()
    start = Action("start", sight.name, why="the settings have changed")
    return replace(record, bad_stamp=look.stamp), (start,)


def _while_alive(
    record: Record, sight: Sight, now: float, limits: Limits, *, is_quiet: bool
) -> _Verdict:
    name, pid, age_seconds = sight.name, sight.pid, sight.beat_age_seconds
    is_stale = age_seconds is not None and age_seconds > limits.stale_seconds and not is_quiet
    is_calm = now - record.troubled_at > limits.calm_seconds
    record = replace(record, start_at=None, troubles=0 if is_calm else record.troubles)
    if record.ending == pid:
        return _while_ending(record, sight, now, limits, is_stale=is_stale)
    if is_stale:
        reason = f"no heartbeat for {age_seconds:.0f} s"
        terminate_at = now + limits.dump_seconds
        kill_at = terminate_at + limits.patience_seconds
        ending = replace(record, ending=pid, terminate_at=terminate_at, kill_at=kill_at)
        return ending, (Alarm("process_stuck", name, reason), Action("dump", name, pid, reason))
    if sight.rss_bytes > limits.memory_bytes:
        reason = f"it holds {sight.rss_bytes / 2**20:.0f} MB"
        ending = replace(record, ending=pid, terminate_at=None, kill_at=now + limits.drain_seconds)
        return ending, (Action("recycle", name, pid, reason),)
    return record, ()


def _while_ending(
    record: Record, sight: Sight, now: float, limits: Limits, *, is_stale: bool
) -> _Verdict:
    if record.terminate_at is not None:
        if not is_stale:  # it moves again
            return replace(record, ending=0, terminate_at=None), ()
        if now >= record.terminate_at:
            terminate = Action("terminate", sight.name, sight.pid)
            return replace(record, terminate_at=None), (terminate,)
    elif now >= record.kill_at:
        again_at = now + limits.patience_seconds
        return replace(record, kill_at=again_at), (Action("kill", sight.name, sight.pid),)
    return record, ()


def _held(record: Record, now: float, limits: Limits) -> Record:
    seconds = limits.rearm_floor_seconds * 2.0 ** min(record.troubles, 20)
    start_at = now + min(limits.rearm_cap_seconds, seconds)
    return replace(
        record, exits=(), troubles=record.troubles + 1, troubled_at=now, start_at=start_at
    )


def _why(sight: Sight, otherwise: str) -> str:
    return sight.last_exit.reason if sight.last_exit else otherwise


def _with(memory: Memory, name: str, record: Record) -> Memory:
    return replace(memory, records={**memory.records, name: record})
