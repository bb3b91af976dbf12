"""Shows campaigns: what one starts with, how many targets stand where, what each waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.campaigns.sources import SHIPPED_NAME, WRITER
from actp.cli.output import console, counted, emit_json, one_line, say, table, text
from actp.cli.times import short_duration, short_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from actp.campaigns.creation import Request

__all__ = ["show_campaign", "show_campaigns", "show_started"]

LONGEST_TEXT = 90
LONGEST_REASON = 240


def show_started(
    rows: Mapping[str, Any],
    request: Request,
    *,
    as_json: bool,
    has_crm: bool = True,
    is_dry: bool = False,
) -> None:
    """Print what was started, or with ``is_dry`` what would be and all it may say."""
    wording = request.wording
    notes = list(_notes(request, has_crm=has_crm))
    if as_json:
        shown = {key: rows[key] for key in ("campaign_id", "campaign_type", "platform", "commands")}
        texts = None if wording is None else dict(wording.steps)
        shown |= {"targets": list(request.targets), "texts": texts}
        emit_json({**shown, "dry_run": is_dry, "notes": notes})
        return
    count = counted(len(request.targets), "target")
    commands = counted(len(rows["commands"]), "command")
    if is_dry:
        say(f"Would start {request.type} on {request.platform}: {count}, {commands} at once.")
        for step, variants in () if wording is None else wording.steps.items():
            for variant in variants:
                say(f"  {step}: {one_line(variant, LONGEST_TEXT)}")
        say("Nothing was stored.")
    else:
        say(f"Started {rows['campaign_id']}: {request.type} on {request.platform}.")
        say(f"  {count}, {commands} enqueued")
        say(f"  progress: bin/campaign status {rows['campaign_id']}")
    for note in notes:
        say(f"  {note}")


def _notes(request: Request, *, has_crm: bool) -> Iterator[str]:
    if (wording := request.wording) is not None:
        draw = "; each person gets one of several variants" if wording.varies else ""
        yield f"texts: {wording.source}{draw}"
        if wording.source == SHIPPED_NAME:
            yield "to use other texts: --about SUBJECT, --texts FILE, or SAFARI_CAMPAIGN_TEXTS"
        elif wording.source == WRITER:
            yield "each start writes new ones; to keep these, save them in a --texts FILE"
    if request.type == "comment_warmup" and request.spacing:
        yield f"one comment to a person every {short_duration(request.spacing.total_seconds())}"
    if request.type == "dm_sequence" and request.platform == "tiktok":
        yield "one message 24 h after the last comment"
        yield "no follow-up: the TikTok service messages a person only once"
    elif request.type == "dm_sequence":
        yield "first message 24 h after the last comment, then 72 h between messages"
        if not has_crm:
            yield "the CRM is empty: mark replies with bin/campaign replied HANDLE"


def show_campaigns(runs: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of campaigns, newest first."""
    if not runs:
        say("No campaigns yet. To start one: bin/campaign start --help")
        return
    shown = table("campaign", "type", "platform", "status", "targets", "steps", "started")
    shown.columns[0].no_wrap = True  # one has to type it
    shown.columns[0].overflow = "fold"
    for run in runs:
        states = ", ".join(f"{count} {state}" for state, count in sorted(run["states"].items()))
        held = f", {run['held']} held" if run["held"] else ""
        if no_mac := run.get("no_mac"):
            held += f", {no_mac} without a Mac"
        shown.add_row(
            text(run["campaign_id"]),
            text(run["campaign_type"]),
            text(run["platform"]),
            text(run["status"]),
            text(states + held),
            text(f"{run['completed']}/{run['total_tasks']}"),
            text(short_time(run["started_at"])),
        )
    console().print(shown)


def show_campaign(run: Mapping[str, Any]) -> None:
    """Print one campaign with each of its targets and what a person has to do."""
    targets = run["targets"]
    say(f"{run['campaign_id']}: {run['campaign_type']} on {run['platform']}, {run['status']}")
    say(
        f"  {counted(len(targets), 'target')}, {run['completed']} of {run['total_tasks']} steps "
        f"completed, {run['failed']} failed, started {short_time(run['started_at'])}"
    )
    shown = table("target", "state", "step", "next", "commands")
    for target in targets:
        shown.add_row(
            text(target["handle"]),
            text(target["state"]),
            text(target["step"]),
            text(target["hold"] or short_time(target["next_step_at"])),
            text(", ".join(_command(command) for command in target["commands"])),
        )
    console().print(shown)
    for target in targets:
        if target["hold"]:
            say(
                f"{one_line(target['handle'])} is held, {one_line(target['hold'], LONGEST_REASON)}:"
            )
            say(f"  {_remedy(target)}")
        for why, remedy in _waits(target):
            say(f"{one_line(target['handle'])} waits: {one_line(why, LONGEST_REASON)}")
            say(f"  {remedy}")


def _command(command: Mapping[str, Any]) -> str:
    state = command["reason"] or command["hold"] or command["status"]
    return f"{command['step']} {'held' if state == 'campaign' else state}"


def _waits(target: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield why a target waits for a Mac that is gone, and what to do."""
    for command in target["commands"]:
        wait = command.get("waits") or {}
        if wait.get("for") == "its account":
            why, _, _ = wait["detail"].partition("; ")
            yield why, f"start that Mac, or bin/queue reassign {command['id'][:8]} ACCOUNT"
            return
    if why := target.get("no_mac"):
        handle = one_line(target["handle"])
        remedy = (
            "start that Mac; or, once the next step is due, look at the conversation and run "
            f"bin/campaign replied {handle} or bin/campaign go-on {handle}"
        )
        yield f"{why}: a reply would not be seen", remedy


def _remedy(target: Mapping[str, Any]) -> str:
    why, _, step = target["hold"].partition(": ")
    ids = [command["id"] for command in target["commands"] if command["step"] == step]
    named = ids[0] if ids else "ID"
    match why:
        case "unknown":
            return f"check, then bin/queue resolve {named} sent (or not-sent)"
        case "not_sent" | "exhausted":
            return f"bin/queue retry {named}, or bin/campaign cancel"
        case _:
            handle = one_line(target["handle"])
            return f"read it, then bin/campaign replied {handle}, or bin/campaign go-on {handle}"
