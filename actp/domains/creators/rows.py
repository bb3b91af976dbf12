"""Turns research findings into rows."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from actp.domains.creators.fit import QUALIFIED_ABOVE, icp_fit
from actp.domains.engagement import engagement_of
from actp.domains.taxonomy import matching_offers
from actp.errors import InvalidInput
from actp.safari.addresses import clean_handle

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from actp.clients.research import Creator, Post

__all__ = ["creator_rows", "hooks_of", "post_rows"]

HOOKS: Final = 3
LONGEST_HOOK: Final = 120
_TWEET = re.compile(r"/status/(\d+)")


def creator_rows(
    platform: str,
    niche: str,
    creators: Sequence[Creator],
    posts: Sequence[Post] = (),
    own: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return one row for each creator whose handle can be one; the rest cannot be written to.

    ``own`` are the handles of our own accounts, whose posts a research finds too.
    They are judged by all of their ``posts``, not by the one that did best; by the engagement of
    those too where the research gives no total.
    """
    rows = []
    for creator in creators:
        handle = _handle(platform, creator.handle)
        if handle is None or handle.lower() in own:
            continue
        theirs = [post for post in posts if post.author.lower() == creator.handle.lower()]
        texts = (post.text for post in theirs)
        said = " ".join((creator.display_name, creator.bio, creator.top_post_text, *texts))
        brought = creator.engagement_score or sum(
            engagement_of(asdict(post)) or 0 for post in theirs
        )
        fit = icp_fit(niche, said, brought)
        rows.append(
            {
                **asdict(creator),
                "handle": handle,
                "niche": niche,
                "engagement_score": brought or None,
                "offer_match": matching_offers(said),
                "icp_fit_score": fit,
                "qualified": fit > QUALIFIED_ABOVE,
            }
        )
    return rows


def post_rows(platform: str, niche: str, posts: Sequence[Post]) -> list[dict[str, Any]]:
    """Return one row for each post that can be told from others."""
    rows = []
    for post in posts:
        row = {**asdict(post), "niche": niche}
        row["engagement"] = engagement_of(row)
        if platform == "twitter":
            tweet = _TWEET.search(post.url)
            row["id"] = tweet[1] if tweet else ""
        rows.append(row)
    return rows


def hooks_of(posts: Sequence[Post]) -> list[str]:
    """Return the first lines of the most engaging posts; those not measured come last."""
    best = sorted(posts, key=lambda post: -(engagement_of(asdict(post)) or 0.0))
    lines = (post.text.strip().partition("\n")[0][:LONGEST_HOOK] for post in best)
    return list(dict.fromkeys(line for line in lines if line))[:HOOKS]


def _handle(platform: str, given: str) -> str | None:
    try:
        return clean_handle(platform, given)
    except InvalidInput:
        return None
