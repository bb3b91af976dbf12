"""What of a count is a number, and what is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from actp.counts import first_count, read_count
from actp.domains.engagement import engagement_of, measured_engagement


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (12, 12),
        (3.0, 3),
        (0, 0),
        ("0", 0),
        ("12", 12),
        (" 1,234 ", 1234),
        ("1\u202f234\u202f567", 1_234_567),
        ("1.2K", 1200),
        ("3 m", 3_000_000),
        ("2B", 2_000_000_000),
        ("1.234.567", 1_234_567),
        ("1'234", 1234),
        ("1,2K", 1200),
        ("12\u00a0345", 12_345),
        ("1,234.5", 1234),
        (2**31 - 1, 2**31 - 1),
        ("3,4 Tsd.", 3400),
        ("1,2 Mio.", 1_200_000),
        ("12 mil", 12_000),
        ("3,4 тыс.", 3400),
        ("1.2万", 12_000),
        ("1.5 lakh", 150_000),
        ("12,34,567", 1_234_567),
    ],
)
def test_a_number_is_read_however_it_is_written(said: Any, count: int) -> None:
    assert read_count(said) == count


@pytest.mark.parametrize(
    "said",
    [None, "", "-", "N/A", "many", "12 likes", "1,23", "12.345", "-1", "1e5", -3, -0.5, True,
     float("nan"), float("inf"), 2**31, 3e9, 10**400, "9B", "1,2 B", "12.", "2 min", [], {}],
)  # fmt: skip
def test_what_is_no_count_is_unknown_and_not_zero(said: Any) -> None:
    assert read_count(said) is None


def test_the_first_name_that_holds_a_count_is_taken() -> None:
    assert first_count({"views": None, "view_count": "7"}, "views", "view_count") == 7
    assert first_count({}, "views") is None


@pytest.mark.parametrize(
    ("platform", "counts", "score"),
    [
        ("twitter", {"likes": 10, "retweets": 2, "replies": 1, "views": 100}, 54.0),
        ("twitter", {"likes": 10, "retweets": 2, "replies": 1}, None),
        ("twitter", {"views": 100}, None),
        ("tiktok", {"likes": "1.2K", "views": "10K"}, 4600.0),
        ("instagram", {"likes": 5, "comments": 1}, 19.0),
        ("instagram", {"comments": 1}, None),
        ("threads", {}, None),
        ("youtube", {"likes": 0, "views": 0, "comments_count": None}, None),
        ("youtube", {"likes": 0, "views": 30, "comments_count": None}, 3.0),
        ("twitter", {"likes": 5, "views": 0}, None),
        ("threads", {"likes": 0, "replies": 0}, None),
    ],
)
def test_engagement_is_unknown_without_what_the_platform_always_shows(
    platform: str, counts: dict[str, Any], score: float | None
) -> None:
    assert measured_engagement(counts, platform) == score


def test_engagement_of_a_strangers_post_counts_what_is_known() -> None:
    assert engagement_of({"likes": 10}) == 30
    assert engagement_of({"like_count": "x", "view_count": None}) is None
    assert engagement_of({"likes": 0, "comments": 0, "shares": 0, "views": 0}) is None
