"""Plans what is posted where and when, so that the platforms do not repeat one another."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from actp.domains.schedule.slots import hours_of_a_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from actp.domains.schedule.slots import Timetable

__all__ = ["Entry", "Moment", "assign", "moments"]

REPOST_AFTER: Final = timedelta(hours=24)
# The same niche not on both within this time.
RIVALS: Final = (
    (frozenset({"twitter", "tiktok"}), timedelta(hours=4)),
    (frozenset({"instagram", "threads"}), timedelta(hours=6)),
    # YouTube leads: TikTok shows it again a day later at the earliest.
    (frozenset({"youtube", "tiktok"}), REPOST_AFTER),
)
NEVER_THE_SAME_DAY: Final = frozenset({"linkedin", "twitter"})


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time at which a platform posts."""

    at: datetime
    platform: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One post of the plan; ``repost_of`` is when YouTube showed the same."""

    at: datetime
    platform: str
    niche: str
    repost_of: datetime | None = None


def moments(tables: Iterable[Timetable], start: datetime, days: int = 7) -> list[Moment]:
    """Return when each platform posts from the day of ``start`` on, each gap kept over midnight."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    planned: list[Moment] = []
    for table in tables:
        last: datetime | None = None
        for day in (midnight + timedelta(days=n) for n in range(days)):
            if day.weekday() not in table.active_days:
                continue
            for hour in hours_of_a_day(table):
                at = day + timedelta(hours=hour)
                if at >= start and (
                    last is None or at - last >= timedelta(hours=table.min_gap_hours)
                ):
                    planned.append(Moment(at, table.platform))
                    last = at
    return sorted(planned)


def assign(planned: Sequence[Moment], targets: Mapping[str, float]) -> list[Entry]:
    """Give each moment a niche: the one that lags most behind its share of those without conflict.

    A moment at which every niche would conflict is left out.
    """
    total = sum(targets.values()) or 1.0
    given: dict[str, int] = dict.fromkeys(targets, 0)
    placed: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    entries = []
    for number, moment in enumerate(sorted(planned), start=1):
        free = [niche for niche in targets if not _conflicts(moment, niche, placed)]
        if not free:
            continue
        niche = max(free, key=lambda name: number * targets[name] / total - given[name])
        given[niche] += 1
        entries.append(Entry(moment.at, moment.platform, niche, _lead(moment, niche, placed)))
        placed[moment.platform, niche].append(moment.at)
    return entries


def _conflicts(
    moment: Moment, niche: str, placed: Mapping[tuple[str, str], Sequence[datetime]]
) -> bool:
    for platforms, distance in RIVALS:
        for rival in platforms - {moment.platform} if moment.platform in platforms else ():
            if any(abs(moment.at - at) < distance for at in placed.get((rival, niche), ())):
                return True
    if moment.platform in NEVER_THE_SAME_DAY:
        (rival,) = NEVER_THE_SAME_DAY - {moment.platform}
        return any(at.date() == moment.at.date() for at in placed.get((rival, niche), ()))
    return False


def _lead(
    moment: Moment, niche: str, placed: Mapping[tuple[str, str], Sequence[datetime]]
) -> datetime | None:
    """Return the video that a TikTok post shows again, if none has done so yet."""
    videos = placed.get(("youtube", niche), ())
    if moment.platform != "tiktok" or not videos:
        return None
    since = [at for at in placed.get(("tiktok", niche), ()) if at > videos[-1]]
    return None if since else videos[-1]
