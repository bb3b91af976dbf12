"""Builds posts for Blotato, and rejects those that it would not accept."""

from __future__ import annotations

from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from actp.clients.blotato.errors import BlotatoError
from actp.safari.texts import THREADS_POST_LENGTH, TWITTER_POST_LENGTH, normalised_text
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MAX_LENGTHS", "post_body"]

INSTAGRAM_CAPTION_LENGTH: Final = 2200
LINKEDIN_POST_LENGTH: Final = 3000
TIKTOK_CAPTION_LENGTH: Final = 2200
YOUTUBE_DESCRIPTION_LENGTH: Final = 5000
YOUTUBE_TITLE_LENGTH: Final = 100

MAX_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "instagram": INSTAGRAM_CAPTION_LENGTH,
        "linkedin": LINKEDIN_POST_LENGTH,
        "threads": THREADS_POST_LENGTH,
        "tiktok": TIKTOK_CAPTION_LENGTH,
        "twitter": TWITTER_POST_LENGTH,
        "youtube": YOUTUBE_DESCRIPTION_LENGTH,
    }
)
_NEEDS_MEDIA: Final = frozenset({"instagram", "tiktok", "youtube"})
_VIDEO_SUFFIXES: Final = frozenset({".m4v", ".mov", ".mp4", ".webm"})
# TikTok wants each of these said.
_TIKTOK_EXTRAS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "privacyLevel": "PUBLIC_TO_EVERYONE",
        "disabledComments": False,
        "disabledDuet": False,
        "disabledStitch": False,
        "isBrandedContent": False,
        "isYourBrand": False,
        "isAiGenerated": False,
    }
)


def post_body(
    platform: str, account_id: str, text: str, media_urls: Sequence[str]
) -> dict[str, Any]:
    """Return the body that submits a post; raises BlotatoError, rejected, where none can."""
    text = normalised_text(text)
    _check_text(platform, text)
    _check_media(platform, text, media_urls)
    content = {"text": text, "mediaUrls": [*media_urls], "platform": platform}
    target = {"targetType": platform, **_extras(platform, text, media_urls)}
    return {"post": {"accountId": account_id, "content": content, "target": target}}


def _check_text(platform: str, text: str) -> None:
    if storable_text(text, len(text)) != text:
        raise _rejected("the text contains NUL or broken Unicode", "Write it as plain text.")
    longest = MAX_LENGTHS[platform]
    # As the platforms and Blotato count: an emoji is two.
    length = len(text.encode("utf-16-le")) // 2
    if length > longest:
        raise _rejected(f"the text has {length} characters, {platform} takes {longest}", "Shorten.")


def _check_media(platform: str, text: str, media_urls: Sequence[str]) -> None:
    for url in media_urls:
        if not _is_web_url(url):
            raise _rejected(f"{url[:100]!r} is not the URL of media", "Upload a local file first.")
    if not media_urls and platform in _NEEDS_MEDIA:
        raise _rejected(f"{platform} takes no post without a picture or video", "Add one.")
    if not media_urls and not text.strip():
        raise _rejected("the post is empty", "Give it a text.")


def _extras(platform: str, text: str, media_urls: Sequence[str]) -> Mapping[str, Any]:
    match platform:
        case "tiktok":
            return _TIKTOK_EXTRAS
        case "youtube":
            return {
                "title": _title(text),
                "privacyStatus": "public",
                "shouldNotifySubscribers": True,
            }
        case "instagram" if any(map(_is_video, media_urls)):
            return {"mediaType": "reel"}
        case _:
            return {}


def _title(text: str) -> str:
    # YouTube refuses angle brackets, and a title without a character.
    words = " ".join(text.replace("<", "").replace(">", "").strip().partition("\n")[0].split())
    return storable_text(words, YOUTUBE_TITLE_LENGTH) or "Video"


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _is_video(url: str) -> bool:
    return PurePosixPath(urlsplit(url).path).suffix.lower() in _VIDEO_SUFFIXES


def _rejected(message: str, remedy: str) -> BlotatoError:
    return BlotatoError(message, "rejected", remedy=remedy)
