"""Writes the sample rows to the database, and removes them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from actp.domains.paging import batches
from actp.domains.sample import content, ended, research
from actp.domains.sample.chance import Moment, sample_id
from actp.domains.sample.people import account, contact
from actp.domains.sample.talk import UNLINKED_EVERY, talk_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actp.domains.sample.chance import Row
    from actp.store import Store

__all__ = ["DEFAULT_CONTACTS", "MOST_CONTACTS", "make", "open_videos", "remove"]

DEFAULT_CONTACTS: Final = 500
MOST_CONTACTS: Final = 100_000
BATCH_ROWS: Final = 1000
_CONTACTS: Final = "crm_contacts"
_FEWEST_POSTS: Final = 300


def make(store: Store, contacts: int = DEFAULT_CONTACTS) -> dict[str, int]:
    """Write the rows and return how many of each table are new; those there already stay."""
    now = store.call("agent_sample_write", table_name=_CONTACTS, rows=[])["now"]
    moment = Moment(datetime.fromisoformat(now))
    written: dict[str, int] = defaultdict(int)
    for table, rows in _rows(contacts, moment):
        answer = store.call("agent_sample_write", table_name=table, rows=rows)
        written[table] += answer["inserted"]
    answer = store.call(
        "agent_sample_ended",
        commands=list(ended.commands(moment)),
        runs=list(ended.campaigns(moment)),
        targets=list(ended.targets(moment)),
    )
    return {**written, **answer}


def remove(store: Store) -> dict[str, int]:
    """Take every made-up row away, and what agents found out about made-up people."""
    removed: dict[str, int] = defaultdict(int)
    for table, ids in _ids():
        for batch in batches(ids, BATCH_ROWS):
            removed[table] += store.call("agent_sample_remove", table_name=table, ids=batch)
    removed["actp_niche_resonance"] += store.call("agent_sample_forget")
    moment = Moment(datetime.now(UTC))
    answer = store.call(
        "agent_sample_remove_ended",
        commands=[row["id"] for row in ended.commands(moment)],
        runs=[row["id"] for row in ended.campaigns(moment)],
        targets=[row["id"] for row in ended.targets(moment)],
    )
    return {**removed, **answer}


def open_videos(store: Store) -> int:
    """Return how many videos wait to be rendered; they may be about made-up subjects."""
    waiting: int = store.call("agent_sample_open_videos")
    return waiting


def _rows(contacts: int, moment: Moment) -> Iterator[tuple[str, list[Any]]]:
    for numbers in batches(range(contacts), BATCH_ROWS):
        accounts = [account(number) for number in numbers]
        yield _CONTACTS, [contact(who, moment) for who in accounts]
        talk: dict[str, list[Row]] = {"crm_conversations": []}
        for who in accounts:
            for table, row in talk_with(who, moment):
                talk.setdefault(table, []).append(row)
        for table, rows in talk.items():
            yield from _batched(table, rows)
    posts = range(_posts(contacts))
    yield from _batched("actp_platform_research", (research.post(n, moment) for n in posts))
    yield from _batched("actp_twitter_research", (research.tweet(n, moment) for n in posts))
    yield from _batched("actp_platform_creators", research.creators(moment))
    yield from _batched("youtube_video_stats", content.videos(moment))
    yield from _batched("actp_content_performance", content.posts(moment))
    yield from _batched("actp_niche_resonance", content.resonance(moment))
    yield from _batched("actp_ab_tests", content.ab_tests(moment))


def _batched(table: str, rows: Iterable[Row]) -> Iterator[tuple[str, list[Any]]]:
    for batch in batches(rows, BATCH_ROWS):
        yield table, batch


def _posts(contacts: int) -> int:
    return max(_FEWEST_POSTS, contacts // 2)


def _ids() -> Iterator[tuple[str, Iterator[str]]]:
    """Yield every id that any number of contacts can have brought."""
    moment = Moment(datetime.now(UTC))
    yield "crm_messages", _talked(moment)
    yield _CONTACTS, (sample_id("contact", number) for number in range(MOST_CONTACTS))
    posts = _posts(MOST_CONTACTS)
    yield "actp_platform_research", (sample_id("post", number) for number in range(posts))
    yield "actp_twitter_research", (sample_id("tweet", number) for number in range(posts))
    yield "actp_platform_creators", (row["id"] for row in research.creators(moment))
    yield "youtube_video_stats", (row["id"] for row in content.videos(moment))
    yield "actp_content_performance", (row["id"] for row in content.posts(moment))
    yield "actp_niche_resonance", (row["id"] for row in content.resonance(moment))
    yield "actp_ab_tests", (row["id"] for row in content.ab_tests(moment))


def _talked(moment: Moment) -> Iterator[str]:
    # Those that hang on a contact go with it.
    for number in range(0, MOST_CONTACTS, UNLINKED_EVERY):
        for table, row in talk_with(account(number), moment):
            if table == "crm_messages":
                yield row["id"]
