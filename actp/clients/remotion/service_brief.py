"""Turns our brief into the one that the v1 service renders: sections on a time line."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["harmless", "service_brief"]

FRAMES_PER_SECOND: Final = 30
LONGEST_SHORT_SECONDS: Final = 180
THEME: Final = "dark"
MAX_LINE_LENGTH: Final = 2000


def service_brief(brief: Mapping[str, Any], job_key: str) -> dict[str, Any]:
    """Return the brief of the service; a video of up to three minutes is upright, a short."""
    seconds = brief["duration_secs"]
    is_short = seconds <= LONGEST_SHORT_SECONDS
    long_side, short_side = 1920, 1080
    width, height = (short_side, long_side) if is_short else (long_side, short_side)
    return {
        "id": job_key,
        "format": "shorts_v1" if is_short else "explainer_v1",
        "version": "1.0",
        "title": harmless(brief["hook"]),
        "settings": {
            "duration_sec": seconds,
            "fps": FRAMES_PER_SECOND,
            "resolution": {"width": width, "height": height},
            "aspect_ratio": "9:16" if is_short else "16:9",
        },
        "style": {"theme": THEME},
        "sections": _on_time_line(harmless(_contents(brief)), seconds),
    }


def harmless(value: Any) -> Any:
    """Return a JSON value whose texts cannot leave a shell's single quotes.

    The service puts the brief between such quotes in a command line, as it is, and part of what
    the brief says came from strangers.
    """
    match value:
        case str():
            return storable_text(value, MAX_LINE_LENGTH).replace("'", "\u2019")
        case list() | tuple():
            return [harmless(item) for item in value]
        case dict():
            return {key: harmless(item) for key, item in value.items()}
        case _:
            return value


def _contents(brief: Mapping[str, Any]) -> list[dict[str, Any]]:
    lines = zip_longest(brief["overlays"], brief["script"], fillvalue="")
    return [
        {"type": "hook", "text": brief["hook"]},
        *({"type": "topic", "heading": shown, "body_text": said} for shown, said in lines),
        {"type": "cta", "title": brief["cta"], "action_text": brief["offer_tag"]},
    ]


def _on_time_line(contents: list[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    """Give each section as much time as it has words, of all the time there is."""
    words = [max(1, len(" ".join(map(str, content.values())).split())) for content in contents]
    ends = [round(seconds * sum(words[: n + 1]) / sum(words), 2) for n in range(len(words))]
    starts = [0.0, *ends[:-1]]
    return [
        {
            "id": f"{number:02d}-{content['type']}",
            "type": content["type"],
            "start_time_sec": start,
            "duration_sec": round(end - start, 2),
            "content": content,
        }
        for number, (content, start, end) in enumerate(zip(contents, starts, ends, strict=True))
    ]
