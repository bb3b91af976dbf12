"""The texts of the domain agents' alerts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.alerts.fields import Fields

__all__ = ["DOMAIN_WRITERS", "MAX_LINES"]

MAX_LINES: Final = 20


def _agent_error(about: Fields) -> str:
    return (
        f"⚠️ Agent error: {about['domain']}.{about['task']}{about.line('error')}\n"
        "<code>multi_agent_dispatch.py --status</code> shows the last runs. "
        "Reported once a day for each task."
    )


def _reply(about: Fields) -> str:
    # The first line holds the words: it is all that a digest of many alerts shows.
    lines = [f"💬 Reply from {about['name']} ({about.platform()}): “{about['words']}”"]
    facts = [f"score {about.number('score')}"] if about.get("score") else []
    if about.get("campaign"):
        facts.append(f"campaign {about['campaign']}")
    if about.get("reason") == "look":
        facts.append("may be asking us to stop")
    if facts:
        lines.append(", ".join(facts))
    if about.get("link"):
        lines.append(about["link"])
    answer = f"bin/inbox reply {about['contact_id'][:8]} TEXT"
    lines.append(f"Nothing automatic goes to them. <code>{answer}</code>")
    return "\n".join(lines)


def _draft(about: Fields) -> str:
    # Whole, since it is what a decision is about; a longer one is decided in the terminal.
    body = about.whole("body")
    return (
        f"📝 Draft: {about['kind'].replace('_', ' ')} to {about['recipient']} ({about.platform()})"
        f"{about.line('why')}\n\n{body}\n\n"
        f"<code>bin/review edit {about['review_id'][:8]} TEXT</code>"
    )


def _sweep_complete(about: Fields) -> str:
    passed, total = about.number("passed"), about.number("total")
    lines = [f"{'✅' if passed == total else '⚠️'} Daily Sweep: {passed}/{total} domains"]
    for line in about.items("lines")[:MAX_LINES]:
        mark = "✅" if line.flag("ok") else "❌"
        lines.append(f"{mark} {line['domain']}: {line.get('text', 'done')}")
    return "\n".join(lines)


def _new_decision_prospects(about: Fields) -> str:
    lines = [f"🎯 {about.counted('count', 'New Decision-Stage Prospect')}"]
    lines += [
        f"{each['name']} ({each.platform()}), score {each.number('score')}"
        for each in about.items("top")[:MAX_LINES]
    ]
    return "\n".join(lines)


def _ab_winner(about: Fields) -> str:
    method = about.get("method")
    by = f" by {method}" if method else ""
    return (
        f"🏆 A/B Winner: {about.capitals('winner')}{by}, "
        f"{about.real('margin_percent'):.0f} % ahead\n"
        f"{about['topic']} | {about['niche']}\n"
        f"A {about.real('score_a'):.1f} : B {about.real('score_b'):.1f}"
    )


def _ab_error(about: Fields) -> str:
    arm = f", arm {about.capitals('arm')}" if about.get("arm") else ""
    return f"⚠️ A/B Test Failed: {about['topic']}{arm}{about.line('error')}"


def _trend_spike(about: Fields) -> str:
    trends = about.items("trends")
    lines = [f"📈 Cross-Platform Trends: {len(trends)}"]
    for trend in trends[:MAX_LINES]:
        lines.append(
            f"{trend['niche']}: {trend.platforms()} × {trend.number('posts')} posts, "  # noqa: RUF001  as it was asked for
            f"strength {trend.real('strength'):.1f}"
            + (f", {trend.real('rise'):.1f} times its baseline" if trend.get("rise") else "")
        )
        if trend.get("hook"):
            lines.append(f"  “{trend.get('hook')}”")
    return "\n".join(lines)


def _new_creators(about: Fields) -> str:
    top = about.inner("top")
    best = (
        f"\nTop: @{top['handle'].lstrip('@')} on {top.platform()}, {top['niche']}, "
        f"fit {top.number('fit')}"
        if top.get("handle")
        else ""
    )
    return f"🌟 {about.counted('count', 'New Creator')}{best}"


def _render_complete(about: Fields) -> str:
    return f"🎬 Render Complete{about.line('hook')}\nGoes to {about.platforms()}"


def _render_failed(about: Fields) -> str:
    return (
        f"❌ Render Failed: {about['niche']} for {about.platform()}{about.line('error')}\n"
        "<code>remotion_content_producer.py --status</code> shows the jobs."
    )


def _platform_saturated(about: Fields) -> str:
    fallen = (
        f"📉 Saturation: {about.platform()} engagement is down {about.real('drop_percent'):.0f} %\n"
    )
    if about["recommended"] == about["posts_per_day"]:
        return f"{fallen}Posts a day: {about['posts_per_day']}. Try other subjects or formats."
    return (
        f"{fallen}Posts a day: {about['posts_per_day']}, better {about['recommended']} for a while."
    )


def _youtube_ingested(about: Fields) -> str:
    hook = f"\nTop hook: “{about.get('hook')}”" if about.get("hook") else ""
    return (
        f"📺 YouTube Ingested: {about.counted('videos', 'video')}\n"
        f"Top niche: {about['niche']} ({about.counted('count', 'post')}){hook}"
    )


def _published(about: Fields) -> str:
    return "\n".join([f"🚀 Published: {about.platforms()}", *about.names("urls")[:MAX_LINES]])


def _publish_failed(about: Fields) -> str:
    return (
        f"❌ Not Published: {about.platforms()}{about.line('error')}\n"
        "Look before you post by hand: an outcome that is unknown may have gone out."
    )


def _weekly_report(about: Fields) -> str:
    return "\n".join([f"🗓️ Weekly Report: {about['domain']}", *about.names("lines")[:MAX_LINES]])


DOMAIN_WRITERS: Final[Mapping[str, Callable[[Fields], str]]] = MappingProxyType(
    {
        "ab_error": _ab_error,
        "ab_winner": _ab_winner,
        "agent_error": _agent_error,
        "new_creators": _new_creators,
        "new_decision_prospects": _new_decision_prospects,
        "platform_saturated": _platform_saturated,
        "publish_failed": _publish_failed,
        "published": _published,
        "render_complete": _render_complete,
        "render_failed": _render_failed,
        "draft": _draft,
        "reply": _reply,
        "sweep_complete": _sweep_complete,
        "trend_spike": _trend_spike,
        "weekly_report": _weekly_report,
        "youtube_ingested": _youtube_ingested,
    }
)
