"""``review``: drafts that need approval before they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import console, counted, emit_json, say, table, text
from actp.cli.times import short_time
from actp.errors import InvalidInput
from actp.operators import act, operator_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.store import Json, Store

__all__ = ["review"]

MOST_AT_ONCE = 10_000
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


@click.group(cls=Group, invoke_without_command=True)
@_filters
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="Maximum number of drafts.")
@json_option
@click.pass_context
def review(context: click.Context, /, *, limit: int, as_json: bool, **given: str | None) -> None:
    """List drafts that wait for approval, with the reason and the whole text.

    REVIEW says what is held: off (only drafts you asked for), ai (what Claude wrote) or all. A
    draft without a decision expires after three days and is not sent.
    """
    if context.invoked_subcommand is not None:
        return
    with database() as store:
        answer = _listed(store, given, limit)
    if as_json:
        emit_json(answer)
    else:
        _show(answer)


@review.command()
@click.argument("beginnings", metavar="[ID...]", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Apply to all drafts that the options match.")
@_filters
@json_option
def approve(
    beginnings: tuple[str, ...], *, every: bool, as_json: bool, **given: str | None
) -> None:
    """Approve drafts, exactly as they are now."""
    _decide("approve", beginnings, every, given, as_json=as_json)


@review.command()
@click.argument("beginnings", metavar="[ID...]", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Apply to all drafts that the options match.")
@_filters
@json_option
def reject(beginnings: tuple[str, ...], *, every: bool, as_json: bool, **given: str | None) -> None:
    """Reject drafts; they are never sent."""
    _decide("reject", beginnings, every, given, as_json=as_json)


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
    every: bool,  # noqa: FBT001  a flag of the command line
    given: Mapping[str, str | None],
    *,
    as_json: bool,
) -> None:
    if bool(beginnings) == every:
        raise click.UsageError("Give IDs, or --all with a filter.")
    with database() as store:
        drafts: list[dict[str, Any]] = _listed(store, given, MOST_AT_ONCE)["rows"]
        if not every:
            wanted = {store.call("safari_review_find", beginning=each) for each in beginnings}
            drafts = [draft for draft in drafts if draft["id"] in wanted]
        shown: list[Json] = [
            {"id": draft["id"], "content_hash": draft["content_hash"]} for draft in drafts
        ]
        answer = act(store, operator_here("cli"), "review", drafts=shown, verdict=verdict)
    if as_json:
        emit_json(answer)
        return
    word = {"approve": "approved", "reject": "rejected"}[verdict]
    say(f"{counted(answer['done'], 'draft')} {word}.")
    missing = len(beginnings) - len(drafts) if beginnings else 0
    if answer["left_alone"] or missing > 0:
        left = answer["left_alone"] + max(missing, 0)
        say(f"Skipped because they were decided, expired or changed:  {counted(left, 'draft')}.")


def _listed(store: Store, given: Mapping[str, str | None], limit: int) -> dict[str, Any]:
    wanted: dict[str, Json] = {
        name: value.strip().lower() for name, value in given.items() if value
    }
    answer: dict[str, Any] = store.call("safari_review_list", filter=wanted, row_limit=limit)
    return answer


def _show(answer: Mapping[str, Any]) -> None:
    waiting = answer["waiting"]
    say(
        f"{counted(waiting, 'draft')} waiting for approval."
        if waiting
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
