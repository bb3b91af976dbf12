"""Who is taken for the same person, and what counts as a rising niche."""

from __future__ import annotations

import math
from typing import Any

import pytest

from actp.domains.trends.people import HandleIndex, associations, exact, squish
from actp.domains.trends.strength import rise, strong

CONTACT = {
    "id": "c1",
    "platform": "twitter",
    "username": "@Maria.Makes",
    "display_name": "Maria",
    "email": None,
    "twitter": None,
    "instagram": None,
    "tiktok": None,
    "linkedin": None,
}


def index_of(*sightings: tuple[str | None, str | None]) -> HandleIndex:
    index = HandleIndex()
    for platform, handle in sightings:
        index.add(platform, handle, None, None)
    return index


def found(contact: dict[str, Any], index: HandleIndex) -> dict[str, tuple[str, str]]:
    return {a.platform: (a.handle, a.engagement_type) for a in associations(contact, index)}


@pytest.mark.parametrize(
    ("given", "handle", "squished"),
    [
        ("@Maria.Makes", "maria.makes", "mariamakes"),
        (" maria_makes ", "maria_makes", "mariamakes"),
        ("https://www.linkedin.com/in/maria-makes/", "maria-makes", "mariamakes"),
        (None, "", ""),
    ],
)
def test_a_handle_has_one_spelling_and_one_shape(
    given: str | None, handle: str, squished: str
) -> None:
    assert (exact(given), squish(given)) == (handle, squished)


def test_the_same_handle_elsewhere_is_a_match_and_one_alike_a_fuzzy_one() -> None:
    index = index_of(("instagram", "maria.makes"), ("tiktok", "maria_makes"), ("threads", "else"))
    assert found(CONTACT, index) == {
        "twitter": ("maria.makes", "crm_match"),
        "instagram": ("maria.makes", "handle_match"),
        "tiktok": ("maria_makes", "fuzzy_match"),
    }


def test_what_the_crm_says_wins_over_what_is_alike() -> None:
    contact = {**CONTACT, "instagram": "@the.maria"}
    index = index_of(("instagram", "maria.makes"), ("instagram", "the.maria"))
    assert found(contact, index)["instagram"] == ("the.maria", "crm_match")


def test_two_handles_alike_on_one_platform_are_nobody() -> None:
    index = index_of(("tiktok", "maria_makes"), ("tiktok", "mariamakes"))
    assert found(CONTACT, index) == {}


def test_one_platform_alone_is_no_association() -> None:
    assert found(CONTACT, index_of(("twitter", "maria.makes"))) == {}


@pytest.mark.parametrize("handle", ["ai", "j.d", None, "", "@"])
def test_a_name_that_many_have_matches_nobody(handle: str | None) -> None:
    index = index_of(("instagram", handle), (None, "maria.makes"))
    assert len(index) == 0
    assert found({**CONTACT, "username": handle or ""}, index) == {}


def test_a_bot_is_nowhere() -> None:
    index = index_of(("instagram", "no-reply"), ("tiktok", "no-reply"))
    assert found({**CONTACT, "username": "no-reply"}, index) == {}


def test_the_newest_and_the_most_of_what_was_seen_is_kept() -> None:
    index = HandleIndex()
    index.add("tiktok", "Maria.Makes", 10, "2026-01-02T00:00:00+00:00")
    index.add("tiktok", "maria.makes", 7, "2026-01-01T00:00:00+00:00")
    (_, tiktok) = sorted(associations(CONTACT, index), key=lambda a: a.platform != "twitter")
    assert (tiktok.followers, tiktok.interaction_count) == (10, 2)
    assert tiktok.active_at == "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    "handle",
    ["alex", "info", "Contact", "michael", "michael_99", "marketing", "TechTips", "growth.hacker",
     "alex1", "mike_2", "maria1990", "Marketing2024", "testuser", "user1", "user12345678"],
)  # fmt: skip
def test_a_common_handle_joins_nobody_without_a_name_that_agrees(handle: str) -> None:
    contact = {**CONTACT, "username": handle, "display_name": "Alex Meyer"}
    index = index_of(("instagram", handle))
    assert found(contact, index) == {}
    for other in ("Someone Else", "Alex Jones", "Alex"):
        index.add("instagram", handle, None, None, other)
        assert found(contact, index) == {}
    assert found({**contact, "display_name": "Alex"}, index) == {}
    index.add("instagram", handle, None, None, "MEYER, Aléx")
    assert found(contact, index)["instagram"] == (handle.lower(), "handle_match")


def test_one_handle_with_two_names_is_two_people() -> None:
    index = HandleIndex()
    index.add("instagram", "maria.makes", None, None, "Peter Berg")
    assert found({**CONTACT, "display_name": "Maria Lopez"}, index) == {}


def test_contacts_are_found_by_each_other() -> None:
    one = {**CONTACT, "username": "@Maria_Gomez"}
    other = {**CONTACT, "id": "c2", "platform": "instagram", "username": "mariagomez"}
    index = HandleIndex()
    index.add_contact(one)
    index.add_contact(other)
    assert found(one, index)["instagram"] == ("mariagomez", "fuzzy_match")
    assert found(other, index)["twitter"] == ("maria_gomez", "fuzzy_match")


def test_a_bot_among_the_contacts_is_in_no_index() -> None:
    index = HandleIndex()
    index.add_contact({**CONTACT, "username": "no-reply@linkedin.com"})
    assert len(index) == 0


FLAT = [100.0, 120.0, 90.0, 110.0, 95.0, 105.0, 100.0] * 4


@pytest.mark.parametrize(
    ("days", "times"),
    [
        (FLAT, 1.0),
        ([300.0, 320.0, *FLAT[2:]], 3.0),
        ([200.0] * 7 + FLAT[7:], 1.9),
        ([130.0] * 7 + FLAT[7:], 1.3),
        ([50.0] * 2 + FLAT[2:], 1.0),
        ([0.0] * 28, 1.0),
        ([10.0] + [0.0] * 27, math.inf),
        (FLAT[:9], None),
        ([100.0] * 28, 1.0),
        ([5.0, 900.0, 3.0, 700.0] * 7, 1.0),
    ],
    ids=["flat", "two days", "a week", "a little", "a fall", "nothing", "from nothing",
         "no baseline", "constant", "wild"],
)  # fmt: skip
def test_a_rise_is_more_than_the_baseline_and_than_chance(
    days: list[float], times: float | None
) -> None:
    found = rise({"twitter": dict(enumerate(days))})
    assert found == (times if times is None else pytest.approx(times, rel=0.06))


# Research looks on Mondays and Thursdays.
LOOKS = {day: 100.0 + 7 * (day % 3) for day in range(1, 28) if day % 7 in {1, 5}}


def test_days_without_a_look_are_no_fall_and_hide_no_rise() -> None:
    assert rise({"twitter": LOOKS}) == 1.0
    assert rise({"twitter": LOOKS | {1: 320.0}}) == pytest.approx(3.0, rel=0.1)
    assert rise({"twitter": LOOKS | {1: 320.0}, "tiktok": LOOKS}) == pytest.approx(2.0, rel=0.1)


def test_a_platform_that_is_looked_at_for_the_first_time_is_no_rise() -> None:
    assert rise({"twitter": LOOKS, "threads": {1: 5000.0}}) == 1.0
    assert rise({"threads": {1: 5000.0, 5: 4000.0}}) is None


def post(platform: str, niche: str | None, likes: int, **more: Any) -> dict[str, Any]:
    counts = {"likes": likes, "shares": 0, "replies": 0, "views": None}
    return {
        "id": f"{platform}-{likes}",
        "platform": platform,
        "niche": niche,
        "text": "A hook\nmore",
    } | {
        "url": "https://example.com/1",
        **counts,
        **more,
    }


def test_looks_that_read_no_counts_make_no_rise_when_they_are_read_again() -> None:
    read = [post(name, "saas", 90 + day, days_ago=day) for name in ("twitter", "tiktok")
            for day in (1, 4, 8, 11, 15, 18, 22)]  # fmt: skip
    unread = [post(name, "saas", 0, days_ago=day, views=0) for name in ("twitter", "tiktok")
              for day in (9, 10, 12, 16, 19, 20, 23)]  # fmt: skip
    (plain,), (mixed,) = strong(read), strong(read + unread)
    assert plain.rise == mixed.rise == 1.0
    assert plain.trend_strength == mixed.trend_strength


def test_strength_formula_of_a_trend() -> None:
    (trend,) = strong([post("twitter", "ai_automation", 10), post("tiktok", "ai_automation", 20)])
    assert (trend.niche, trend.platforms) == ("ai_automation", ("tiktok", "twitter"))
    assert trend.total_engagement == 90
    assert trend.trend_strength == pytest.approx(45 * 2 * math.log1p(2))
    assert trend.hook == "A hook"
    assert trend.top_posts[0]["platform"] == "tiktok"


@pytest.mark.parametrize(
    "posts",
    [
        [post("twitter", "saas", 100), post("twitter", "saas", 200)],
        [post("twitter", "saas", 8), post("tiktok", "saas", 8)],
        [post("twitter", "other", 100), post("tiktok", "other", 100)],
        [post("twitter", None, 100), post("tiktok", " ", 100)],
        [],
    ],
    ids=["one platform", "49 and less", "other", "no niche", "nothing"],
)
def test_what_is_small_or_on_one_platform_is_no_trend(posts: list[dict[str, Any]]) -> None:
    assert strong(posts) == []


def test_fifty_is_enough_and_odd_counts_are_nothing() -> None:
    odd = {"likes": math.nan, "views": -5, "shares": None, "replies": 5}
    (trend,) = strong([post("twitter", "saas", 0, views=300), {**post("tiktok", "saas", 0), **odd}])
    assert trend.total_engagement == 50
