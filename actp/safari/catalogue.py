"""The nine Safari services and the local one: what they are called, do and need."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actp.safari.outcomes import Verification

__all__ = [
    "ACTIONS",
    "EVERY_LIMIT",
    "HTTP_SERVICES",
    "LOCAL",
    "SERVICES",
    "Effect",
    "Kind",
    "LimitWait",
    "Service",
    "actions_of",
    "route",
]

Kind = Literal["dm", "comment"]
Effect = Literal["once", "repeatable"]
LimitWait = Literal["outside_hours", "service_quota"]

EVERY_LIMIT: Final[frozenset[LimitWait]] = frozenset({"outside_hours", "service_quota"})
# Its counters go back only when it is asked to send, so it states what it sent hours ago.
ONLY_HOURS: Final[frozenset[LimitWait]] = frozenset({"outside_hours"})
# The hours that it states are those of its other actions.
ONLY_COUNTERS: Final[frozenset[LimitWait]] = frozenset({"service_quota"})

LOCAL: Final = "local"
LOCAL_ACTIONS: Final = ("navigate", "sync", "score", "generate", "pipeline")
RESEARCH_PLATFORMS: Final = ("facebook", "instagram", "threads", "tiktok", "twitter")

# A comment service answers 504 after its own 30 s; the rest is for a slow tab.
COMMENT_WITH_GATEWAY_TIMEOUT_SECONDS: Final = 45.0
SEND_TIMEOUT_SECONDS: Final = 120.0
# Measured at about 59 s when Safari itself takes no time at all.
TIKTOK_DM_TIMEOUT_SECONDS: Final = 240.0
# The service waits for a third party after the send and frees its own lock at 120 s.
LINKEDIN_TIMEOUT_SECONDS: Final = 150.0
RESEARCH_TIMEOUT_SECONDS: Final = 300.0
LOCAL_TIMEOUT_SECONDS: Final = 900.0

# How long the drivers may go on typing after the client heard nothing clear.
# Three attempts of the comment drivers at about 30 s each.
COMMENT_BUSY_SECONDS: Final = 90.0
DM_BUSY_SECONDS: Final = 60.0
TIKTOK_DM_BUSY_SECONDS: Final = 150.0
LINKEDIN_BUSY_SECONDS: Final = 120.0
RESEARCH_BUSY_SECONDS: Final = 120.0

# A second try begins no earlier: 6 s of navigation, 1.1 s of typing and a back-off of 2 s.
FIRST_TRY_SECONDS: Final = 9.0
# TikTok's navigation takes 3 s. Twitter's is as long as the page takes, so its shortest counts.
SHORT_FIRST_TRY_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the catalogue.

    ``busy_seconds`` is how long Safari may still be driven by it after an unclear end.
    ``default_bearer`` is the well-known token of a service that was not given one.
    ``names_itself`` is false where ``/health`` has no ``service`` field.
    ``verified_means`` is what a ``verified: true`` of it is worth.
    ``first_try_seconds`` is set where it tries three times and reports the last failure: an
    answer within it is of the first try.
    ``limits_told`` are the waits whose end its ``rate-limits`` shows.
    """

    name: str
    port: int | None
    platform: str | None
    kind: Kind | None
    effect: Effect
    action_timeout_seconds: float
    busy_seconds: float
    default_bearer: str | None = field(default=None, repr=False)
    status_path: str | None = None
    health_path: str = "/health"
    session_path: str = "/api/session/ensure"
    names_itself: bool = True
    verified_means: Verification = "claimed"
    first_try_seconds: float | None = None
    limits_told: frozenset[LimitWait] = EVERY_LIMIT

    @property
    def limits_path(self) -> str | None:
        """Where it states its own limits and hours; needs no tab and no turn at Safari."""
        if self.status_path is None:
            return None
        return self.status_path.removesuffix("status") + "rate-limits"

    @property
    def url_setting(self) -> str:
        """Name of the environment variable that holds its address."""
        return f"SAFARI_{self._setting_stem}_URL"

    @property
    def token_setting(self) -> str:
        """Name of the environment variable that holds its bearer token."""
        return f"SAFARI_{self._setting_stem}_TOKEN"

    @property
    def _setting_stem(self) -> str:
        stem = "linkedin" if self.name == "linkedin-automation" else self.name
        return stem.replace("-", "_").upper()


_ALL: Final = (
    Service(
        name="instagram-dm",
        port=3001,
        platform="instagram",
        kind="dm",
        effect="once",
        action_timeout_seconds=SEND_TIMEOUT_SECONDS,
        busy_seconds=DM_BUSY_SECONDS,
        status_path="/api/status",
        names_itself=False,
        limits_told=ONLY_HOURS,
    ),
    Service(
        name="twitter-dm",
        port=3003,
        platform="twitter",
        kind="dm",
        effect="once",
        action_timeout_seconds=SEND_TIMEOUT_SECONDS,
        busy_seconds=DM_BUSY_SECONDS,
        status_path="/api/twitter/status",
        limits_told=ONLY_HOURS,
    ),
    Service(
        name="threads-comments",
        port=3004,
        platform="threads",
        kind="comment",
        effect="once",
        action_timeout_seconds=COMMENT_WITH_GATEWAY_TIMEOUT_SECONDS,
        busy_seconds=COMMENT_BUSY_SECONDS,
        default_bearer="threads-local-dev-token",
        status_path="/api/threads/status",
        first_try_seconds=FIRST_TRY_SECONDS,
    ),
    Service(
        name="instagram-comments",
        port=3005,
        platform="instagram",
        kind="comment",
        effect="once",
        action_timeout_seconds=COMMENT_WITH_GATEWAY_TIMEOUT_SECONDS,
        busy_seconds=COMMENT_BUSY_SECONDS,
        default_bearer="test-token",
        status_path="/api/instagram/status",
        first_try_seconds=FIRST_TRY_SECONDS,
        verified_means="none",
    ),
    Service(
        name="tiktok-comments",
        port=3006,
        platform="tiktok",
        kind="comment",
        effect="once",
        action_timeout_seconds=SEND_TIMEOUT_SECONDS,
        busy_seconds=COMMENT_BUSY_SECONDS,
        status_path="/api/tiktok/status",
        first_try_seconds=SHORT_FIRST_TRY_SECONDS,
    ),
    Service(
        name="twitter-comments",
        port=3007,
        platform="twitter",
        kind="comment",
        effect="once",
        action_timeout_seconds=SEND_TIMEOUT_SECONDS,
        busy_seconds=COMMENT_BUSY_SECONDS,
        default_bearer="test-token-12345",
        status_path="/api/twitter/status",
        first_try_seconds=SHORT_FIRST_TRY_SECONDS,
    ),
    Service(
        name="tiktok-dm",
        port=3102,
        platform="tiktok",
        kind="dm",
        effect="once",
        action_timeout_seconds=TIKTOK_DM_TIMEOUT_SECONDS,
        busy_seconds=TIKTOK_DM_BUSY_SECONDS,
        status_path="/api/tiktok/status",
        verified_means="seen",
    ),
    Service(
        name="linkedin-automation",
        port=3105,
        platform="linkedin",
        kind="dm",
        effect="once",
        action_timeout_seconds=LINKEDIN_TIMEOUT_SECONDS,
        busy_seconds=LINKEDIN_BUSY_SECONDS,
        default_bearer="test-token-12345",
        status_path="/api/linkedin/status",
        verified_means="seen",
        limits_told=ONLY_COUNTERS,
    ),
    Service(
        name="market-research",
        port=3106,
        platform=None,
        kind=None,
        effect="repeatable",
        action_timeout_seconds=RESEARCH_TIMEOUT_SECONDS,
        busy_seconds=RESEARCH_BUSY_SECONDS,
    ),
    Service(
        name=LOCAL,
        port=None,
        platform=None,
        kind=None,
        effect="repeatable",
        action_timeout_seconds=LOCAL_TIMEOUT_SECONDS,
        busy_seconds=0.0,
    ),
)

SERVICES: Final[Mapping[str, Service]] = MappingProxyType({s.name: s for s in _ALL})
HTTP_SERVICES: Final = tuple(s for s in _ALL if s.port is not None)


def _by_platform(kind: Kind) -> Mapping[str, Service]:
    return MappingProxyType({s.platform: s for s in _ALL if s.kind == kind and s.platform})


_ROUTES: Final[Mapping[str, Mapping[str, Service]]] = MappingProxyType(
    {
        "send_dm": _by_platform("dm"),
        "comment": _by_platform("comment"),
        "tweet": MappingProxyType({"twitter": SERVICES["twitter-comments"]}),
        "market_research": MappingProxyType(
            dict.fromkeys(RESEARCH_PLATFORMS, SERVICES["market-research"])
        ),
    }
)
ACTIONS: Final = (*_ROUTES, *LOCAL_ACTIONS)

# Why a platform that exists elsewhere has no service for an action.
_NO_SERVICE: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("send_dm", "threads"): "Threads has no direct messages in the Safari services",
        ("send_dm", "facebook"): "no Safari service sends Facebook messages",
        ("comment", "linkedin"): "no Safari service comments on LinkedIn",
        ("comment", "facebook"): "no Safari service comments on Facebook",
        ("market_research", "linkedin"): "market-research does not cover LinkedIn",
    }
)


def route(action: str, platform: str | None, params: Mapping[str, Any] | None = None) -> Service:
    """Return the service that carries out an action.

    The platform may also stand in ``params``; the one of the row wins. Raises InvalidInput
    with the reason where no service does it.
    """
    if action in LOCAL_ACTIONS:
        return SERVICES[LOCAL]
    routes = _ROUTES.get(action)
    if routes is None:
        raise InvalidInput(
            f"unknown action: {action}",
            remedy=_suggestion(action, ACTIONS),
        )
    wanted = named_platform(platform, params)
    if not wanted and action == "tweet":
        wanted = "twitter"
    if not wanted:
        raise InvalidInput(
            f"{action} needs a platform",
            remedy=f"Set platform to one of: {', '.join(sorted(routes))}.",
        )
    if (service := routes.get(wanted)) is not None:
        return service
    reason = _NO_SERVICE.get((action, wanted))
    if reason is None:
        reason = f"unknown platform for {action}: {wanted}"
    raise InvalidInput(reason, remedy=_suggestion(wanted, routes))


def named_platform(platform: str | None, params: Mapping[str, Any] | None = None) -> str:
    """Return the platform a row names, in lower case, or an empty string."""
    given = platform or (params or {}).get("platform") or ""
    return given.strip().lower() if isinstance(given, str) else ""


def _suggestion(given: str, known: Iterable[str]) -> str:
    names = sorted(known)
    nearest = get_close_matches(given, names, n=1)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    return f"{hint}Known here: {', '.join(names)}."


def actions_of(service: str) -> tuple[str, ...]:
    """Return the actions that some platform routes to the service, sorted."""
    platforms = {
        *RESEARCH_PLATFORMS,
        *(each.platform for each in SERVICES.values() if each.platform),
    }
    found = set()
    for action in ACTIONS:
        for platform in platforms:
            with suppress(InvalidInput):
                if route(action, platform).name == service:
                    found.add(action)
    return tuple(sorted(found))
