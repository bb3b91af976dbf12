"""A publishing task, as the database returns it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from actp.moments import stored_moment, stored_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Attempt", "Task"]

DEFAULT_TIMEOUT_MINUTES: Final = 30
LONGEST_TIMEOUT_MINUTES: Final = 24 * 60
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)*)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt on a platform.

    ``retry_at`` is set where nothing was sent and it is tried again; ``ask_at`` where Blotato took
    the post and has not said yet what happened to it.
    """

    platform: str
    number: int
    outcome: str | None
    begun_at: datetime
    retry_at: datetime | None = None
    ask_at: datetime | None = None
    submission_id: str | None = None

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Read a row of ``actp_publish_attempts``."""
        return cls(
            platform=row["platform"],
            number=row["attempt"],
            outcome=row["outcome"],
            begun_at=stored_time(row["begun_at"]),
            retry_at=stored_moment(row["retry_at"]),
            ask_at=stored_moment(row["ask_at"]),
            submission_id=row["submission_id"],
        )


@dataclass(frozen=True, slots=True)
class Task:
    """A video to publish, its platforms and progress; ``attempts`` are by platform.

    ``accounts`` names those that the task insists on. ``planned`` says when a post appears; one
    without a time, or whose time has passed, appears at once. ``confirm_within`` is how long
    Blotato may take to say that a post is out.
    """

    id: str
    lease: int
    now: datetime
    platforms: tuple[str, ...]
    texts: Mapping[str, str]
    media_urls: tuple[str, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    paused: frozenset[str] = frozenset()
    confirm_within: timedelta = timedelta(minutes=DEFAULT_TIMEOUT_MINUTES)
    attempts: Mapping[str, Attempt] = field(default_factory=lambda: MappingProxyType({}))
    planned: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Read what ``agent_publish_task`` answers; a field of the wrong shape counts as absent."""
        given = _object(row["input"])
        platforms = _texts(given.get("platforms"))
        shared = given.get("description") or given.get("text")
        texts = {name: shared for name in platforms if isinstance(shared, str)}
        own = _object(given.get("descriptions"))
        texts |= {name: text for name, text in own.items() if isinstance(text, str)}
        attempts = map(Attempt.read, row["attempts"])
        minutes = row["timeout_minutes"] or DEFAULT_TIMEOUT_MINUTES
        return cls(
            id=row["id"],
            lease=row["lease"],
            now=datetime.fromisoformat(row["now"]),
            platforms=tuple(dict.fromkeys(platforms)),
            texts=texts,
            media_urls=tuple(_texts([given.get("video_url"), *_list(given.get("media_urls"))])),
            accounts={
                name: str(account)
                for name, account in _object(given.get("account_ids")).items()
                if account not in (None, "")
            },
            paused=frozenset(row["paused"]),
            confirm_within=timedelta(minutes=min(max(1, minutes), LONGEST_TIMEOUT_MINUTES)),
            attempts={attempt.platform: attempt for attempt in attempts},
            planned=dict(_times(_object(given.get("scheduled_times")))),
        )

    def appears_at(self, attempt: Attempt) -> datetime:
        """Return when a post that Blotato took should be out."""
        return max(attempt.begun_at, self.planned.get(attempt.platform, attempt.begun_at))

    def is_paused(self, platform: str) -> bool:
        """Return whether a person has paused the platform, or all."""
        return not self.paused.isdisjoint(("all", platform))


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(values: object) -> Iterable[str]:
    return [value for value in _list(values) if isinstance(value, str) and value]


def _times(values: Mapping[str, Any]) -> Iterable[tuple[str, datetime]]:
    for platform, value in values.items():
        # Without a zone nobody knows when it is.
        if isinstance(value, str) and _ZONE.search(value) and (at := stored_moment(value)):
            yield platform, at
