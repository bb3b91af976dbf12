"""Posts and creators that market research would have found; some authors are contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.domains.sample.chance import MARK, dice, sample_id
from actp.domains.sample.people import handle
from actp.domains.sample.words import HOOKS
from actp.domains.taxonomy import NICHES, matching_offers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.sample.chance import Moment, Row

__all__ = ["CREATORS", "creators", "post", "tweet"]

CREATORS: Final = 40
_PLATFORMS: Final = ("instagram", "tiktok", "threads")
# Two niches rise everywhere, one only on one platform, and some rows have none of our niches.
_RISING: Final = ("ai_automation", "creator_economy", "content_creation")
_STRANGE: Final = ("email_marketing", None)
_KNOWN_EVERY: Final = 3


def post(number: int, moment: Moment) -> Row:
    """Return a post of Instagram, TikTok or Threads."""
    roll = dice("post", number)
    niche = _niche(number)
    platform = _PLATFORMS[number % len(_PLATFORMS)]
    who = _author(number)
    views = round(10 ** roll.uniform(1.5, 5))
    at = moment.ago(days=roll.uniform(0, 20) ** 2 / 20)
    return {
        "id": sample_id("post", number),
        "source_platform": platform,
        "handle": who,
        "author_name": who.split("_")[0].title(),
        "post_url": f"https://{platform}.example/{who}/{MARK}-{number}",
        "post_text": _hook(niche, number),
        "niche": niche,
        "views": views if number % 11 else None,
        "likes": round(views * roll.uniform(0.01, 0.1)),
        "comments_count": round(views * roll.uniform(0, 0.01)),
        "shares": round(views * roll.uniform(0, 0.01)),
        "engagement_score": 0,
        "raw": {"source": MARK},
        "posted_at": at,
        "scraped_at": at,
        "created_at": at,
    }


def tweet(number: int, moment: Moment) -> Row:
    """Return a tweet."""
    roll = dice("tweet", number)
    niche = _niche(number) or "other"
    who = _author(number + 1)
    views = round(10 ** roll.uniform(2, 5))
    at = moment.ago(days=roll.uniform(0, 20) ** 2 / 20)
    return {
        "id": sample_id("tweet", number),
        "tweet_id": f"{MARK}-{number}",
        "author_handle": who,
        "author_display_name": who.split("_")[0].title(),
        "author_follower_count": round(views / 3),
        "tweet_text": _hook(niche, number),
        "tweet_url": f"https://twitter.example/{who}/status/{number}",
        "niche": niche,
        "views": views,
        "likes": round(views * roll.uniform(0.005, 0.05)),
        "replies": round(views * roll.uniform(0, 0.005)),
        "retweets": round(views * roll.uniform(0, 0.01)),
        "quotes": 0,
        "bookmarks": round(views * roll.uniform(0, 0.01)),
        "has_media": number % 2 == 0,
        "tweet_date": at,
        "scraped_at": at,
        "research_batch_id": MARK,
        "created_at": at,
    }


def creators(moment: Moment) -> Iterator[Row]:
    """Yield creators, some of them contacts."""
    for number in range(CREATORS):
        roll = dice("creator", number)
        niche = NICHES[number % len(NICHES)]
        hook = roll.choice(HOOKS[niche])
        yield {
            "id": sample_id("creator", number),
            "platform": ("twitter", *_PLATFORMS)[number % 4],
            "handle": _author(number * 2),
            "display_name": f"Creator {number}",
            "niche": niche,
            "followers": round(10 ** roll.uniform(3, 6)),
            "engagement_score": round(10 ** roll.uniform(1, 4), 1),
            "top_post_text": hook,
            "top_post_url": f"https://creators.example/{MARK}-{number}",
            "offer_match": matching_offers(hook),
            "icp_fit_score": roll.randint(10, 95),
            "last_synced_at": moment.ago(days=number % 6),
            "created_at": moment.ago(days=30),
        }


def _niche(number: int) -> str | None:
    if number % 13 == 0:
        return _STRANGE[number % len(_STRANGE)]
    return _RISING[number % 3] if number % 2 else NICHES[number % len(NICHES)]


def _hook(niche: str | None, number: int) -> str:
    hooks = HOOKS.get(niche or "", ("Open rates, explained",))
    return hooks[number // 2 % len(hooks)]


def _author(number: int) -> str:
    if number % _KNOWN_EVERY == 0:
        return handle(number // _KNOWN_EVERY, number // _KNOWN_EVERY + 1)
    return f"stranger{number}_sample"
