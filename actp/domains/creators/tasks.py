"""The tasks of the creators agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from actp.clients.research import MarketResearch
from actp.domains.creators.matrix import wanted
from actp.domains.creators.rows import creator_rows, hooks_of, post_rows
from actp.errors import ServiceError
from actp.plural import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.domains.tools import Tools

__all__ = ["market_sync", "research", "top_creators"]

CREATORS_PER_NICHE: Final = 20
POSTS_PER_NICHE: Final = 50
DEFAULT_TOP: Final = 20
EMPTY_MAY_BE: Final = "the page may not have loaded, or Safari is not logged in there"


def research(tools: Tools, platform: str | None = None, niche: str | None = None) -> dict[str, Any]:
    """Look up creators on one platform or all; each platform is stored whole or not at all.

    A platform whose research fails does not keep the others from being stored. A niche of which
    nothing was found is a failure too: a search whose page does not load ends the same way.
    """
    plan = wanted(platform, niche)
    service = MarketResearch(tools.settings, tools.safari)
    rows = [_one(tools, service, name, niches) for name, niches in plan.items()]
    found = [row for row in rows if "new" in row]
    new = sum(row["new"] for row in found)
    best = max((row["top"] for row in found if row["top"]), key=lambda t: t["fit"], default=None)
    if new:
        # One for the run, not one for each platform.
        tools.alert("new_creators", str(uuid4()), {"count": new, "top": best})
    said = counted(new, "new creator") + (f", top @{best['handle']}" if best else "")
    return {
        "ok": not any(row["error"] for row in rows),
        "new": new,
        "creators": sum(row["creators"] for row in found),
        "contacts": sum(row["contacts"] for row in found),
        "headline": said,
        "error": "; ".join(row["error"] for row in rows if row["error"]) or None,
        "rows": rows,
    }


def market_sync(tools: Tools) -> dict[str, Any]:
    """Look up every niche of the matrix."""
    return research(tools)


def top_creators(
    tools: Tools, platform: str | None = None, niche: str | None = None
) -> dict[str, Any]:
    """Return the creators that fit best."""
    if platform or niche:
        wanted(platform, niche)
    rows = tools.store.call(
        "agent_creators_top", platform=platform, niche=niche, row_limit=DEFAULT_TOP
    )
    return {"creators": len(rows), "rows": rows}


def _one(
    tools: Tools, service: MarketResearch, platform: str, niches: Sequence[str]
) -> dict[str, Any]:
    """Look up one platform and store it; an error of the service is told, not raised."""
    row: dict[str, Any] = {"platform": platform, "niches": list(niches), "error": None}
    queries = [niche.replace("_", " ") for niche in niches]
    try:
        findings = service.niches(
            platform,
            queries,
            creators_per_niche=CREATORS_PER_NICHE,
            posts_per_niche=POSTS_PER_NICHE,
        )
    except ServiceError as error:
        return {**row, "error": f"{platform}: {str(error).removesuffix('.')}"}
    found = list(zip(niches, findings, strict=True))
    own = _own_handles(tools, platform)
    creators = [
        row for niche, f in found for row in creator_rows(platform, niche, f.creators, f.posts, own)
    ]
    posts = [r for niche, f in found for r in post_rows(platform, niche, f.posts)]
    hooks = [{"platform": platform, "niche": n, "hooks": hooks_of(f.posts)} for n, f in found]
    stored = tools.store.call(
        "agent_creators_store", platform=platform, creators=creators, posts=posts, hooks=hooks
    )
    if silent := [query for query, f in zip(queries, findings, strict=True) if f.is_empty]:
        row["error"] = f"{platform}: nothing found of {', '.join(silent)}; {EMPTY_MAY_BE}"
    return {**row, "creators": len(creators), "posts": len(posts), **stored}


def _own_handles(tools: Tools, platform: str) -> set[str]:
    """Return our own handles on a platform; a Threads account has the name of its Instagram one."""
    twins = {"threads", "instagram"}
    logins = tools.settings.safari_logins
    return {logins[name] for name in (twins if platform in twins else {platform}) & set(logins)}
