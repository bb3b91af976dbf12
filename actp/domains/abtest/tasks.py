"""The tasks of the ab-tester agent."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from actp.clients.blotato.errors import BlotatoError
from actp.counts import read_count
from actp.domains.abtest.posts import counts_of, tweet_by_text, tweet_id
from actp.domains.abtest.timing import GIVE_UP_HOURS, due_windows, late_windows
from actp.domains.abtest.variants import written
from actp.domains.abtest.verdict import MOST_ROUNDS, Counts, judge, scatter_of
from actp.domains.schedule.calendar import free_moments
from actp.domains.schedule.plan import SHORTEST_LEAD, read_plan
from actp.domains.taxonomy import content_type_of
from actp.errors import ActpError, InvalidInput, ServiceError, SettingsError, WrongState
from actp.moments import stored_time
from actp.plural import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.domains.tools import Tools

__all__ = ["NICHES", "checkback", "create", "results", "schedule", "status"]

NICHES: Final = (
    "ai_automation",
    "saas_growth",
    "content_creation",
    "digital_marketing",
    "creator_economy",
)
# Views only grow, apart from corrections: a page that shows a smaller share was misread.
LEAST_KEPT: Final = 0.5
DEFAULT_NICHE: Final = "ai_automation"
_FIRST_SENTENCE = re.compile(r"^.*?[.!?](?=\s|$)", re.DOTALL)


def create(
    tools: Tools,
    value: str,
    niche: str = DEFAULT_NICHE,
    rounds: int = 1,
    *,
    now: bool = False,
) -> dict[str, Any]:
    """Write two texts about a topic and post them; raises WrongState where no tweet may go out.

    Both appear at the next of Twitter's hours, or ``now``.
    A test without a winner goes on with two more texts, as long as it has ``rounds`` left.
    What was begun is never begun again: an arm A that nobody heard of ends the test.
    """
    if niche not in NICHES:
        nearest = get_close_matches(niche, NICHES, n=1)
        hint = f"Did you mean {nearest[0]}? " if nearest else ""
        raise InvalidInput(
            f"no such niche: {niche!r}", remedy=f"{hint}Known are {', '.join(NICHES)}."
        )
    if not 1 <= rounds <= MOST_ROUNDS:
        raise InvalidInput(
            f"a test has 1 to {MOST_ROUNDS} rounds, not {rounds}", remedy="Change --rounds."
        )
    return _begun(tools, {"topic": value, "niche": niche, "rounds": rounds, "round": 1}, now=now)


def _begun(
    tools: Tools,
    about: Mapping[str, Any],
    used: Sequence[str] = (),
    series_id: str | None = None,
    *,
    now: bool = False,
) -> dict[str, Any]:
    """Write and post the texts of one round."""
    if not tools.blotato.is_configured:
        raise SettingsError("Blotato has no key.", remedy="Set BLOTATO_API_KEY.")
    review = tools.settings.review
    if review == "all":
        raise WrongState(
            "a test posts its first text at once, and REVIEW=all holds every text",
            remedy="Set REVIEW=off or REVIEW=ai to run A/B tests.",
        )
    claude = tools.claude if review == "off" else None
    texts = written(claude, about["topic"], about["niche"], about["round"], used)
    tools.blotato.check_account("twitter")
    at = None if now else _next_hour(tools)
    test: dict[str, Any] = {"id": str(uuid4()), **about, "planned_at": at and at.isoformat()}
    shown = {**test, "variant_a": texts.a, "variant_b": texts.b, "claude": texts.note or "ok"}
    stored = {**test, "series_id": series_id, "variant_a": texts.a, "variant_b": texts.b}
    try:
        made = tools.store.call("agent_ab_create", **stored)
    except WrongState as error:
        raise WrongState(
            str(error), remedy="bin/limits shows the hours of twitter, bin/status its pauses."
        ) from None
    if not made or not tools.store.call("agent_ab_begin_a", id=test["id"]):
        return {"ok": False, "error": "another run has begun it", **shown}
    try:
        submission_id = tools.blotato.publish("twitter", texts.a, scheduled_at=at)
    except BlotatoError as error:
        tools.store.call("agent_ab_fail", id=test["id"], arm="a", error=f"{error}")
        return {"ok": False, "error": f"arm A was not posted: {error}", **shown}
    command = tools.store.call(
        "agent_ab_posted_a", id=test["id"], submission_id=submission_id, written_by=texts.written_by
    )
    return {**shown, "post_id_a": submission_id, "command_id": command}


def _next_hour(tools: Tools) -> datetime | None:
    """Return the next free hour of Twitter at which a tweet may go out; None without one."""
    plan = read_plan(tools.store)
    tables = [table for table in plan.tables if table.platform == "twitter"]
    free = free_moments(tables, plan.now + SHORTEST_LEAD, plan.planned)
    at = tools.store.call("agent_ab_moment", moments=[each.at.isoformat() for each in free])
    return at and datetime.fromisoformat(at)


def checkback(tools: Tools) -> dict[str, Any]:
    """Read what running tests brought, and end those that are a day old."""
    running = tools.store.call("agent_ab_open")
    rows = [_checked(tools, test) for test in running]
    stranded = tools.store.call("agent_ab_stranded")
    won = [row for row in rows if row["verdict"] in {"a", "b"}]
    open_tests = sum(row["verdict"] is None for row in rows)
    troubled = [row["error"] for row in rows if row["error"]]
    return {
        "ok": not troubled,
        "running": open_tests,
        "won": len(won),
        "headline": f"{counted(open_tests, 'test')} running, {len(won)} won",
        "error": "; ".join(dict.fromkeys(troubled)) or None,
        "stranded": stranded,
        "rows": rows,
    }


def status(tools: Tools) -> dict[str, Any]:
    """Return the newest tests, and those of other programs that cannot be looked at."""
    tools.store.call("agent_ab_open")
    stranded = tools.store.call("agent_ab_stranded")
    return {"rows": tools.store.call("agent_ab_list"), "stranded": stranded}


def results(tools: Tools) -> dict[str, Any]:
    """Return the tests that have ended."""
    return {"rows": tools.store.call("agent_ab_list", ended=True), "stranded": []}


def schedule(tools: Tools, platform: str | None = None) -> dict[str, Any]:
    """Return the posting hours of a platform, or of all."""
    rows = tools.store.call("agent_schedule_rows")["rows"]
    known = [row["platform"] for row in rows]
    if platform not in (None, *known):
        raise InvalidInput(
            f"no such platform: {platform!r}", remedy=f"Known are {', '.join(known)}."
        )
    return {"rows": [row for row in rows if platform in (None, row["platform"])]}


def _checked(tools: Tools, test: Mapping[str, Any]) -> dict[str, Any]:
    """Look at one test; an error of a service is told and leaves it as it is."""
    row: dict[str, Any] = {"id": test["id"], "topic": test["topic"], "niche": test["niche"]}
    row |= {"verdict": None, "error": None, "margin_percent": None, "p_value": None}
    row |= {"conditions": [], "late": [], "round": test["round"], "next_round": None}
    kept = _counts_of(test["metrics_24h"])
    if kept is not None:
        # The run that read them ended before the verdict.
        return row | _ended(
            tools, test, (test["post_url_a"], kept[0]), (test["post_url_b"], kept[1])
        )
    # A row that another program stored in another shape is read again.
    windows = due_windows({**test, "metrics_24h": None})
    if not windows:
        return row
    try:
        counts = _counts(tools, test, windows)
    except (ServiceError, BlotatoError) as error:
        return {**row, "error": f"{error}"}
    if isinstance(counts, str):
        if test["age_hours"] >= GIVE_UP_HOURS:
            tools.store.call("agent_ab_fail", id=test["id"], arm="a and b", error=counts)
        return {**row, "error": f"{test['topic']}: {counts}"}
    row["late"] = late_windows(test["age_hours"], windows)
    if "metrics_24h" not in windows:
        return row
    return row | _ended(tools, test, *counts)


def _counts(
    tools: Tools, test: Mapping[str, Any], windows: tuple[str, ...]
) -> tuple[tuple[str, Counts], tuple[str, Counts]] | str:
    """Return address and counts of both arms, stored for the windows; or what is missing."""
    url_a = test["post_url_a"] or None
    if url_a is None:
        publication = tools.blotato.publication(test["post_id_a"])
        url_a = publication.url
    if url_a is None and publication.status == "failed":
        error = f"Blotato could not post arm A: {publication.error}"
        tools.store.call("agent_ab_fail", id=test["id"], arm="a", error=error)
        return error
    if url_a is None:
        return "Blotato does not say where arm A is"
    url_b = test["post_url_b"] or tweet_by_text(tools.safari, url_a, test["variant_b_text"])
    tools.store.call("agent_ab_note", id=test["id"], url_a=url_a, url_b=url_b)
    if url_b is None:
        return "the tweet of arm B is not in the timeline"
    a, b = _counts_of_arm(tools, test, "a", url_a), _counts_of_arm(tools, test, "b", url_b)
    if isinstance(a, str):
        return a
    if isinstance(b, str):
        return b
    found = {f"{name}_a": n for name, n in a.to_json().items()}
    found |= {f"{name}_b": n for name, n in b.to_json().items()}
    noted = {
        **found,
        "age_hours": round(test["age_hours"], 2),
        "late": late_windows(test["age_hours"], windows),
        "checked_at": tools.store.call("safari_now"),
    }
    tools.store.call("agent_ab_note", id=test["id"], metrics=dict.fromkeys(windows, noted))
    return (url_a, a), (url_b, b)


def _counts_of_arm(tools: Tools, test: Mapping[str, Any], arm: str, url: str) -> Counts | str:
    """Return what the tweet of an arm brought so far, or why it cannot be said."""
    counts = counts_of(tools.safari, url)
    looks = (test[name] for name in ("metrics_1h", "metrics_4h"))
    before = (read_count(look.get(f"views_{arm}")) for look in looks if isinstance(look, dict))
    if isinstance(counts, Counts):
        if counts.views >= LEAST_KEPT * max((views or 0 for views in before), default=0):
            return counts
        counts = "shows fewer views than before"
    return f"the tweet of arm {arm.upper()} {counts}"


def _ended(
    tools: Tools,
    test: Mapping[str, Any],
    a: tuple[str | None, Counts],
    b: tuple[str | None, Counts],
) -> dict[str, Any]:
    ended = _pairs(tools.store.call("agent_ab_measured", but_series=test["series_id"]))
    rounds = _pairs(test["earlier"])
    verdict = judge(a[1], b[1], rounds, test["rounds"], scatter_of(ended))
    texts = {"a": test["variant_a_text"], "b": test["variant_b_text"]}
    began_a = test["planned_at"] or test["a_begun_at"] or test["started_at"]
    posted = {"a": began_a, "b": test["started_at"]}
    posts = [
        {
            **counts.to_json(),
            "external_id": tweet_id(url),
            "text": texts[arm],
            "comments_count": counts.replies,
            "engagement_score": counts.score,
            "published_at": stored_time(posted[arm]).isoformat(),
            "content_type": content_type_of(texts[arm]),
        }
        for arm, (url, counts) in (("a", a), ("b", b))
        if url and tweet_id(url)
    ]
    figures = {
        "margin_percent": round(100 * verdict.margin, 1),
        "p_value": round(verdict.p_value, 4),
        "score_a": round(a[1].score, 1),
        "score_b": round(b[1].score, 1),
    }
    hook = _hook(texts.get(verdict.winner, ""))
    tools.store.call(
        "agent_ab_complete",
        id=test["id"],
        winner=verdict.winner,
        hook=hook,
        posts=posts,
        **figures,
    )
    found = {"verdict": verdict.winner, "hook": hook, **figures}
    found["conditions"] = [asdict(condition) for condition in verdict.conditions]
    if verdict.winner == "tie" and test["round"] < test["rounds"]:
        found["next_round"] = _next_round(tools, test)
    return found


def _next_round(tools: Tools, test: Mapping[str, Any]) -> str:
    """Begin the round after one without a winner, and say how that went."""
    about = {name: test[name] for name in ("topic", "niche", "rounds")}
    about["round"] = test["round"] + 1
    used = (test["variant_a_text"], test["variant_b_text"])
    try:
        begun = _begun(tools, about, used, test["series_id"])
    except ActpError as error:
        return f"round {about['round']} could not begin: {error}"
    return begun.get("error") or f"round {about['round']} has begun"


def _pairs(stored: Sequence[Any]) -> list[tuple[Counts, Counts]]:
    """Return the counts of tests, as far as they were read whole."""
    return [pair for kept in stored if (pair := _counts_of(kept)) is not None]


def _counts_of(kept: Any) -> tuple[Counts, Counts] | None:
    """Return the counts of both arms that were stored; None where they are not all there."""
    names = ("likes", "retweets", "replies", "views")
    stored = kept if isinstance(kept, dict) else {}
    a, b = (Counts.read({name: stored.get(f"{name}_{arm}") for name in names}) for arm in "ab")
    return None if a is None or b is None else (a, b)


def _hook(text: str | None) -> str:
    text = text or ""
    found = _FIRST_SENTENCE.match(text)
    return (found[0] if found else text)[:120]
