"""What ``crm_brain.py`` prints. Its callers look for the lines with a tick, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.output import console, counted, one_line, say, table, text
from actp.cli.times import short_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "show_linkedin",
    "show_queue",
    "show_review",
    "show_score",
    "show_send",
    "show_status",
    "show_sync",
]

_DONE = "\u2705"
_WARNING = "\u26a0\ufe0f "


def show_sync(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: FBT001 - as all of them
    """Return what was read of each inbox; a worker reads from the first lines which were."""
    for row in result["rows"]:
        match row["state"]:
            case "read":
                say(f"Read {row['platform']}: {row['conversations']} conversations")
            case "unused":
                say(f"{row['platform']}: service not seen for a week, skipping")
            case _:
                say(f"{_WARNING} {one_line(row['error'], 300)}")
    if verbose:
        say(
            f"{result['new']:,} new contacts, {result['replies']:,} replies, "
            f"{result['opted_out']:,} opted out; {result['withdrawn']:,} messages and "
            f"{result['campaigns_stopped']:,} campaigns stopped"
        )
    say(f"{_DONE} Synced {result['synced']} contacts total")


def show_linkedin(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: ARG001, FBT001
    """Return how many prospects were synced."""
    say(f"{_DONE} {result['synced_linkedin']} LinkedIn prospects synced")


def show_score(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: FBT001
    """Return how many contacts have a new score."""
    if result["error"]:
        say(f"{_WARNING} {one_line(result['error'], 300)}")
    if verbose:
        say(f"Claude: {result['claude']}")
    say(f"{_DONE} Scored {result['scored']} contacts")


def show_queue(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: FBT001
    """Return how many messages were queued."""
    if verbose or result["dry_run"]:
        _print_messages(
            (row["name"], row["platform"], short_time(row["scheduled_for"]), row["message_body"])
            for row in result["rows"]
        )
    say(f"{_DONE} {result['queued']} messages queued")


def show_send(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: FBT001
    """Return how many messages were handed over; a worker sends them within the limits."""
    if verbose or result["dry_run"]:
        _print_messages(
            (row["name"], row["platform"], row["refusal"] or "", row["body"])
            for row in result["rows"]
        )
    if result["dry_run"]:
        say(f"{counted(result['handed'], 'message')} would be handed to the command queue")
        return
    say("Handed to the command queue, which sends within limits and hours:")
    say(f"{_DONE} {result['handed']} messages sent")


def show_status(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: ARG001, FBT001
    """Print the board: stages, queue, inboxes, and who is warmest."""
    say(f"{counted(result['contacts'], 'contact')}: {_counts(result['stages'])}")
    say(f"Messages: {_counts(result['queue'])}")
    inboxes = table("inbox", "contacts", "unread", "read", numbers=("contacts", "unread"))
    for row in result["inboxes"]:
        inboxes.add_row(
            text(row["platform"]),
            f"{row['contacts']:,}",
            f"{row['unread']:,}",
            short_time(row["read_at"]) if row["read_at"] else "never",
        )
    console().print(inboxes)
    if result["top"]:
        warmest = table("name", "platform", "score", "stage", "next", numbers=("score",))
        for row in result["top"]:
            warmest.add_row(
                text(row["display_name"] or row["username"], longest=30),
                text(row["platform"]),
                f"{row['relationship_score']}",
                text(row["relationship_stage"]),
                text(row["next_action"]),
            )
        console().print(warmest)


def show_review(result: Mapping[str, Any], verbose: bool) -> None:  # noqa: ARG001, FBT001
    """Print all that is known of each contact."""
    for contact in result["contacts"]:
        name = one_line(contact["display_name"] or contact["username"])
        place = f"{one_line(contact['username'])} on {one_line(contact['platform'])}"
        say(f"{name} ({place}), {one_line(contact['id'])}")
        score, stage = contact["relationship_score"] or 0, contact["relationship_stage"]
        say(f"  score {score}, {one_line(stage)}; ready for an offer {contact['offer_readiness']}")
        for label in ("headline", "summary", "next_action", "veto"):
            if contact[label]:
                say(f"  {label.replace('_', ' ')}: {one_line(contact[label], 300)}")
        said = table("who", "when", "text")
        for message in contact["messages"]:
            when = short_time(message["at"]) if message["at"] else ""
            said.add_row(text(message["from"]), text(when), text(message["text"]))
        for message in contact["queue"]:
            when = short_time(message["scheduled_for"]) if message["scheduled_for"] else ""
            said.add_row(text(message["status"]), text(when), text(message["text"]))
        if said.row_count:
            console().print(said)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {one_line(name)}" for name, n in sorted(counts.items())) or "none"


def _print_messages(rows: Iterable[tuple[Any, Any, Any, Any]]) -> None:
    shown = table("to", "where", "due, or why not", "text")
    for name, place, note, body in rows:
        shown.add_row(text(name, longest=24), text(place), text(note, longest=40), text(body))
    if shown.row_count:
        console().print(shown)
