"""Creates a campaign; validates all of it before storing any of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from actp.campaigns.events import Enqueue, Ticked
from actp.campaigns.machine import TargetState, decide
from actp.campaigns.orders import Addressee, order_of
from actp.campaigns.plan import plan_for
from actp.campaigns.records import state_json
from actp.campaigns.sources import WRITER
from actp.errors import InvalidInput
from actp.safari.addresses import clean_handle
from actp.safari.catalogue import route
from actp.safari.texts import clean_query, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from actp.campaigns.plan import CampaignType, Plan
    from actp.campaigns.wording import Wording

__all__ = ["DEFAULT_SPACING", "MAX_TARGETS", "Request", "campaign_rows", "checked_targets"]

MAX_TARGETS: Final = 1000
# Three comments in a row on one person's posts look like a machine.
DEFAULT_SPACING: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for: handles with a wording, or queries of a sweep."""

    type: CampaignType
    platform: str
    targets: tuple[str, ...]
    wording: Wording | None = None
    spacing: timedelta = DEFAULT_SPACING
    max_posts: int = 20

    @property
    def plan(self) -> Plan:
        """Return its stages."""
        return plan_for(self.type, self.platform)


def checked_targets(type_: CampaignType, platform: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return handles or queries in one spelling; raises InvalidInput naming each bad one."""
    is_sweep = type_ == "research_sweep"
    noun = "query" if is_sweep else "handle"
    clean: Callable[[str], str] = (
        clean_query if is_sweep else lambda value: clean_handle(platform, value)
    )
    wanted = [value for value in given if value.strip()]
    if not wanted:
        option = "--queries a,b" if is_sweep else "--handles a,b"
        raise InvalidInput(f"the campaign has no {noun}", remedy=f"Give {option}.")
    if len(wanted) > MAX_TARGETS:
        raise InvalidInput(
            f"{len(wanted)} targets are too many for one campaign",
            remedy=f"Give at most {MAX_TARGETS} at once.",
        )
    cleaned: dict[str, str] = {}
    wrong: list[str] = []
    for value in wanted:
        try:
            one = clean(value)
        except InvalidInput as error:
            wrong.append(str(error))
            continue
        if one.lower() in cleaned:
            wrong.append(f"{one} is there twice")
        cleaned[one.lower()] = one
    if wrong:
        raise InvalidInput("\n".join(wrong), remedy=f"Correct the list; name each {noun} once.")
    return tuple(cleaned.values())


def campaign_rows(campaign_id: str, request: Request, now: datetime) -> dict[str, Any]:
    """Return the arguments of safari_campaign_create; raises InvalidInput for unusable texts.

    ``now`` is the database's clock.
    """
    plan = request.plan
    start = decide(plan, TargetState(), (Ticked(now),))
    texts = _texts(campaign_id, request, plan)
    is_by_claude = request.wording is not None and request.wording.source == WRITER
    targets, commands = [], []
    for handle in request.targets:
        to = Addressee(
            id=str(uuid4()),
            campaign_id=campaign_id,
            platform=request.platform,
            handle=handle,
            texts=texts[handle],
            spacing_seconds=request.spacing.total_seconds(),
            max_posts=request.max_posts,
        )
        steps = [action for action in start.actions if isinstance(action, Enqueue)]
        commands += [order_of(to, step, now) for step in steps]
        targets.append(
            {
                "id": to.id,
                "handle": handle,
                "state": start.target.state,
                "step": start.target.steps[-1].name,
                "data": {
                    "written_by": "claude" if is_by_claude else "operator",
                    "texts": dict(to.texts),
                    "spacing_seconds": to.spacing_seconds,
                    "machine": state_json(start.target),
                },
            }
        )
    return {
        "campaign_id": campaign_id,
        "campaign_type": request.type,
        "platform": request.platform,
        "total_tasks": len(targets) * sum(len(stage.steps) for stage in plan),
        "targets": targets,
        "commands": commands,
    }


def _texts(campaign_id: str, request: Request, plan: Plan) -> dict[str, dict[str, str]]:
    """Return what each step says to each target, or what it searches."""
    if request.wording is None:
        return {query: {"research": query} for query in request.targets}
    texts = request.wording.texts_for(request.targets, seed=campaign_id)
    for stage in plan:
        service = route(stage.action, request.platform).name
        for handle, said in texts.items():
            said |= {step: _sendable(service, step, handle, said[step]) for step in stage.steps}
    return texts


def _sendable(service: str, step: str, handle: str, text: str) -> str:
    try:
        return clean_text(service, text)
    except InvalidInput as error:
        raise InvalidInput(f"{step} to {handle}: {error}", remedy=error.remedy) from None
