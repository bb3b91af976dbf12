"""Sample content: videos, sixty days of posts, resonance and A/B tests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from actp.domains.engagement import engagement
from actp.domains.sample.chance import MARK, dice, sample_id
from actp.domains.sample.words import HOOKS, TITLES
from actp.domains.taxonomy import CONTENT_TYPES, NICHES, NO_OFFER, OFFERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actp.domains.sample.chance import Moment, Row

__all__ = ["ab_tests", "posts", "resonance", "videos"]

Scores = tuple[float | None, float | None]

VIDEOS: Final = 35
SNAPSHOT_DAYS: Final = (1, 3, 7, 14, 28)
DAYS: Final = 60
TIRED: Final = "tiktok"
TIRED_DAYS: Final = 7

# The hours at which is posted every day, in UTC.
_HOURS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "twitter": (14, 17, 22),
        "threads": (13, 17, 23),
        "instagram": (15,),
        "tiktok": (12, 17, 23),
        "linkedin": (13,),
    }
)


def videos(moment: Moment) -> Iterator[Row]:
    """Yield snapshots of each video, growing with its age."""
    for number in range(VIDEOS):
        roll = dice("video", number)
        age = 30 + number
        final = 10 ** roll.uniform(2.5, 5)
        title = TITLES[number % len(TITLES)].format(verb=roll.choice(_VERBS))
        for order, day in enumerate(SNAPSHOT_DAYS):
            views = round(final * (order + 1) / len(SNAPSHOT_DAYS))
            yield {
                "id": sample_id("video", number, order),
                "video_id": f"{MARK}-{number:02d}",
                "title": title if number % 17 else None,
                "published_at": moment.at(age, 15),
                "views": views,
                "likes": round(views * 0.04),
                "comments_count": round(views * 0.004),
                "watch_time_minutes": round(views * 2.1, 1),
                "avg_view_duration_secs": 126,
                "impressions": views * 12,
                "ctr": 8.3,
                "subscribers_gained": views // 400,
                "revenue_usd": round(views / 500, 2),
                "checked_at": moment.at(age - day, 16),
            }


def posts(moment: Moment) -> Iterator[Row]:
    """Yield sixty days of posts; some hours do better, and one platform has tired of us."""
    number = 0
    for platform, hours in _HOURS.items():
        for day in range(1, DAYS + 1):
            for slot in range(len(hours)):
                yield _post(number, platform, day, slot, moment)
                number += 1


def resonance(moment: Moment) -> Iterator[Row]:
    """Yield what works where, some of it old or seen once."""
    for number in range(18):
        roll = dice("resonance", number)
        niche = NICHES[number % len(NICHES)]
        yield {
            "id": sample_id("resonance", number),
            "platform": ("youtube", "tiktok", "twitter")[number // len(NICHES)],
            "niche": niche,
            "content_type": CONTENT_TYPES[number % len(CONTENT_TYPES)],
            "offer_tag": (OFFERS[number % len(OFFERS)].name, NO_OFFER)[number % 2],
            "avg_views": round(10 ** roll.uniform(3, 5)),
            "avg_engagement": round(10 ** roll.uniform(2, 4)),
            "avg_watch_time": round(roll.uniform(10, 900), 1),
            "top_hook_patterns": list(HOOKS[niche]),
            "top_post_ids": [f"{MARK}-{number:02d}"],
            "sample_count": 1 if number % 6 == 5 else 3 + number,
            "last_updated": moment.ago(days=45 if number % 7 == 6 else 2),
        }


def ab_tests(moment: Moment) -> Iterator[Row]:
    """Yield tests in each state; those that run have no public address to be asked for."""
    won = {"views_a": 4000, "likes_a": 180, "rts_a": 40, "replies_a": 22}
    lost = {"views_b": 3900, "likes_b": 70, "rts_b": 8, "replies_b": 9}
    scores = (engagement(180, 40, 22, 4000), engagement(70, 8, 9, 3900))
    even = (engagement(60, 6, 5, 1000), engagement(62, 5, 6, 1000))
    states: tuple[tuple[str, str | None, int, Row, Scores], ...] = (
        ("complete", "a", 9, {"metrics_24h": won | lost}, scores),
        ("inconclusive", "tie", 6, {}, even),
        ("error", None, 3, {"error": "Blotato did not take the post: HTTP 422"}, (None, None)),
        ("complete", "b", 20, {}, scores[::-1]),
    )
    for number, (status, winner, days, more, (score_a, score_b)) in enumerate(states):
        niche = NICHES[number % len(NICHES)]
        yield {
            "id": sample_id("ab_test", number),
            "topic": niche.replace("_", " "),
            "niche": niche,
            "test_method_a": "blotato",
            "test_method_b": "safari",
            "variant_a_text": "What would you do with six more hours a week?",
            "variant_b_text": "6 hours a week: what one agent took off my desk.",
            "post_id_a": f"{MARK}-{number}",
            "status": status,
            "winner": winner,
            "eng_score_a": score_a,
            "eng_score_b": score_b,
            "created_at": moment.ago(days=days),
            "completed_at": moment.ago(days=days - 1),
        } | more


_VERBS: Final = (
    "automate outreach", "cut churn", "edit shorts", "run ads", "monetize an audience",
    "tell your story",
)  # fmt: skip


def _post(number: int, platform: str, days_ago: int, slot: int, moment: Moment) -> Row:
    roll = dice("performance", number)
    niche = roll.choices((*NICHES, "email_marketing"), (20, 10, 25, 5, 25, 15, 2))[0]
    is_tired = platform == TIRED and days_ago <= TIRED_DAYS
    views = round(10 ** roll.uniform(2.5, 3.8) * (1.6 - 0.3 * slot) * (0.4 if is_tired else 1))
    at = moment.at(days_ago, _HOURS[platform][slot])
    likes, comments = round(views * 0.05), round(views * 0.006)
    return {
        "id": sample_id("performance", number),
        "external_id": f"{MARK}-{number}",
        "platform": platform,
        "niche": niche if number % 29 else None,
        "content_type": CONTENT_TYPES[number % len(CONTENT_TYPES)],
        "offer_tags": [OFFERS[number % len(OFFERS)].name] if number % 3 == 0 else [],
        "topic_tags": [],
        "views": views,
        "likes": likes,
        "comments_count": comments,
        "watch_time_minutes": round(views * 0.3, 1) if platform == "tiktok" else 0,
        "engagement_score": round(engagement(likes, 0, comments, views), 1),
        "title": roll.choice(HOOKS.get(niche, HOOKS["digital_marketing"])),
        "published_at": at,
        "created_at": at,
    }
