"""Plans the week's posts, so that platforms do not repeat each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from actp.domains.schedule.slots import hours_of_a_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from actp.domains.schedule.slots import Timetable

__all__ = ["Entry", "Moment", "Planned", "assign", "free_moments", "moments", "place"]

REPOST_AFTER: Final = timedelta(hours=24)
# The same niche not on both within this time.
RIVALS: Final = (
    (frozenset({"twitter", "tiktok"}), timedelta(hours=4)),
    (frozenset({"instagram", "threads"}), timedelta(hours=6)),
    # YouTube leads: TikTok shows it again a day later at the earliest.
    (frozenset({"youtube", "tiktok"}), REPOST_AFTER),
)
NEVER_THE_SAME_DAY: Final = frozenset({"linkedin", "twitter"})
# How far ahead a post may be planned.
LONGEST_LEAD_DAYS: Final = 14


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time at which a platform posts."""

    at: datetime
    platform: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One post of the plan; ``repost_of`` is when YouTube showed the same.

    An open one is a moment for which nothing is made yet.
    """

    at: datetime
    platform: str
    niche: str
    repost_of: datetime | None = None
    hook: str | None = None
    reason: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Planned:
    """A post that is out, or has its time already."""

    at: datetime
    platform: str
    niche: str
    hook: str | None = None
    what: str = ""


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


def free_moments(
    tables: Iterable[Timetable], start: datetime, planned: Iterable[Planned], days: int = 7
) -> list[Moment]:
    """Return the moments that no post of the platform has, or is nearer to than the gap."""
    tables = list(tables)
    gaps = {table.platform: timedelta(hours=max(1, table.min_gap_hours)) for table in tables}
    taken: dict[str, list[datetime]] = defaultdict(list)
    for post in planned:
        taken[post.platform].append(post.at)
    return [
        moment
        for moment in moments(tables, start, days)
        if all(abs(moment.at - at) >= gaps[moment.platform] for at in taken[moment.platform])
    ]


def place(
    tables: Iterable[Timetable],
    start: datetime,
    planned: Sequence[Planned],
    niche: str,
    platforms: Iterable[str],
) -> dict[str, datetime]:
    """Return when a video of a niche appears on each platform: at the next free moment.

    A platform without one within two weeks is left out; its post appears at once.
    """
    free = free_moments(tables, start, planned, LONGEST_LEAD_DAYS)
    placed: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for post in planned:
        placed[post.platform, post.niche].append(post.at)
    found: dict[str, datetime] = {}
    # YouTube first, as the others keep a distance from it.
    for platform in sorted(platforms, key=lambda name: name != "youtube"):
        earliest = start
        if platform == "tiktok" and "youtube" in found:
            earliest = found["youtube"] + REPOST_AFTER
        for moment in free:
            if moment.platform != platform or moment.at < earliest:
                continue
            if not _conflicts(moment, niche, placed):
                found[platform] = moment.at
                placed[platform, niche].append(moment.at)
                break
    return found


def assign(
    moments_: Sequence[Moment], targets: Mapping[str, float], planned: Sequence[Planned] = ()
) -> list[Entry]:
    """Give each moment a niche: the one that lags most behind its share of those without conflict.

    ``planned`` posts count towards the shares and are kept a distance from. A moment at which every
    niche would conflict is left out.
    """
    total = sum(targets.values()) or 1.0
    given: dict[str, int] = dict.fromkeys(targets, 0)
    placed: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for post in planned:
        placed[post.platform, post.niche].append(post.at)
        if post.niche in given:
            given[post.niche] += 1
    entries = []
    for number, moment in enumerate(sorted(moments_), start=1 + sum(given.values())):
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
