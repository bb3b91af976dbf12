"""Shows campaigns: how many targets stand where, and what each waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actp.cli.output import console, counted, one_line, say, table, text
from actp.cli.times import short_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["show_campaign", "show_campaigns"]


def show_campaigns(runs: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of campaigns, newest first."""
    if not runs:
        say("There is no campaign yet: bin/campaign start --help.")
        return
    shown = table("CAMPAIGN", "TYPE", "PLATFORM", "STATUS", "TARGETS", "STEPS", "STARTED")
    for run in runs:
        states = ", ".join(f"{count} {state}" for state, count in sorted(run["states"].items()))
        held = f", {run['held']} held" if run["held"] else ""
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
    shown = table("TARGET", "STATE", "STEP", "NEXT", "COMMANDS")
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
            say(f"{one_line(target['handle'])} is held, {one_line(target['hold'])}:")
            say(f"  {_remedy(target)}")


def _command(command: Mapping[str, Any]) -> str:
    state = command["reason"] or command["hold"] or command["status"]
    return f"{command['step']} {'held' if state == 'campaign' else state}"


def _remedy(target: Mapping[str, Any]) -> str:
    why, _, step = target["hold"].partition(": ")
    ids = [command["id"] for command in target["commands"] if command["step"] == step]
    named = ids[0] if ids else "ID"
    match why:
        case "unknown":
            return f"look, then safari_cloud_agent.py --resolve {named} sent (or not-sent)"
        case "not_sent" | "exhausted":
            return f"safari_cloud_agent.py --retry {named}, or --campaign-cancel"
        case _:
            handle = one_line(target["handle"])
            return f"look, then bin/campaign replied {handle}, or bin/campaign go-on {handle}"
