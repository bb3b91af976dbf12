"""What a person reads of the domain agents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actp.alerts import Alert, as_plain, render
from actp.alerts.domain_texts import DOMAIN_WRITERS

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def told(kind: str, **detail: Any) -> str:
    return as_plain(render(Alert(1, kind, detail, NOW.isoformat()), NOW))


def test_a_task_that_failed_is_told_in_the_customer_s_words() -> None:
    text = told("agent_error", domain="outreach", task="send", error="no <database>")
    assert text.startswith("⚠️ Agent error: outreach.send\nno <database>\n")


def test_a_sweep_says_what_each_domain_did() -> None:
    lines = [
        {"domain": "prospect", "ok": True, "text": "12 research-ready, top @maria 88"},
        {"domain": "trends", "ok": False, "text": "bad.py: no"},
    ]
    assert told("sweep_complete", passed=1, total=2, lines=lines) == (
        "⚠️ Daily Sweep: 1/2 domains\n✅ prospect: 12 research-ready, top @maria 88\n"
        "❌ trends: bad.py: no"
    )
    assert told("sweep_complete", passed=9, total=9).startswith("✅ Daily Sweep: 9/9")


def test_new_prospects_are_counted_and_the_best_named() -> None:
    top = [{"name": "Maria", "platform": "tiktok", "score": 88}]
    assert told("new_decision_prospects", count=4, top=top) == (
        "🎯 4 New Decision-Stage Prospects\nMaria (TikTok), score 88"
    )


def test_a_winner_is_told_with_method_margin_and_niche() -> None:
    detail: dict[str, Any] = {"topic": "agents", "niche": "ai_automation", "method": "safari"}
    text = told("ab_winner", winner="b", margin_percent=31.4, score_a=10, score_b=14.6, **detail)
    assert text == (
        "🏆 A/B Winner: B by safari, 31 % ahead\nagents | ai_automation\nA 10.0 : B 14.6"
    )


def test_trends_are_listed_with_platforms_posts_strength_and_hook() -> None:
    trend = {"niche": "saas_growth", "platforms": ["twitter", "youtube"], "posts": 168}
    text = told("trend_spike", trends=[{**trend, "strength": 4821.4, "hook": "Stop <scrolling>"}])
    assert text == (
        "📈 Cross-Platform Trends: 1\n"
        "saas_growth: Twitter, YouTube × 168 posts, strength 4821.4\n"  # noqa: RUF001  as it was asked for
        "  “Stop <scrolling>”"
    )


def test_other_events_name_what_they_are_about() -> None:
    top = {"handle": "@ada", "platform": "twitter", "niche": "ai_automation", "fit": 91}
    assert told("new_creators", count=1, top=top) == (
        "🌟 1 New Creator\nTop: @ada on Twitter, ai_automation, fit 91"
    )
    assert told("render_complete", hook="Look", platforms=["tiktok"]) == (
        "🎬 Render Complete\nLook\nGoes to TikTok"
    )
    saturated = told(
        "platform_saturated",
        platform="tiktok",
        drop_percent=34.6,
        posts_per_day=3,
        recommended=2,
    )
    assert saturated == (
        "📉 Saturation: TikTok engagement is down 35 %\nPosts a day: 3, better 2 for a while."
    )
    once = told("platform_saturated", platform="linkedin", posts_per_day=1, recommended=1)
    assert once.endswith("Posts a day: 1. Try other subjects or formats.")
    assert told("published", platforms=["twitter"], urls=["https://x.com/a/1"]) == (
        "🚀 Published: Twitter\nhttps://x.com/a/1"
    )


@pytest.mark.parametrize("kind", sorted(DOMAIN_WRITERS))
def test_a_detail_without_fields_still_makes_a_message(kind: str) -> None:
    assert told(kind)[0] != "🔔"
