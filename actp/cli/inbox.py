"""``inbox``: conversations that need an answer, and the ways to settle them."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import SPAN, json_option
from actp.cli.output import console, counted, emit_json, one_line, say, table, text
from actp.cli.times import short_time
from actp.errors import InvalidInput
from actp.operators import act, operator_here
from actp.safari.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from actp.store import Store

__all__ = ["inbox"]

_who = click.argument("who", metavar="ID")


@click.group(cls=Group, invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="Maximum number of people.")
@click.option("--snoozed", is_flag=True, help="Show snoozed conversations too.")
@json_option
@click.pass_context
def inbox(context: click.Context, limit: int, *, snoozed: bool, as_json: bool) -> None:
    """List who waits for your answer, oldest first, and answer them.

    ID is the beginning of a contact's id, a handle or a profile. Nothing automatic goes to these
    people until you have answered or dismissed what they wrote.
    """
    if context.invoked_subcommand is not None:
        return
    with database() as store:
        answer = store.call("agent_inbox", row_limit=limit, with_snoozed=snoozed)
    if as_json:
        emit_json(answer)
    else:
        _show(answer)


@inbox.command()
@_who
@json_option
def show(who: str, *, as_json: bool) -> None:
    """Show a conversation."""
    with database() as store:
        found = store.call("agent_inbox_show", contact_id=_found(store, who))
    if as_json:
        emit_json(found)
        return
    places = ", ".join(f"{place} {address}" for place, address in found["addresses"].items())
    say(f"{one_line(found['name'])}: {one_line(places) or 'no address'}")
    for message in found["messages"]:
        mark = "<" if message["from"] == "them" else ">"
        say(f"{short_time(message['at'])} {mark} {one_line(message['text'], 300)}")


@inbox.command()
@_who
@click.argument("words", metavar="TEXT", nargs=-1, required=True)
@click.option("--platform", help="Platform to answer on; default: where they wrote.")
@click.option("--key", help="Send at most once under this key; by default once a day per text.")
@json_option
def reply(
    who: str, words: tuple[str, ...], platform: str | None, key: str | None, *, as_json: bool
) -> None:
    """Answer through the command queue. An identical answer needs a --key within a day."""
    said = " ".join(words).strip()
    if fault := unfinished(said):
        raise InvalidInput(
            f"the answer cannot be sent: {fault}", remedy="Write a text that the service can send."
        )
    with database() as store:
        contact_id = _found(store, who)
        answer = act(
            store,
            operator_here("cli"),
            "inbox_reply",
            contact_id=contact_id,
            text=said,
            key=key or _key_of(contact_id, said),
            platform=platform and platform.strip().lower(),
        )
    state = "Queued" if answer["created"] else "Already queued"
    _tell(
        answer,
        f"{state} for {one_line(answer['address'])} on {answer['platform']}:"
        f" bin/show {answer['id'][:8]}",
        as_json=as_json,
    )


@inbox.command()
@_who
@json_option
def draft(who: str, *, as_json: bool) -> None:
    """Have Claude draft an answer; it is held until you approve it with bin/review."""
    from actp.domains.outreach.drafting import draft_reply  # noqa: PLC0415  # seldom wanted
    from actp.domains.tools import Tools  # noqa: PLC0415
    from actp.settings import load_settings  # noqa: PLC0415

    with Tools(load_settings()) as tools:
        answer = draft_reply(tools, _found(tools.store, who), operator_here("cli"))
    _tell(
        answer,
        f"Draft for {one_line(answer['address'])} on {answer['platform']}:\n{answer['text']}\n"
        f"Held: bin/review approve {answer['review_id'][:8]}, edit or reject it.",
        as_json=as_json,
    )


@inbox.command()
@_who
@json_option
def done(who: str, *, as_json: bool) -> None:
    """Dismiss a conversation until they write again."""
    with database() as store:
        answer = act(store, operator_here("cli"), "inbox_done", contact_id=_found(store, who))
    _tell(answer, f"Done: {answer['contact_id'][:8]}.", as_json=as_json)


@inbox.command()
@_who
@click.argument("span", type=SPAN, metavar="TIME")
@json_option
def snooze(who: str, span: timedelta, *, as_json: bool) -> None:
    """Hide a conversation for 2h or 2d; meanwhile nothing automatic goes to that person."""
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "inbox_snooze",
            contact_id=_found(store, who),
            seconds=span.total_seconds(),
        )
    _tell(answer, f"Snoozed until {short_time(answer['snoozed_until'])}.", as_json=as_json)


@inbox.command()
@_who
@click.argument("tags", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Remove these tags instead.")
@json_option
def tag(who: str, tags: tuple[str, ...], *, remove: bool, as_json: bool) -> None:
    """Tag a contact, for example customer or do_not_contact."""
    given = list(tags)
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "inbox_tag",
            contact_id=_found(store, who),
            added=[] if remove else given,
            removed=given if remove else [],
        )
    _tell(answer, f"Tags: {', '.join(answer['tags']) or 'none'}.", as_json=as_json)


def _key_of(contact_id: str, text: str) -> str:
    """Return one key for the same answer on the same day: a repeated call sends nothing."""
    words = sha256(text.encode()).hexdigest()[:16]
    return f"inbox:{contact_id}:{datetime.now(UTC).date()}:{words}"


def _found(store: Store, who: str) -> str:
    found: str = store.call("agent_inbox_find", who=who)
    return found


def _tell(answer: Any, sentence: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(answer)
    else:
        say(sentence)


def _show(answer: Mapping[str, Any]) -> None:
    hidden = f", {answer['snoozed']:,} snoozed" if answer["snoozed"] else ""
    waiting = counted(answer["waiting"], "conversation")
    say(
        f"{waiting} waiting for your answer{hidden}."
        if answer["waiting"]
        else "No conversation waits for an answer."
    )
    if not answer["rows"]:
        return
    shown = table(
        "id", "who", "where", "since", "score", "campaign", "last words", numbers=("score",)
    )
    for row in answer["rows"]:
        note = " (possible opt-out)" if row["reason"] == "look" else ""
        note += f" (answer {row['answer']})" if row["answer"] else ""
        shown.add_row(
            text(row["contact_id"][:8]),
            text(row["name"], longest=20),
            text(row["platform"]),
            short_time(row["heard_at"]),
            text(row["score"]),
            text(row["campaign"], longest=16),
            text(f"{row['words']}{note}", longest=200),
        )
    console().print(shown)
