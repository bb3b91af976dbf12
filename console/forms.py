"""The forms of the console, read as the command line reads its options."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from actp.campaigns.creation import campaign_rows
from actp.cli.batch import metadata
from actp.cli.campaign import new_campaign_id, request_of
from actp.cli.contacts import listed_platform
from actp.cli.limits import KINDS, policy_of, weekdays_of
from actp.cli.platforms import EVERYTHING, PAUSABLE, known_platform
from actp.cli.requests import DEFAULT_PRIORITY, Terms, checked
from actp.cli.times import coming, duration, moment
from actp.errors import InvalidInput
from actp.safari.addresses import HOSTS
from actp.safari.catalogue import SERVICES
from actp.settings import DEFAULT_DAILY_LIMITS, UNNAMED_ACCOUNT, parse_login

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.campaigns.creation import Request as CampaignRequest
    from actp.cli.requests import Request
    from actp.settings import Settings

__all__ = ["ACTIONS", "Arguments", "arguments_of", "campaign_request", "new_command"]

Arguments = dict[str, Any]

HIGHEST_LIMIT: Final = 100_000
HIGHEST_PRIORITY: Final = 9
DAY_SECONDS: Final = 86_400
DOORS: Final = ("commands", "messages", "posts")
IDS: Final = frozenset({"id", "contact_id"})


def arguments_of(action: str, form: Mapping[str, str], settings: Settings) -> Arguments:
    """Return the arguments of an action; raises InvalidInput for an unusable form."""
    if action not in _READERS:
        raise InvalidInput(f"there is no action {action[:40]!r}", remedy="Reload the page.")
    try:
        return _READERS[action](form, settings)
    except KeyError as missing:
        raise InvalidInput(f"the form lacks {missing}", remedy="Reload the page.") from None
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput("the form cannot be read", remedy="Reload the page.") from None


def new_command(form: Mapping[str, str], settings: Settings) -> Request:
    """Return the command that a form describes; raises InvalidInput as a worker would refuse it."""
    zone, now = ZoneInfo(settings.safari_time_zone), datetime.now(UTC)
    at, expires = (
        moment(form[name], now=now, zone=zone) if form.get(name, "").strip() else None
        for name in ("at", "expires")
    )
    priority = form.get("priority", "").strip() or str(DEFAULT_PRIORITY)
    if not (priority.isascii() and priority.isdigit() and int(priority) <= HIGHEST_PRIORITY):
        raise InvalidInput(f"not a priority: {priority[:40]!r}", remedy="Give 0 to 9, 0 first.")
    action, to, text = form["action"], form["to"].strip(), form["text"].strip()
    by_action: dict[str, dict[str, Any]] = {
        "send_dm": {"username": to, "text": text},
        "comment": {"postUrl": to, "text": text},
        "tweet": {"text": text},
        "market_research": {"query": text, "maxPosts": _number(form.get("posts", "20"), "posts")},
    }
    if action not in by_action:
        raise InvalidInput(f"there is no action {action[:40]!r}", remedy="Reload the page.")
    terms = Terms(
        int(priority),
        at=at,
        expires=expires,
        key=form["key"].strip() or None,
        metadata=_metadata(form.get("metadata", "")),
        account=form.get("account", "").strip() or None,
    )
    platform = "twitter" if action == "tweet" else form["platform"].strip().lower()
    return checked(action, platform, by_action[action], terms, now=now)


def _metadata(given: str) -> Arguments | None:
    if not given.strip():
        return None
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        raise InvalidInput("the metadata is not JSON", remedy='Write {"order": 17}.') from None
    return metadata(found)


def campaign_request(form: Mapping[str, str], settings: Settings) -> CampaignRequest:
    """Return the campaign that a form describes; raises InvalidInput."""
    targets = ",".join(form["targets"].splitlines())
    is_sweep = form["type"].startswith("research")
    spacing = duration(form.get("spacing", "").strip() or "10m")
    if spacing is None:
        raise InvalidInput("not a length of time", remedy="Write 10m or 2h.")
    return request_of(
        {
            "type_": form["type"],
            "platform": form["platform"],
            "handles": "" if is_sweep else targets,
            "queries": targets if is_sweep else "",
            "table": None,
            "texts": None,
            "text": [line.strip() for line in form.get("texts", "").splitlines() if line.strip()],
            "about": None,
            "spacing": spacing,
            "max_posts": _number(form.get("posts", "20"), "posts"),
        },
        settings,
    )


def _campaign(form: Mapping[str, str], settings: Settings) -> Arguments:
    request = campaign_request(form, settings)
    campaign_id = form.get("campaign_id") or new_campaign_id(form["type"])
    return campaign_rows(campaign_id, request, datetime.now(UTC))


def _enqueue(form: Mapping[str, str], settings: Settings) -> Arguments:
    return {"commands": [new_command(form, settings).row()]}


def _bulk(form: Mapping[str, str], settings: Settings) -> Arguments:
    arguments: Arguments = {
        "filter": _filter(form["filter"]),
        "action": form["action"],
        "expected": int(form["expected"]),
        "seen_at": datetime.fromisoformat(form["seen_at"]).isoformat(),
    }
    if form.get("verdict"):
        arguments["verdict"] = form["verdict"]
    if form["action"] == "reschedule":
        arguments["scheduled_for"] = _moment(form["at"], settings)
    if form["action"] == "reassign":
        arguments["account"] = parse_login(form["account"])
    return arguments


def _filter(given: str) -> Arguments:
    """Return a filter that a page made: texts by name, or the ids of a selection."""
    found = json.loads(given)
    if not isinstance(found, dict):
        raise TypeError("a filter is an object")
    return {
        str(name): [_id(str(each)) for each in value] if name == "ids" else str(value)
        for name, value in found.items()
    }


def _reschedule(form: Mapping[str, str], settings: Settings) -> Arguments:
    return {"id": _id(form["id"]), "scheduled_for": _moment(form["at"], settings)}


def _moment(given: str, settings: Settings) -> str:
    zone = ZoneInfo(settings.safari_time_zone)
    return coming(given, now=datetime.now(UTC), zone=zone).isoformat()


def _pause(form: Mapping[str, str], _: Settings) -> Arguments:
    given = form.get("for", "").strip()
    seconds = _seconds(given) if given else None
    return {
        "platform": _pausable(form),
        "seconds": seconds,
        "note": form.get("note") or None,
        "account": _account(form),
    }


def _reassign(form: Mapping[str, str], _: Settings) -> Arguments:
    return {"id": _id(form["id"]), "account": parse_login(form["account"])}


def _rename(form: Mapping[str, str], _: Settings) -> Arguments:
    account, name = (parse_login(form[field]) for field in ("account", "name"))
    platform = known_platform(form["platform"], tuple(sorted(DEFAULT_DAILY_LIMITS)))
    return {"platform": platform, "account": account, "name": name}


def _account(form: Mapping[str, str]) -> str | None:
    given = form.get("account", "").strip()
    return parse_login(given) if given else None


def _pausable(form: Mapping[str, str]) -> str:
    return known_platform(form["platform"], (EVERYTHING, *PAUSABLE))


def _limit(form: Mapping[str, str], settings: Settings) -> Arguments:
    platform, kind = form["platform"], form["kind"]
    if platform not in settings.safari_daily_limits or kind not in KINDS:
        raise InvalidInput("there is no such limit", remedy="Reload the page.")
    account = None if (given := _account(form)) == UNNAMED_ACCOUNT else given
    wanted: Arguments | None = None
    if form.get("reset") != "yes":
        wanted = _pace(form)
        if form.get("limit", "").strip():
            wanted["daily_limit"] = _number(form["limit"], "limit")
        if not wanted:
            raise InvalidInput("no value given", remedy="Fill in a field.")
    policy = policy_of(settings, platform, kind, wanted, account=account)
    return {"policies": [policy], "settings": {}}


def _pace(form: Mapping[str, str]) -> Arguments:
    """Return the fields of a pace that are filled in; an unset one stays as it is."""
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    pace: Arguments = {
        f"{name}_limit": _number(given[name], name)
        for name in ("hourly", "rolling", "weekly")
        if name in given
    }
    if "gap" in given:
        pace["min_gap_seconds"] = _seconds(given["gap"]) if given["gap"] != "0" else 0
    if "ramp" in given:
        pace["ramp_days"] = (
            int(_seconds(given["ramp"]) // DAY_SECONDS) if given["ramp"] != "0" else 0
        )
    if "weekdays" in given:
        pace["weekdays"] = weekdays_of(given["weekdays"])
    if "spread" in given:
        pace["spread"] = given["spread"] == "yes"
    return pace


def _backlog(form: Mapping[str, str], _: Settings) -> Arguments:
    if form["door"] not in DOORS:
        raise InvalidInput("there is no such list", remedy="Reload the page.")
    expected = _number(form["expected"], "rows")
    return {"accept": form["accept"] == "yes", "doors": [form["door"]], "expected": expected}


def _block(form: Mapping[str, str], _: Settings) -> Arguments:
    platform = listed_platform(form["platform"])
    recipient = form["recipient"].strip()
    is_blocked = form.get("blocked", "yes") == "yes"
    note = form.get("note") or None
    return {"platform": platform, "recipient": recipient, "blocked": is_blocked, "note": note}


def _service(form: Mapping[str, str], _: Settings) -> Arguments:
    if form["service"] not in SERVICES:
        raise InvalidInput(f"there is no service {form['service'][:40]!r}", remedy="Reload.")
    return {"service": form["service"], "account": _account(form)}


def _reply(form: Mapping[str, str], _: Settings) -> Arguments:
    contact, text = _id(form["contact_id"]), form["text"].strip()
    # The same answer to the same person, pressed twice, is one message.
    digest = sha256(f"{contact} {text} {datetime.now(UTC):%Y-%m-%d}".encode()).hexdigest()
    arguments: Arguments = {"contact_id": contact, "text": text, "key": f"inbox:{digest[:32]}"}
    if platform := form.get("platform", "").strip().lower():
        arguments["platform"] = known_platform(platform, tuple(sorted(HOSTS)))
    return arguments


def _snooze(form: Mapping[str, str], _: Settings) -> Arguments:
    return {"contact_id": _id(form["contact_id"]), "seconds": _seconds(form["for"])}


def _tag(form: Mapping[str, str], _: Settings) -> Arguments:
    added, removed = (
        [tag for tag in form.get(name, "").split(",") if tag.strip()]
        for name in ("added", "removed")
    )
    return {"contact_id": _id(form["contact_id"]), "added": added, "removed": removed}


def _review(form: Mapping[str, str], _: Settings) -> Arguments:
    drafts = [
        {"id": _id(str(each["id"])), "content_hash": str(each["content_hash"])}
        for each in json.loads(form["drafts"])
    ]
    return {"drafts": drafts, "verdict": form["verdict"]}


def _review_all(form: Mapping[str, str], _: Settings) -> Arguments:
    return {"filter": _filter(form["filter"]), "verdict": form["verdict"], "seen": form["seen"]}


def _seconds(given: str) -> float:
    span = duration(given.strip())
    if not span:
        raise InvalidInput(f"not a length of time: {given[:40]!r}", remedy="Write 30m, 2h or 3d.")
    return span.total_seconds()


def _number(given: str, what: str) -> int:
    value = given.strip()
    if not (value.isascii() and value.isdigit() and int(value) <= HIGHEST_LIMIT):
        remedy = f"Give a number from 0 to {HIGHEST_LIMIT:,}."
        raise InvalidInput(f"not a number of {what}: {value[:40]!r}", remedy=remedy)
    return int(value)


def _id(given: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        raise InvalidInput(f"not an id: {given[:40]!r}", remedy="Reload the page.") from None


def _named(
    *names: str, **optional: str | None
) -> Callable[[Mapping[str, str], Settings], Arguments]:
    return lambda form, _: {
        **{name: _id(form[name]) if name in IDS else form[name] for name in names},
        **{name: form.get(name) or usual for name, usual in optional.items()},
    }


_READERS: Final[dict[str, Callable[[Mapping[str, str], Settings], Arguments]]] = {
    "enqueue": _enqueue,
    "cancel": _named("id"),
    "retry": _named("id"),
    "resolve": _named("id", "verdict"),
    "look_again": _named("id"),
    "reschedule": _reschedule,
    "reassign": _reassign,
    "bulk": _bulk,
    "pause": _pause,
    "resume": lambda form, _: {"platform": _pausable(form), "account": _account(form)},
    "resume_service": _service,
    "configure": _limit,
    "rename_account": _rename,
    "backlog": _backlog,
    "campaign_start": _campaign,
    "campaign_cancel": _named("campaign_id"),
    "campaign_replied": _named("handle", platform=None),
    "campaign_go_on": _named("handle", platform=None),
    "block_contact": _block,
    "people_join": _named("one", "other"),
    "people_part": _named("one", "other", note=None),
    "inbox_reply": _reply,
    "inbox_done": _named("contact_id"),
    "inbox_draft": _named("contact_id"),
    "inbox_snooze": _snooze,
    "inbox_tag": _tag,
    "review": _review,
    "review_all": _review_all,
    "review_edit": _named("id", "text"),
    "webhooks_retry": lambda form, _: {"key": form["key"] or None},
    "free_safari": lambda form, _: {"confirmed": form["confirmed"] == "yes"},
}
ACTIONS: Final = tuple(_READERS)
