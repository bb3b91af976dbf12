"""Which hours are chosen, when a platform tires, and what the plan never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from actp.domains.mix.shares import TARGETS
from actp.domains.schedule.calendar import Moment, assign, moments
from actp.domains.schedule.ics import to_ics
from actp.domains.schedule.saturation import has_recovered, saturation
from actp.domains.schedule.slots import (
    Learned,
    Slot,
    Timetable,
    apart,
    choose_hours,
    hours_of_a_day,
)

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
ROWS = [
    ("twitter", 3, [14, 17, 22], [0, 1, 2, 3, 4], 3),
    ("threads", 3, [13, 17, 23], [0, 1, 2, 3, 4, 5], 3),
    ("instagram", 1, [15, 20], [1, 2, 3, 4, 5], 8),
    ("tiktok", 3, [12, 17, 23], [0, 1, 2, 3, 4, 5], 5),
    ("youtube", 1, [15, 18], [1, 3], 48),
    ("linkedin", 1, [13, 17], [0, 1, 2, 3, 4], 12),
]
NAMES = ("platform", "posts_per_day", "best_hours", "active_days", "min_gap_hours")


def timetable(*values: Any, slots: Any = None) -> Timetable:
    return Timetable.read({**dict(zip(NAMES, values, strict=True)), "slots": slots})


TABLES = [timetable(*row) for row in ROWS]


def test_an_hour_that_stands_twice_is_one_moment() -> None:
    row = {
        "platform": "twitter", "posts_per_day": 1000, "best_hours": [14, 25, -3, 14],
        "active_days": range(7), "min_gap_hours": -5, "slots": {},
    }  # fmt: skip
    planned = moments([Timetable.read(row)], datetime(2026, 1, 5, tzinfo=UTC), days=2)
    assert [moment.at.hour for moment in planned] == [14, 14]
    assert len({moment.at for moment in planned}) == 2


def test_the_better_of_two_hours_is_found() -> None:
    """20 against 10 percent, 1 000 posts; then nine of ten choices are the better hour."""
    shares = []
    for seed in range(20):
        random = Random(seed)
        slots = {9: Slot(), 18: Slot()}
        for _ in range(1000):
            (hour,) = choose_hours(Timetable("twitter", 1, (9,), (0,), 0, slots), random)
            reward = random.random() < (0.2 if hour == 18 else 0.1)
            slots = {**slots, hour: slots[hour].after(reward=reward)}
        learned = Timetable("twitter", 1, (9,), (0,), 0, slots)
        shares.append(sum(choose_hours(learned, random) == (18,) for _ in range(200)) / 200)
    assert sum(shares) / len(shares) >= 0.9


@given(
    st.integers(0, 2**32),
    st.sampled_from(TABLES),
    st.dictionaries(st.integers(0, 23), st.tuples(st.floats(1, 99), st.floats(1, 99)), max_size=9),
)
def test_the_number_of_hours_stays_and_those_of_a_day_keep_the_gap(
    seed: int, table: Timetable, known: dict[int, tuple[float, float]]
) -> None:
    slots = {**table.slots, **{hour: Slot(*counts) for hour, counts in known.items()}}
    table = Timetable(
        table.platform,
        table.posts_per_day,
        table.best_hours,
        table.active_days,
        table.min_gap_hours,
        slots,
    )
    hours = choose_hours(table, Random(seed))
    assert len(set(hours)) == len(table.best_hours)
    assert hours == choose_hours(table, Random(seed))


@pytest.mark.parametrize(
    "elsewhere",
    [
        Learned(18, 20, 6.6, 5.0, fortnight=1),
        Learned(9, 20, 9.0, 5.0, fortnight=1, at_a_day=False),
        Learned(9, 20, 7.3, 5.0, fortnight=1),
    ],
    ids=["a weak fortnight at the better hour", "older posts at the worse one", "a strong one"],
)
def test_hours_are_compared_within_a_fortnight_and_at_equal_age(elsewhere: Learned) -> None:
    """18:00 brings more than 9:00, though the means of all posts say the opposite."""
    known = (Learned(9, 10, 7.0, 2.5), Learned(18, 10, 7.5, 2.5), elsewhere)
    tables = [Timetable(f"platform {n}", 1, (9, 18), (0,), 0, {}, known) for n in range(20)]
    assert sum(hours_of_a_day(table) == [18] for table in tables) > 15


def test_a_day_takes_the_hour_that_its_draw_found_best() -> None:
    """Of two hours for one post a day the draw decides: the mean would try one of them only."""
    known = (Learned(12, 2, 7.0), Learned(13, 2, 6.9))
    tables = [Timetable(f"platform {seed}", 1, (12, 13), (0,), 0, {}, known) for seed in range(20)]
    assert {tuple(hours_of_a_day(table)) for table in tables} == {(12,), (13,)}
    assert hours_of_a_day(tables[0]) == hours_of_a_day(tables[0])


def test_one_or_two_posts_change_no_hours() -> None:
    for known in ((Learned(3, 1, 7.0),), (Learned(3, 1, 7.0), Learned(20, 1, 2.0))):
        table = Timetable("youtube", 1, (15, 18), (0,), 48, {15: Slot(), 18: Slot()}, known)
        assert choose_hours(table) == (15, 18)


def test_hours_near_midnight_are_near() -> None:
    assert (apart(23, 1), apart(1, 23), apart(0, 12), apart(5, 5)) == (2, 2, 12, 0)


@pytest.mark.parametrize(
    "slots", [None, [], "odd", {"25": {"alpha": 1, "beta": 1}, "7": {"alpha": -1}, "x": 3}]
)
def test_odd_slots_are_as_none(slots: Any) -> None:
    table = timetable("twitter", None, [14, None, 99], None, None, slots=slots)
    assert (table.best_hours, set(table.slots)) == ((14,), {13, 14, 15})
    assert choose_hours(table, Random(1)) != ()
    assert moments([table], MONDAY) == []


def row_of(recent: list[float], earlier: list[float], recent_age: float = 3.0) -> dict[str, Any]:
    posts = [[recent_age, score] for score in recent] + [[20.0, score] for score in earlier]
    return {"platform": "tiktok", "posts_per_day": 3, "posts": posts}


@pytest.mark.parametrize(
    ("recent", "earlier", "drop"),
    [
        ([69.0] * 3, [100.0] * 3, 31),
        ([69.99] * 3, [100.0] * 3, 30),
        ([70.0] * 3, [100.0] * 3, None),
        ([10.0] * 2, [100.0] * 9, None),
        ([10.0] * 9, [100.0] * 2, None),
        ([0.0] * 3, [0.0] * 3, None),
        ([0.0] * 3, [100.0] * 3, 100),
        ([60.0, 65.0, 55.0], [90.0, 100.0, 110.0, 95.0], 39),
        ([10.0, 120.0, 50.0], [30.0, 250.0, 80.0, 90.0], None),
    ],
    ids=["fell by 31 %", "just more", "exactly 30 %", "few now", "few then", "zeros", "to nothing",
         "scatters little", "scatters more than it fell"],
)  # fmt: skip
def test_saturation_is_a_fall_of_more_than_thirty_percent(
    recent: list[float], earlier: list[float], drop: int | None
) -> None:
    found = saturation(row_of(recent, earlier))
    assert (found.drop_percent if found else None) == drop
    assert found is None or found.recommended == 2


def test_a_fall_shows_before_the_week_is_over() -> None:
    row = row_of([30.0] * 9, [100.0] * 60)
    row["posts"] += [[6.0, 100.0] for _ in range(15)]
    found = saturation(row)
    assert found is not None
    assert found.drop_percent == 70, "of the last three days; of the week it is 26"


@pytest.mark.parametrize(("recent", "is_well"), [(84.0, False), (85.0, True), (140.0, True)])
def test_a_platform_is_well_again_near_its_baseline(recent: float, *, is_well: bool) -> None:
    assert has_recovered(row_of([recent] * 3, [100.0] * 3)) is is_well


def broken_rules(entries: list[Any]) -> list[tuple[Any, Any]]:
    """Pairs of one niche that stand too near to each other, found by comparing all of them."""
    rules = [({"twitter", "tiktok"}, 4), ({"instagram", "threads"}, 6), ({"youtube", "tiktok"}, 24)]
    broken = []
    for one in entries:
        for other in entries:
            if one.niche != other.niche or one.platform >= other.platform:
                continue
            pair = {one.platform, other.platform}
            near = any(
                pair == rivals and abs(one.at - other.at) < timedelta(hours=hours)
                for rivals, hours in rules
            )
            same_day = pair == {"linkedin", "twitter"} and one.at.date() == other.at.date()
            if near or same_day:
                broken.append((one, other))
    return broken


@given(
    st.lists(
        st.builds(
            Moment,
            st.integers(0, 24 * 14).map(lambda hour: MONDAY + timedelta(hours=hour)),
            st.sampled_from([row[0] for row in ROWS]),
        ),
        max_size=60,
    )
)
@settings(max_examples=60)
def test_no_plan_repeats_itself_on_rival_platforms(planned: list[Moment]) -> None:
    assert broken_rules(assign(planned, TARGETS)) == []


def test_a_week_has_every_platform_at_its_days_hours_and_gaps() -> None:
    planned = moments(TABLES, MONDAY)
    counts = {name: sum(m.platform == name for m in planned) for name, *_ in ROWS}
    assert counts == {
        "twitter": 15, "threads": 18, "instagram": 5, "tiktok": 18, "youtube": 2, "linkedin": 5,
    }  # fmt: skip
    for name, _, _, days, gap in ROWS:
        times = [m.at for m in planned if m.platform == name]
        assert {at.weekday() for at in times} == set(days)
        pauses = [later - at for at, later in pairwise(times)]
        assert all(pause >= timedelta(hours=gap) for pause in pauses)


def test_a_week_follows_the_target_mix_and_says_what_is_a_repost() -> None:
    entries = assign(moments(TABLES, MONDAY), TARGETS)
    assert len(entries) == 63
    for niche, target in TARGETS.items():
        share = sum(entry.niche == niche for entry in entries) / len(entries)
        assert share == pytest.approx(target, abs=0.06)
    leads = [(entry.platform, entry.at - entry.repost_of) for entry in entries if entry.repost_of]
    assert leads
    assert all(name == "tiktok" and lead >= timedelta(days=1) for name, lead in leads)


def test_a_plan_from_the_middle_of_a_day_has_nothing_in_the_past() -> None:
    start = MONDAY + timedelta(hours=16, minutes=5)
    assert min(moments(TABLES, start)).at == MONDAY + timedelta(hours=17)


def test_the_file_is_read_by_a_calendar_program() -> None:
    entries = assign(moments(TABLES, MONDAY), TARGETS)
    written = to_ics(entries, MONDAY)
    events = Calendar.from_ical(written).walk("VEVENT")
    assert len(events) == len(entries) == len({str(event["UID"]) for event in events})
    assert events[0].decoded("DTSTART") == entries[0].at
    assert to_ics(entries, MONDAY) == written
