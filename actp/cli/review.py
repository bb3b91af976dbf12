"""``review``: drafts that need approval before they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.bulk import agreed
from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import console, counted, emit_json, say, table, text
from actp.cli.platforms import PAUSABLE
from actp.cli.times import short_time
from actp.clients.blotato.posts import MAX_LENGTHS
from actp.errors import InvalidInput, NotFound, WrongState
from actp.operators import act, operator_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.store import Json, Store

__all__ = ["review"]

MOST_AT_ONCE = 10_000
# Posts go to more platforms than commands.
_PLATFORMS: Final = tuple(sorted({*MAX_LENGTHS, *PAUSABLE} - {"local", "research"}))
KINDS = ("send_dm", "comment", "tweet", "post")


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--contains", metavar="WORDS", help="Only with these words in the text or name."
        ),
        click.option("--kind", type=click.Choice(KINDS), help="Only this kind."),
        click.option("--platform", metavar="PLATFORM", help="Only on this platform."),
    ):
        command = option(command)
    return command


def _all_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--expect",
            type=click.IntRange(0),
            metavar="N",
            help="With --all: refuse unless N drafts match.",
        ),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--all", "every", is_flag=True, help="Apply to all drafts that the options match."
        ),
    ):
        command = option(command)
    return command


@click.group(cls=Group, invoke_without_command=True)
@_filters
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="Maximum number of drafts.")
@json_option
@click.pass_context
def review(context: click.Context, /, *, limit: int, as_json: bool, **given: str | None) -> None:
    """List drafts that wait for approval, with the reason and the whole text.

    REVIEW sets what is held: off (only drafts you asked for), ai (what Claude wrote) or all. A
    draft without a decision expires after three days and is not sent.
    """
    if context.invoked_subcommand is not None:
        return
    with database() as store:
        answer = _listed(store, given, limit)
    if not answer["waiting"]:
        _refuse_unmatched(_wanted(given), is_list=True)
    if as_json:
        emit_json(answer)
    else:
        _show(answer, _wanted(given))


@review.command()
@click.argument("beginnings", metavar="[ID...]", nargs=-1)
@_all_options
@_filters
@json_option
def approve(beginnings: tuple[str, ...], **options: Any) -> None:
    """Approve drafts, exactly as they are now.

    --all shows the number and asks for confirmation; if a draft is added, removed or changed before
    you answer, nothing is approved.
    """
    _decide("approve", beginnings, **options)


@review.command()
@click.argument("beginnings", metavar="[ID...]", nargs=-1)
@_all_options
@_filters
@json_option
def reject(beginnings: tuple[str, ...], **options: Any) -> None:
    """Reject drafts; they are never sent. With --all it asks."""
    _decide("reject", beginnings, **options)


@review.command()
@click.argument("beginning", metavar="ID")
@click.argument("words", metavar="TEXT", nargs=-1, required=True)
@json_option
def edit(beginning: str, words: tuple[str, ...], *, as_json: bool) -> None:
    """Replace a draft's text and approve it."""
    said = " ".join(words).strip()
    if not said:
        raise InvalidInput("the text is empty", remedy="Write the text after the ID.")
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "review_edit",
            id=store.call("safari_review_find", beginning=beginning),
            text=said,
        )
    if as_json:
        emit_json(answer)
    else:
        say("Edited and approved.")


def _decide(
    verdict: str,
    beginnings: tuple[str, ...],
    *,
    every: bool,
    as_json: bool,
    **given: Any,
) -> None:
    agreed_to = {"yes": given.pop("yes"), "expect": given.pop("expect")}
    if bool(beginnings) == every:
        raise click.UsageError("Give IDs, or --all with a filter.")
    with database() as store:
        if every:
            answer = _decide_all(store, verdict, _wanted(given), **agreed_to)
        else:
            answer = _decide_named(store, verdict, beginnings, given)
    if as_json:
        emit_json(answer)
        return
    word = {"approve": "approved", "reject": "rejected"}[verdict]
    say(f"{counted(answer['done'], 'draft')} {word}.")
    if left := answer["left_alone"]:
        say(f"Skipped because they were decided, expired or changed: {counted(left, 'draft')}.")


def _decide_named(
    store: Store, verdict: str, beginnings: tuple[str, ...], given: Mapping[str, str | None]
) -> dict[str, Any]:
    drafts = _listed(store, given, MOST_AT_ONCE)["rows"]
    wanted = {store.call("safari_review_find", beginning=each) for each in beginnings}
    shown: list[Json] = [
        {"id": draft["id"], "content_hash": draft["content_hash"]}
        for draft in drafts
        if draft["id"] in wanted
    ]
    answer: dict[str, Any] = act(
        store, operator_here("cli"), "review", drafts=shown, verdict=verdict
    )
    return {**answer, "left_alone": answer["left_alone"] + len(wanted) - len(shown)}


def _decide_all(
    store: Store, verdict: str, wanted: dict[str, Json], *, yes: bool, expect: int | None
) -> dict[str, Any]:
    """Decide all that match, after the operator agreed to the number.

    Raises InvalidInput without an agreement, WrongState when other drafts match than were counted.
    """
    seen = store.call("safari_review_matching", filter=wanted)
    count = seen["count"]
    if expect is not None and expect != count:
        raise WrongState(
            f"{counted(count, 'draft')} match, not {expect:,}: nothing was decided",
            remedy="See them: bin/review with the same options.",
        )
    if not count and expect is None:
        _refuse_unmatched(wanted)
    question = f"{verdict.capitalize()} {counted(count, 'draft')} ({', '.join(seen['places'])})?"
    if count and not yes and expect is None and not agreed(question):
        raise InvalidInput("nothing was decided", remedy="Answer y, or give --yes or --expect N.")
    if not count:
        return {"done": 0, "left_alone": 0}
    answer: dict[str, Any] = act(
        store,
        operator_here("cli"),
        "review_all",
        filter=wanted,
        verdict=verdict,
        seen=seen["seen"],
    )
    return answer


def _wanted(given: Mapping[str, str | None]) -> dict[str, Json]:
    return {name: value.strip().lower() for name, value in given.items() if value}


def _refuse_unmatched(wanted: Mapping[str, Json], *, is_list: bool = False) -> None:
    """Raise NotFound for a platform that is none, and words on which nothing can be done."""
    platform, words = wanted.get("platform"), wanted.get("contains")
    if platform and platform not in _PLATFORMS:
        cause = f"{str(platform)[:40]} is no platform of this worker: {', '.join(_PLATFORMS)}"
    elif words and not is_list:
        cause = f"no draft contains {str(words)[:40]}"
    else:
        return
    raise NotFound(cause, remedy="Check the spelling; bin/review lists the drafts.")


def _listed(store: Store, given: Mapping[str, str | None], limit: int) -> dict[str, Any]:
    answer: dict[str, Any] = store.call(
        "safari_review_list", filter=_wanted(given), row_limit=limit
    )
    return answer


def _show(answer: Mapping[str, Any], wanted: Mapping[str, Json]) -> None:
    waiting = answer["waiting"]
    say(
        f"{counted(waiting, 'draft')} waiting for approval."
        if waiting
        else "No draft matches."
        if wanted
        else "No drafts are waiting."
    )
    if not answer["rows"]:
        return
    shown = table("id", "what", "to", "expires", "why", "text")
    for row in answer["rows"]:
        shown.add_row(
            text(row["id"][:8]),
            text(f"{row['kind']} {row['platform'] or ''}", longest=24),
            text(row["recipient"], longest=24),
            short_time(row["expires_at"]),
            text(row["why"], longest=40),
            text(row["body"], longest=1000),
        )
    console().print(shown)
