"""What a person reads: the texts of alerts, and how long ones are cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actp.alerts import Alert, as_plain, database_lost, digest, escape, render, split_html
from actp.alerts.domain_texts import DOMAIN_WRITERS
from simulator.outside.telegram_text import check_length, visible_text
from tests.support.alert_kinds import alert_kinds

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KINDS = (*sorted(alert_kinds() | DOMAIN_WRITERS.keys()), "something_new")
FIELDS = (
    *("service", "port", "kind", "last_healthy_at", "pending", "platform", "action", "used"),
    *("daily_limit", "day", "campaign_type", "targets", "completed", "failed", "seconds", "text"),
    *("command_id", "recipient", "error", "program", "host", "reason", "services_down"),
    *("domain", "task", "passed", "total", "lines", "count", "top", "topic", "niche", "winner"),
    *("margin_percent", "arm", "trends", "hook", "platforms", "drop_percent", "urls", "videos"),
)
INNER = ("name", "platform", "platforms", "score", "handle", "ok", "text", "posts", "hook")
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=400),
    st.lists(st.text(max_size=9), max_size=3),
)
OBJECTS = st.dictionaries(st.sampled_from(INNER), PLAIN)
VALUES = st.one_of(PLAIN, OBJECTS, st.lists(OBJECTS, max_size=3))


def alert(kind: str, /, *, minutes_old: float = 0, **detail: Any) -> Alert:
    return Alert(1, kind, detail, (NOW - timedelta(minutes=minutes_old)).isoformat())


def test_a_service_that_is_down_is_told_in_the_customer_s_words() -> None:
    text = render(
        alert(
            "service_down",
            service="twitter-dm",
            port=3003,
            kind="dm",
            last_healthy_at="2026-11-22T10:00:00+00:00",
            pending=12,
        ),
        NOW,
    )
    assert text == (
        "⚠️ Safari Service Down: twitter-dm (port 3003)\n"
        "Last healthy: 2h ago. Queue: 12 pending DMs blocked."
    )


def test_a_limit_that_is_reached_is_told_in_the_customer_s_words() -> None:
    detail: dict[str, Any] = {
        "platform": "instagram",
        "kind": "dm",
        "used": 20,
        "daily_limit": 20,
    }
    assert render(alert("quota_reached", **detail, day="2026-11-22"), NOW) == (
        "🚫 Rate Limit Hit: Instagram DMs (20/20 today)\nNext available: Tomorrow 00:00 UTC"
    )


def test_a_campaign_that_is_complete_is_told_in_the_customer_s_words() -> None:
    detail: dict[str, Any] = {
        "campaign_type": "comment_warmup",
        "platform": "twitter",
        "targets": 5,
    }
    assert render(
        alert("campaign_complete", **detail, completed=5, failed=0, seconds=263), NOW
    ) == (
        "✅ Campaign Complete: comment_warmup × 5 targets\n"  # noqa: RUF001  as it was asked for
        "Platform: Twitter | Completed: 5/5 | Time: 4m 23s"
    )


def test_an_unknown_outcome_says_how_it_is_settled() -> None:
    text = render(alert("unknown_outcome", command_id="c0ffee", action="send_dm"), NOW)
    assert "bin/queue resolve c0ffee sent|not-sent" in as_plain(text)


def test_every_kind_that_is_raised_has_words_of_its_own() -> None:
    kinds = alert_kinds()
    assert {"watchdog_spent", "schedule_failed", "campaign_held", "quota_reached"} <= kinds
    assert {"agent_error", "sweep_complete"} <= kinds
    assert [kind for kind in sorted(kinds) if render(alert(kind), NOW).startswith("🔔")] == []


@pytest.mark.parametrize(
    "kind",
    ["process_fatal", "process_misconfigured", "process_stuck", "restart_storm", "watchdog_spent"],
)
def test_trouble_with_a_process_names_it_its_host_and_why(kind: str) -> None:
    lines = as_plain(
        render(alert(kind, program="worker_00", host="mac<1>", error="it died"), NOW)
    ).split("\n")
    assert lines[0].endswith(": worker_00 on mac<1>")
    assert lines[1] == "it died"


def test_a_job_that_failed_is_named_with_its_error() -> None:
    text = render(alert("schedule_failed", job="safari_prune", error="timed out"), NOW)
    assert text.startswith("⏰ Scheduled Job Failed: safari_prune\ntimed out\n")


def test_a_campaign_that_is_held_says_with_whom_and_why() -> None:
    detail: dict[str, Any] = {"platform": "twitter", "handle": "ada", "text": "an unread message"}
    text = as_plain(render(alert("campaign_held", campaign_id="c1", **detail), NOW))
    assert text.startswith("✋ Campaign Held: ada on Twitter\nan unread message\n")
    assert "bin/campaign status c1" in text


def test_a_kind_that_nobody_knows_is_told_by_its_fields() -> None:
    text = render(alert("tape_ran_out", spool="<3>", left=0), NOW)
    assert as_plain(text) == "🔔 Tape Ran Out\nspool: <3>\nleft: 0"


def test_no_word_of_a_stranger_looks_like_a_line_of_the_alert() -> None:
    words = "Hi\n✅ Done\nby 42 (boss)\u202e at 12:00 UTC"
    text = render(alert("reply", name="a\nb", platform="twitter", words=words), NOW)
    heading, last = text.split("\n")
    assert heading == "💬 Reply from a b (Twitter): “Hi ✅ Done by 42 (boss)\ufffd at 12:00 UTC”"
    assert last.startswith("Nothing automatic")


def test_an_alert_of_any_size_is_a_short_message() -> None:
    detail: dict[str, Any] = {f"field{number}": "x" * 9_999 for number in range(5_000)}
    text = render(alert("k<" * 5_000, **detail), NOW)
    assert text.startswith("🔔 K&lt;K")
    assert text.endswith("… and 4980 more")
    assert len(split_html(text)) <= 3


def test_a_detail_that_is_no_object_is_told_too() -> None:
    row = {"id": 1, "kind": "note", "detail": ["<a>"], "created_at": NOW.isoformat()}
    assert as_plain(render(Alert.read(row), NOW)) == "🔔 Note\ndetail: ['<a>']"


def test_an_alert_that_waited_says_when_it_happened() -> None:
    assert "2026-11-22 10:00 UTC" in render(alert("blocked", service="x", minutes_old=120), NOW)


def test_a_limit_of_yesterday_is_not_put_off_until_tomorrow() -> None:
    text = render(alert("quota_reached", platform="x", kind="dm", day="2026-11-21"), NOW)
    assert "Tomorrow" not in text


@pytest.mark.parametrize(
    ("detail", "heading"),
    [
        ({}, "💚 All Well"),
        (
            {"services_down": ["tiktok-dm"], "open_unknown": 2},
            "🟡 Running, but down: tiktok-dm; 2 unknown outcomes to settle",
        ),
    ],
)
def test_the_daily_message_does_not_hide_troubles(detail: dict[str, Any], heading: str) -> None:
    assert render(alert("all_well", **detail), NOW).split("\n")[0] == heading


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_no_field_of_any_alert_breaks_its_message(kind: str, detail: dict[str, Any]) -> None:
    for part in split_html(render(alert(kind, **detail), NOW)):
        check_length(visible_text(part))


def test_a_digest_counts_kinds_and_shows_the_first_lines() -> None:
    alerts = [alert("blocked", service=f"<{n}>") for n in range(30)] + [alert("all_well")]
    text = digest(alerts, NOW)
    lines = as_plain(text).split("\n")
    assert lines[:3] == ["📬 31 alerts at once", "30x blocked", "1x all well"]
    assert "⛔ Service Blocked: <0>" in lines
    assert len(split_html(text)) == 1


def test_a_lost_database_is_told_without_its_markup_breaking_ours() -> None:
    assert "&lt;host&gt;" in database_lost("<host>", 45, "refused & <gone>")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=30))
def test_a_long_text_is_cut_without_loss_and_every_part_parses(lines: list[str]) -> None:
    text = "<b>" + "\n".join(escape(line) for line in lines) + "</b>"
    parts = split_html(text, longest=128)
    seen = "".join(visible_text(part) for part in parts)
    assert all(len(part.encode("utf-16-le")) // 2 <= 128 for part in parts)
    assert "".join(seen.split()) == "".join(as_plain(text).split())


def test_a_line_that_is_too_long_is_cut_between_characters() -> None:
    parts = split_html("<code>" + "&amp;" * 3000 + "</code>")
    assert len(parts) > 1
    assert "".join(map(visible_text, parts)) == "&" * 3000


def test_a_line_that_is_too_long_is_cut_between_words() -> None:
    text = "words more " * 900
    parts = split_html(text)
    assert len(parts) > 1
    assert all(part.startswith(("words ", "more ")) for part in parts)
    assert "".join(parts) == text


def test_a_text_that_fits_stays_whole() -> None:
    assert split_html("one\ntwo") == ["one\ntwo"]
