"""The part of the settings that lives in the database, so that all hosts agree on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.settings import DEFAULT_DAILY_LIMITS

if TYPE_CHECKING:
    from actp.settings import Settings

__all__ = ["policies", "shared_settings"]

_OF_AN_ACCOUNT = frozenset(
    {"safari_active_hours", "safari_min_gap_seconds", "safari_daily_limits", "safari_time_zone"}
)


def policies(settings: Settings) -> tuple[dict[str, Any], ...]:
    """Return limits, hours and pace by platform and kind, as safari_configure takes them.

    Only what the settings name is there, so that starting a host does not undo what another host
    has stored; a limit that was set with bin/limits stays even where they name it. Where the host
    names its account, what they say is for that account alone.
    """
    said = settings.explicit
    common: dict[str, Any] = {}
    if "safari_active_hours" in said:
        hours = settings.safari_active_hours
        common |= {"active_from": hours.start, "active_to": hours.end}
    if "safari_min_gap_seconds" in said:
        common["min_gap_seconds"] = settings.safari_min_gap_seconds
    if "safari_time_zone" in said:
        common["time_zone"] = settings.safari_time_zone
    else:
        common["default_time_zone"] = settings.safari_time_zone
    limits = settings.safari_daily_limits
    return tuple(
        {
            "platform": platform,
            "kind": kind,
            **(_daily(platform, kind, limit) if "safari_daily_limits" in said else {}),
            **common,
            **(_own(settings, platform) if said & _OF_AN_ACCOUNT else {}),
        }
        for platform, kinds in limits.items()
        for kind, limit in kinds.items()
    )


def _own(settings: Settings, platform: str) -> dict[str, Any]:
    account = settings.safari_accounts.get(platform)
    return {} if account is None else {"account": account}


def _daily(platform: str, kind: str, limit: int) -> dict[str, Any]:
    # A default is no wish: the service's own limit stays in force beside it.
    return {
        "daily_limit": limit,
        "daily_is_set": limit != DEFAULT_DAILY_LIMITS[platform][kind],
    }


def shared_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that SQL reads, by key, when a person has set them."""
    said = settings.explicit
    values: dict[str, Any] = {
        "retry_limit": settings.safari_retry_limit,
        "retry_base_seconds": settings.safari_retry_base_seconds,
        "foreign_platforms": list(settings.safari_foreign_platforms),
        "foreign_actions": list(settings.safari_foreign_actions),
    }
    shared = {key: value for key, value in values.items() if f"safari_{key}" in said}
    return shared | ({"review": settings.review} if "review" in said else {})
