"""The demo's script: two dozen commands over nine services, some with faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["DM_LIMIT", "PLAYS", "SCENARIO", "Ending", "Play"]

Ending = Literal[
    "completed", "unverified", "retried", "settled", "unknown", "failed", "waiting", "logged_out"
]

# Instagram DMs a day; one more than that is asked for.
DM_LIMIT: Final = 3
REFUSALS_BEFORE_SUCCESS: Final = 2
GATEWAY_TIMEOUT_SECONDS: Final = 0.3
# How long the service still types after it gave up answering; Safari must stay taken meanwhile.
TYPE_ON_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Play:
    """One command and how it is to end."""

    action: str
    platform: str
    params: dict[str, Any]
    ending: Ending = "completed"
    priority: int = 5


def _dm(platform: str, handle: str, text: str, **more: Any) -> Play:
    return Play("send_dm", platform, {"username": handle, "text": text}, **more)


def _comment(platform: str, url: str, text: str, **more: Any) -> Play:
    return Play("comment", platform, {"postUrl": url, "text": text}, **more)


def _research(platform: str, query: str) -> Play:
    return Play("market_research", platform, {"query": query, "maxPosts": 20})


_GRAM: Final = "https://www.instagram.com/p"
_THREAD: Final = "https://www.threads.com"
_TOK: Final = "https://www.tiktok.com"
_X: Final = "https://x.com"

PLAYS: Final = (
    _dm("instagram", "demo_maria", "Is the blue lamp still for sale?"),
    _dm("instagram", "demo_jonas", "Thanks for the tip about the kiln."),
    _dm("instagram", "demo_li_wei", "Would you join a small call on pricing prints?"),
    _dm("instagram", "demo_noor", "I loved the talk on slow looms.", ending="waiting", priority=9),
    _dm("twitter", "demo_ada", "Your thread on queues answered my question."),
    _dm("twitter", "demo_kai", "May I quote your benchmark?", ending="retried"),
    _dm("twitter", "demo_gone", "Are you still in Lisbon?", ending="failed"),
    _comment("threads", f"{_THREAD}/@demo_ines/post/1", "This is the clearest summary so far."),
    _comment("threads", f"{_THREAD}/@demo_tom/post/2", "Which lens was that?", ending="settled"),
    _comment("threads", f"{_THREAD}/@demo_uma/post/3", "Saved for Monday."),
    # instagram-comments never looks whether its comment appeared.
    _comment("instagram", f"{_GRAM}/D1/", "A beautiful glaze.", ending="unverified"),
    _comment("instagram", f"{_GRAM}/D2/", "Where can one see it?", ending="unverified"),
    _comment("tiktok", f"{_TOK}/@demo_pia/video/711", "Trying this tonight."),
    _comment(
        "tiktok", f"{_TOK}/@demo_rui/video/712", "The second tip is gold.", ending="unverified"
    ),
    _comment("tiktok", f"{_TOK}/@demo_sol/video/713", "More of these, please."),
    _comment("twitter", f"{_X}/demo_eva/status/181", "Agreed, and the appendix is even better."),
    _comment("twitter", f"{_X}/demo_max/status/182", "What did the second run show?"),
    Play("tweet", "twitter", {"text": "Nine services, one Safari, nobody asked twice."}),
    # Without a part in common: tiktok-dm takes similar names for one another.
    _dm("tiktok", "demoyuki", "Your stop-motion set-up is wonderful."),
    _dm("tiktok", "demozoe", "Could I stitch the last clip?"),
    _dm("linkedin", "demo-ana", "Congratulations on the new studio.", ending="logged_out"),
    _dm("twitter", "demo_ben", "Shall we compare notes on hiring?"),
    _research("twitter", "ai automation"),
    _research("instagram", "ceramics studio"),
)

SCENARIO: Final[dict[str, Any]] = {
    # Nobody is logged in to LinkedIn, and stays so.
    "safari": {"logged_out": ["linkedin"]},
    "rules": [
        {
            "service": "twitter-dm",
            "match": {"recipient": "demo_kai"},
            "behaviour": "refuse_before_send",
            "error": "DM composer did not open",
            "times": REFUSALS_BEFORE_SUCCESS,
        },
        {
            "service": "twitter-dm",
            "match": {"recipient": "demo_gone"},
            "behaviour": "not_found",
        },
        {
            "service": "threads-comments",
            "match": {"recipient": "*demo_tom*"},
            "behaviour": "gateway_timeout_then_post",
            "seconds": GATEWAY_TIMEOUT_SECONDS,
            "type_on_seconds": TYPE_ON_SECONDS,
        },
        {
            "service": "tiktok-comments",
            "match": {"recipient": "*demo_rui*"},
            "behaviour": "unverified",
        },
    ],
}
