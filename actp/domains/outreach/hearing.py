"""Reads new messages from people in all tables, and applies their opt-outs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from actp.domains.outreach.optout import wish_in
from actp.domains.outreach.questions import is_asked_of_us
from actp.domains.paging import batches, pages
from actp.moments import stored_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.domains.outreach.optout import Wish
    from actp.store import Json, Store

__all__ = ["Heard", "hear", "hear_these"]

# What a page costs beside its rows is as much as some hundred rows.
PAGE_ROWS: Final = 2000
# What stands last with so many people on a page is a template, not the question of one of them.
TEMPLATE_ROWS: Final = 4
BEGINNING: Final = 40


@dataclass(slots=True)
class Heard:
    """What a reading of the conversations changed.

    ``conversations`` were read: ``opted_out`` of these people asked us to stop, ``to_look_at`` may
    have asked so, ``waiting`` wait for our answer; ``withdrawn`` messages were taken back and
    ``campaigns_stopped`` ended.
    """

    conversations: int = 0
    opted_out: int = 0
    to_look_at: int = 0
    waiting: int = 0
    withdrawn: int = 0
    campaigns_stopped: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def hear(store: Store) -> Heard:
    """Judge all words that were not judged yet; the first run reads the whole history.

    A contact who asks us to stop is opted out. Replies are reported, and take back what was queued.
    After a crash in between, the next run judges the same words again.
    """
    heard = Heard()
    rows = pages(store, "agent_inbox_unheard", row_limit=PAGE_ROWS, ends="agent_inbox_unheard_ends")
    for page in batches(rows, PAGE_ROWS):
        _act_on(store, page, heard)
    return heard


def hear_these(store: Store, ids: Sequence[str]) -> None:
    """Judge the words of a few people that were not judged yet.

    An id is that of a contact, or the address, ``platform:name``, of somebody whom the CRM refuses.
    """
    contacts: list[Json] = [id_ for id_ in ids if ":" not in id_]
    addresses: list[Json] = [id_ for id_ in ids if ":" in id_]
    if contacts:
        _act_on(store, store.call("agent_inbox_unheard", ids=contacts), Heard())
    if addresses:
        judged: list[Json] = []
        for row in store.call("agent_words_unheard", addresses=addresses):
            wish, said = _wish(row)
            words = said["text"] if wish is not None else None
            judged.append({"id": row["id"], "hash": row["hash"], "words": words})
        store.call("agent_words_heard", judged=judged)


def _act_on(store: Store, page: Sequence[Mapping[str, Any]], heard: Heard) -> None:
    often = Counter(
        said["text"][:BEGINNING]
        for row in page
        for said in row["texts"]
        if said["from"] == "unknown" and said["text"]
    )
    wishes = {row["id"]: _wish(row) for row in page}
    for row in page:
        question = None if wishes[row["id"]][0] else _open_question(row)
        if question is not None and often[question["text"][:BEGINNING]] < TEMPLATE_ROWS:
            wishes[row["id"]] = "doubt", question
    stop: list[Json] = [id_ for id_, (wish, _) in wishes.items() if wish == "stop"]
    waiting: list[Json] = [row["id"] for row in page if row["waits"] and row["id"] not in stop]
    judged: list[Json] = []
    for row in page:
        wish, said = wishes[row["id"]]
        look = {"look_at": said["at"], "look_words": said["text"]} if wish == "doubt" else {}
        heard.to_look_at += wish == "doubt"
        judged.append({"id": row["id"], "heard_at": row["heard_at"], **look})
    if stop:
        answer = store.call("agent_outreach_opt_out", contact_ids=stop)
        heard.opted_out += answer["opted_out"]
        _count(answer, heard)
    if waiting:
        _count(store.call("agent_outreach_replied", contact_ids=waiting), heard)
    store.call("agent_inbox_heard", judged=judged)
    heard.conversations += len(page)
    heard.waiting += len(waiting)


def _count(answer: Mapping[str, Any], heard: Heard) -> None:
    heard.withdrawn += answer["withdrawn"]
    heard.campaigns_stopped += len(answer["campaigns"])


def _wish(row: Mapping[str, Any]) -> tuple[Wish | None, Mapping[str, Any]]:
    """Return what their words ask for, and the text that does; a clear word wins over a doubt."""
    found: tuple[Wish | None, Mapping[str, Any]] = (None, {})
    for said in row["texts"]:
        wish = wish_in(said["text"])
        if wish == "stop":
            return wish, said
        if wish == "doubt" and found[0] is None and _is_new(said, row["done_at"]):
            found = wish, said
    return found


def _open_question(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a text that nobody is named as the author of, which only a customer asks.

    One before our last message is answered, as is one that is stored as theirs too.
    """
    if row["waits"]:
        return None
    theirs = {str(said["text"])[:BEGINNING] for said in row["texts"] if said["from"] == "them"}
    ours_at = stored_moment(row["ours_at"])
    texts: list[Mapping[str, Any]] = row["texts"]
    for said in texts:
        at = stored_moment(said["at"])
        if (
            said["from"] == "unknown"
            and said["text"]
            and is_asked_of_us(said["text"])
            and said["text"][:BEGINNING] not in theirs
            and _is_new(said, row["done_at"])
            and (at is None or ours_at is None or at > ours_at)
        ):
            return said
    return None


def _is_new(said: Mapping[str, Any], done_at: str | None) -> bool:
    if done_at is None:
        return True
    at, done = stored_moment(said["at"]), stored_moment(done_at)
    return at is not None and (done is None or at > done)
