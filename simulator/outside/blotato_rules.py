"""What Blotato finds wrong with a post."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["invalid"]

LONGEST = {
    "twitter": 280,
    "threads": 500,
    "instagram": 2200,
    "tiktok": 2200,
    "linkedin": 3000,
    "youtube": 5000,
}
NEEDS_MEDIA = frozenset({"instagram", "tiktok", "youtube"})
NEEDED = {
    "tiktok": (
        "privacyLevel",
        "disabledComments",
        "disabledDuet",
        "disabledStitch",
        "isBrandedContent",
        "isYourBrand",
        "isAiGenerated",
    ),
    "youtube": ("title", "privacyStatus", "shouldNotifySubscribers"),
}


def invalid(body: Mapping[str, Any], accounts: Mapping[str, str]) -> str | None:
    """Give the first fault of a post's body, or None."""
    post = body.get("post")
    if not isinstance(post, dict):
        return "post must be an object"
    if not _is_time(body.get("scheduledTime")):
        return "scheduledTime must be a time with an offset"
    account, content, target = (post.get(key) for key in ("accountId", "content", "target"))
    if not isinstance(account, str):
        return "post.accountId must be a string"
    if account not in accounts:
        return f"account {account} not found"
    if not isinstance(content, dict) or not isinstance(target, dict):
        return "post.content and post.target must be objects"
    return _content_fault(content) or _target_fault(content, target)


def _is_time(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _content_fault(content: Mapping[str, Any]) -> str | None:
    text, media, platform = (content.get(key) for key in ("text", "mediaUrls", "platform"))
    if platform not in LONGEST:
        return f"unknown platform {platform}"
    if not isinstance(text, str) or not isinstance(media, list):
        return "content.text must be a string and content.mediaUrls an array"
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST[platform]:
        return f"the text is too long for {platform}"
    if not media and platform in NEEDS_MEDIA:
        return f"{platform} needs media"
    return None


def _target_fault(content: Mapping[str, Any], target: Mapping[str, Any]) -> str | None:
    platform = content["platform"]
    if target.get("targetType") != platform:
        return "target.targetType differs from content.platform"
    missing = [field for field in NEEDED.get(platform, ()) if field not in target]
    return f"target lacks {', '.join(missing)}" if missing else None
