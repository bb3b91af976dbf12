"""The one comparison at the end of every test: what recipients saw against what we recorded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.chaos.lives import faults_of_life
from tests.chaos.records import read_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg

    from tests.chaos.records import Records, Row

__all__ = ["Allowances", "Tally", "audit", "faults"]

SENDS = frozenset({"dm", "comment", "tweet"})
MISHAPS = frozenset({"repeat", "collision"})
MAY_HAVE_GONE = frozenset({"sent", "unknown"})


@dataclass(frozen=True, slots=True)
class Allowances:
    """What a test provokes on purpose.

    ``mishaps`` are kinds of world lines that may appear; ``edited``: statuses were changed by hand;
    ``settled_by_hand``: a person said of unknown outcomes what they were.
    """

    mishaps: frozenset[str] = frozenset()
    edited: bool = False
    settled_by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run came to."""

    commands: int
    effects: int
    completed: int
    unknown: int
    failed: int
    waiting: int
    retried: int
    twice: int
    unrecorded: int


def audit(
    world: Sequence[Mapping[str, Any]],
    connection: psycopg.Connection,
    allowed: Allowances | None = None,
) -> Tally:
    """Fail with every discrepancy at once, or count what there was."""
    records = read_records(connection)
    found = list(faults(world, records, allowed or Allowances()))
    assert not found, f"{len(found)} discrepancies:\n" + "\n".join(found[:40])
    return tally(world, records)


def faults(
    world: Sequence[Mapping[str, Any]], records: Records, allowed: Allowances
) -> Iterator[str]:
    """Yield every discrepancy."""
    seen = _seen(world)
    for line in world:
        if line["kind"] in MISHAPS - allowed.mishaps:
            yield f"the world saw a {line['kind']}: {dict(line)}"
    yield from _unrecorded(seen, records)
    for row in records.rows.values():
        yield from (f"{_named(row)}: {fault}" for fault in _faults_of_row(row, seen, records))
        events = records.events.get(row["id"], [])
        yield from (
            f"{_named(row)}: {fault}; {[event['event'] for event in events]}"
            for fault in faults_of_life(row, events, edited=allowed.edited)
        )
    yield from _faults_of_attempts(records)
    yield from _faults_of_quotas(records)
    if not allowed.settled_by_hand:
        yield from _faults_of_alerts(records)


def tally(world: Sequence[Mapping[str, Any]], records: Records) -> Tally:
    """Count."""
    seen = _seen(world)
    rows = list(records.rows.values())
    status = Counter(row["status"] for row in rows)
    unknown = sum(row["reason"] == "unknown" for row in rows)
    once = [row for row in rows if row["effect"] == "once"]
    return Tally(
        commands=len(rows),
        effects=sum(len(lines) for lines in seen.values()),
        completed=status["completed"],
        unknown=unknown,
        failed=status["failed"] - unknown,
        waiting=status["pending"],
        retried=sum(row["attempt"] > 1 for row in rows),
        twice=sum(len(seen.get(row["text"], [])) > 1 for row in once),
        unrecorded=sum(1 for _ in _unrecorded(seen, records)),
    )


def _seen(world: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Mapping[str, Any]]]:
    lines: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in world:
        if line["kind"] in SENDS:
            lines[line["text"]].append(line)
    return lines


def _unrecorded(seen: Mapping[str, list[Mapping[str, Any]]], records: Records) -> Iterator[str]:
    by_text = {row["text"]: row for row in records.rows.values()}
    for text, lines in seen.items():
        row = by_text.get(text)
        if row is None:
            yield f"{text!r} was sent, and no row knows of it"
        elif row["service"] != lines[0]["service"]:
            yield f"{_named(row)}: was sent by {lines[0]['service']}"
        elif row["status"] != "completed" and row["reason"] != "unknown":
            yield f"{_named(row)}: was sent, yet is {row['status']} ({row['reason']})"


def _faults_of_row(
    row: Row, seen: Mapping[str, list[Mapping[str, Any]]], records: Records
) -> Iterator[str]:
    effects = len(seen.get(row["text"], []))
    if row["effect"] == "once":
        if effects > 1:
            yield f"was sent {effects} times"
        if row["status"] == "completed" and effects == 0:
            yield "is completed, and nobody saw anything"
        attempts = records.attempts.get(row["id"], [])
        if sum(each["outcome"] in MAY_HAVE_GONE for each in attempts) > 1:
            yield f"more than one attempt may have gone: {attempts}"
    if row["status"] == "running":
        yield "still runs"
    if row["status"] == "pending" and row["waits_for"] is None:
        yield "waits for nothing that one can see"
    if row["status"] == "failed" and row["reason"] is None:
        yield "failed without a reason"


def _faults_of_attempts(records: Records) -> Iterator[str]:
    for id_, attempts in records.attempts.items():
        for attempt in attempts:
            if attempt["outcome"] is None:
                yield f"attempt {attempt['attempt']} of {id_} is still open"
            keeps_quota = attempt["quota_day"] is not None
            if attempt["quota_platform"] and keeps_quota != _must_keep_quota(attempt):
                yield f"quota of a {attempt['outcome']} attempt: {attempt}"


def _must_keep_quota(attempt: Row) -> bool:
    """Return whether something may have been sent.

    A comment service tries three times and reports its last failure only: a comment that it
    refused is given up and counts.
    """
    if attempt["outcome"] in MAY_HAVE_GONE:
        return True
    is_given_up = attempt["outcome"] == "not_sent" and attempt["quota_kind"] == "comment"
    return is_given_up and attempt["quota_day"] is not None


def _faults_of_quotas(records: Records) -> Iterator[str]:
    taken = Counter(
        (each["quota_platform"], each["quota_kind"], each["quota_day"], each["account"])
        for attempts in records.attempts.values()
        for each in attempts
        if each["quota_platform"] and _must_keep_quota(each)
    )
    for quota in records.quotas:
        key = quota["platform"], quota["kind"], quota["day"], quota["account"]
        if quota["used"] != taken[key]:
            yield f"{key}: {quota['used']} used, {taken[key]} may have gone"
        if quota["used"] > quota["ceiling"]:
            yield f"{key}: {quota['used']} used of {quota['ceiling']}"
        del taken[key]
    yield from (f"{key}: {count} sent without a count" for key, count in taken.items())


def _faults_of_alerts(records: Records) -> Iterator[str]:
    told = {alert["key"] for alert in records.alerts}
    for row in records.rows.values():
        if row["reason"] == "unknown" and f"unknown:{row['id']}:{row['attempt']}" not in told:
            yield f"{_named(row)}: is unknown, and nobody was told"


def _named(row: Row) -> str:
    return f"{row['id'][:8]} {row['service']} {row['text']!r}"
