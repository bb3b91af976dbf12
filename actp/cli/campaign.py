"""``campaign``: starts, shows and cancels campaigns, and records an operator's decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from actp.campaigns.creation import DEFAULT_SPACING, Request, campaign_rows, checked_targets
from actp.campaigns.lists import TargetList, read_targets, refuse_unwilling
from actp.campaigns.plan import named_type, plan_for
from actp.campaigns.sources import choose_wording
from actp.cli.campaign_view import show_campaign, show_campaigns, show_started
from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import SPAN, json_option
from actp.cli.output import counted, emit_json, one_line, say
from actp.cli.platforms import known_platform
from actp.errors import InvalidInput
from actp.operators import act, operator_here
from actp.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.campaigns.plan import Plan
    from actp.campaigns.wording import Wording
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["campaign", "new_campaign_id", "request_of"]

# As the option is written; creation knows it as DEFAULT_SPACING.
SPACING = f"{int(DEFAULT_SPACING.total_seconds()) // 60}m"
platform_option = click.option("--platform", metavar="PLATFORM", help="Only on this platform.")


@click.group(cls=Group)
def campaign() -> None:
    """Run campaigns: steps to several people that stop at the first reply."""


@campaign.command()
@click.argument("type_", metavar="TYPE")
@click.option("--platform", required=True, help="Platform: twitter, instagram, tiktok or threads.")
@click.option("--handles", default="", metavar="A,B", help="To whom.")
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV file of recipients; texts can use its columns.",
)
@click.option("--queries", default="", metavar="A,B", help="Search queries of a research campaign.")
@click.option(
    "--texts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Texts, TOML or JSON; default: SAFARI_CAMPAIGN_TEXTS, or the built-in ones.",
)
@click.option("--text", multiple=True, help="Text of a step; repeat it for each step, in order.")
@click.option("--about", metavar="SUBJECT", help="Have Claude write the texts about this subject.")
@click.option(
    "--spacing",
    type=SPAN,
    default=SPACING,
    show_default=True,
    help="Time between two comments to one person.",
)
@click.option("--max-posts", type=click.IntRange(1, 1000), default=20, help="For each query.")
@click.option("--dry-run", is_flag=True, help="Validate and print it; store nothing.")
@json_option
def start(**options: Any) -> None:
    """Start a campaign.

    TYPE is warmup (3 comments), sequence (3 comments, then up to 3 messages) or research (one
    search for each query).
    """
    settings = load_settings()
    request = request_of(options, settings)
    campaign_id = new_campaign_id(options["type_"])
    # What is wrong with it is told before a database is asked for anything.
    rows = campaign_rows(campaign_id, request, datetime.now(UTC))
    cells = request.wording.cells if options["table"] and request.wording is not None else None
    if options["dry_run"]:
        if cells is not None:
            with database(settings) as store:
                refuse_unwilling(store, cells)
        show_started(rows, request, as_json=options["as_json"], is_dry=True)
        return
    with database(settings) as store:
        if cells is not None:
            refuse_unwilling(store, cells)
        rows = campaign_rows(campaign_id, request, _now(store))
        act(store, operator_here("cli"), "campaign_start", **rows)
        has_crm = bool(store.call("safari_campaign_has_crm"))
    show_started(rows, request, as_json=options["as_json"], has_crm=has_crm)


@campaign.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, help="Maximum number of campaigns."
)
@json_option
def status(campaign_id: str | None, limit: int, *, as_json: bool) -> None:
    """Show the newest campaigns, or one; a prefix of its ID is enough."""
    with database() as store:
        if campaign_id is None:
            runs = store.call("safari_campaigns", row_limit=limit)
            emit_json(runs) if as_json else show_campaigns(runs)
        else:
            run = store.call("safari_campaign_show", campaign_id=campaign_id)
            emit_json(run) if as_json else show_campaign(run)


@campaign.command()
@click.argument("campaign_id", metavar="ID")
@json_option
def cancel(campaign_id: str, *, as_json: bool) -> None:
    """Cancel a campaign: no further step starts."""
    with database() as store:
        answer = act(store, operator_here("cli"), "campaign_cancel", campaign_id=campaign_id)
    if as_json:
        emit_json(answer)
    else:
        say(f"Cancelled {answer['campaign_id']}: {counted(answer['cancelled'], 'target')}.")


@campaign.command()
@click.argument("handle")
@platform_option
@json_option
def replied(handle: str, platform: str | None, *, as_json: bool) -> None:
    """Mark a person as replied: all their steps stop."""
    with database() as store:
        person = store.call("safari_campaign_person", given=handle, platform=_known(platform))
        stopped = act(store, operator_here("cli"), "campaign_replied", **person)
    named = person["handle"]
    if as_json:
        emit_json(stopped)
        return
    if not stopped:
        say(f"{one_line(named)} was already marked as replied.")
    for target in stopped:
        say(
            f"{one_line(target['handle'])} on {target['platform']}: replied, was {target['was']} "
            f"({target['campaign_id']})"
        )


@campaign.command("go-on")
@click.argument("handle")
@platform_option
@json_option
def go_on(handle: str, platform: str | None, *, as_json: bool) -> None:
    """Mark that you looked and there is no reply, and continue.

    For an ambiguous message, or where the Mac that holds the conversation is gone.
    """
    with database() as store:
        person = store.call("safari_campaign_person", given=handle, platform=_known(platform))
        going = act(store, operator_here("cli"), "campaign_go_on", **person)
    named = person["handle"]
    if as_json:
        emit_json(going)
    else:
        say(f"{one_line(named)} goes on in {counted(len(going), 'campaign')}.")


def new_campaign_id(type_: str) -> str:
    """Return an id that says what kind of campaign it is and of which day."""
    return f"{type_.lower()}-{datetime.now(UTC):%Y%m%d}-{uuid4().hex[:8]}"


def request_of(options: Mapping[str, Any], settings: Settings) -> Request:
    """Return the campaign that the options of ``start`` describe; raises InvalidInput."""
    type_ = named_type(options["type_"])
    platform = options["platform"].strip().lower()
    plan = plan_for(type_, platform)
    is_sweep = type_ == "research_sweep"
    wanted, other = ("queries", "handles") if is_sweep else ("handles", "queries")
    if options[other] or (is_sweep and options["table"]):
        raise InvalidInput(f"--{other} does not go with {type_}", remedy=f"Add --{wanted} a,b.")
    listed = _listed(options["table"], platform, options["handles"])
    targets = listed.handles if listed else options[wanted].split(",")
    request = Request(
        type_,
        platform,
        checked_targets(type_, platform, targets),
        spacing=options["spacing"],
        max_posts=options["max_posts"],
    )
    if is_sweep:
        return request
    wording = _wording(plan, platform, settings, options, listed.columns if listed else ())
    if listed is not None:
        cells = zip(request.targets, listed.handles, strict=True)
        by_handle = {target: listed.cells[written] for target, written in cells}
        wording = replace(wording, cells=by_handle)
    return replace(request, wording=wording)


def _listed(path: Path | None, platform: str, handles: str) -> TargetList | None:
    if path is None:
        return None
    if handles:
        raise InvalidInput("--csv cannot be combined with --handles", remedy="Give one of them.")
    return read_targets(path, platform)


def _wording(
    plan: Plan,
    platform: str,
    settings: Settings,
    options: Mapping[str, Any],
    columns: tuple[str, ...],
) -> Wording:
    if options["about"] is None:
        return choose_wording(
            plan, settings, texts=options["text"], path=options["texts"], columns=columns
        )
    if options["text"] or options["texts"]:
        raise InvalidInput(
            "--about cannot be combined with --text or --texts", remedy="Give one of them."
        )
    from actp.campaigns.written import written_wording  # noqa: PLC0415  # seldom wanted

    return written_wording(plan, platform, settings, options["about"])


def _now(store: Store) -> datetime:
    return datetime.fromisoformat(store.call("safari_now"))


def _known(platform: str | None) -> str | None:
    return known_platform(platform) if platform else None
