"""The report: what its charts say, that a browser shows them, and that nobody else reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, LiteralString

import pytest

from actp.cli.main import main
from actp.domains.sample.writing import make
from actp.errors import ExitCode
from actp.report.charts import charts
from actp.report.page import page
from actp.settings import PROJECT_ROOT
from tests.support.axe import barriers_on
from tests.support.browser import chromium, colours_in, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg
    from playwright.sync_api import Browser

    from actp.report.chart import Chart
    from actp.store.protocol import Store
    from tests.support.databases import Database, Databases

COMMAND_TIMEOUT_SECONDS = 90
CONTACTS = 60
NAMES = ["queue", "limits", "ended", "campaigns", "funnel", "mix", "tests", "hours", "posts"]
HOSTILE = '</svg><script>document.title="taken"</script><img src="http://127.0.0.1:9/x">\x07'

# Beside the made-up people and posts: commands, campaigns, scores and what was learned.
ARRANGED: tuple[LiteralString, ...] = (
    """insert into safari_command_queue (action, platform, params, status, reason, completed_at)
       select 'send_dm', 'instagram', '{}', s.status, s.reason, now() - interval '1 day'
         from (values ('completed', null), ('completed', null), ('failed', 'unknown'),
                      ('failed', 'rejected'), ('cancelled', null)) s (status, reason)""",
    """insert into safari_command_queue (action, platform, params, scheduled_for)
       select 'send_dm', 'twitter', jsonb_build_object('username', 'p' || n, 'text', 'Hi ' || n),
              case when n > 2 then now() + interval '1 day' end
         from generate_series(1, 5) n""",
    """insert into safari_rate_limits (platform, action, used, daily_limit)
       values ('instagram', 'dm', 5, 20), ('twitter', 'dm', 50, 50)""",
    """insert into safari_campaign_runs (campaign_id, campaign_type, platform)
       values ('aaaaaaaa-1', 'dm_sequence', 'instagram')""",
    """insert into safari_campaign_targets (campaign_id, platform, handle, state)
       select 'aaaaaaaa-1', 'instagram', 'p' || ordinality, state
         from unnest(array['queued', 'dm_sent', 'replied', 'cold']) with ordinality as s (state)""",
    """insert into actp_prospect_scores (contact_id, score, funnel_stage)
       select c.id, 40, (array['awareness', 'consideration', 'decision'])[1 + n % 3]
         from (select id, row_number() over (order by id) as n from crm_contacts) c""",
    "select agent_schedule_reward('twitter', 14, true) from generate_series(1, 3)",
)
OUTCOMES = ("completed", "failed", "unknown", "cancelled")
# How many marks each chart of that has, but for commands that ended: their days change.
MARKS = {"queue": 2, "limits": 2, "campaigns": 9, "funnel": 3, "mix": 6, "tests": 6}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def filled(embedded_databases: Databases) -> Iterator[Database]:
    """A database in which there is something of everything."""
    from tests.support.databases import postgres_database

    with postgres_database(embedded_databases, "embedded") as database:
        make(database.store, CONTACTS)
        with database.connect() as connection:
            for statement in ARRANGED:
                connection.execute(statement)
        yield database


@pytest.fixture(scope="module")
def full(filled: Database) -> dict[str, Any]:
    """What is reported of it."""
    data: dict[str, Any] = filled.store.call("agent_report")
    return data


@pytest.fixture(scope="module")
def outcomes(filled: Database, full: dict[str, Any]) -> list[tuple[int, ...]]:
    """How many of its commands ended in each way, counted here, on each of the last 14 days."""
    with filled.connect() as connection:
        ended = connection.execute(
            "select completed_at, status, reason from safari_command_queue"
            " where completed_at is not null"
        ).fetchall()
    counts = Counter(
        (at.astimezone(UTC).date(), "unknown" if reason == "unknown" else status)
        for at, status, reason in ended
    )
    today = datetime.fromisoformat(full["at"]).astimezone(UTC).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(14))]
    return [tuple(counts[day, outcome] for outcome in OUTCOMES) for day in days]


@pytest.fixture(scope="module")
def file(full: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that."""
    written = tmp_path_factory.mktemp("report") / "report.html"
    written.write_text(page(full, host="mac"), encoding="utf-8")
    return written


def chart_of(data: dict[str, Any], name: str, **more: Any) -> Chart:
    return next(chart for chart in charts(data | more) if chart.name == name)


def row_of(chart: Chart, first: str) -> tuple[object, ...]:
    return tuple(next(row for row in chart.rows if row[0] == first))


def test_empty_database_is_reported_without_empty_charts(store: Store) -> None:
    data = store.call("agent_report")
    text = page(data, host="mac")
    assert [chart.name for chart in charts(data)] == NAMES
    assert text.count('class="nothing">Nothing yet: ') == len(NAMES)
    assert "<svg" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_every_chart_and_asks_nobody_for_anything(
    scheme: Literal["light", "dark"], file: Path, browser: Browser
) -> None:
    pictures = []
    with opened(browser, file, scheme=scheme) as shown:
        for name in NAMES:
            drawing = shown.page.locator(f"#{name} svg")
            frame = drawing.bounding_box()
            assert frame is not None
            assert frame["width"] > 400, name
            assert frame["height"] > 80, name
            pictures.append(drawing.screenshot())
        ground = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert shown.requests == [file.as_uri()]
        assert shown.complaints == []
    assert ground == {"light": "rgb(245, 246, 248)", "dark": "rgb(18, 21, 26)"}[scheme]
    for name, (colours, commonest) in zip(NAMES, colours_in(browser, pictures), strict=True):
        assert colours > 20, name
        assert commonest < 0.98, name


def test_every_figure_has_its_mark(
    outcomes: list[tuple[int, ...]], file: Path, browser: Browser
) -> None:
    marks = MARKS | {"ended": sum(count > 0 for day in outcomes for count in day)}
    with opened(browser, file) as shown:
        for name in NAMES:
            boxes = shown.page.locator(f"#{name} .mark").evaluate_all(
                "marks => marks.map(mark => mark.getBoundingClientRect().toJSON())"
            )
            assert boxes, name
            assert len(boxes) == marks.get(name, len(boxes)), name
            assert all(box["width"] > 0 and box["height"] > 0 for box in boxes), name


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_barrier(
    width: int, scheme: Literal["light", "dark"], file: Path, browser: Browser
) -> None:
    context = browser.new_context(
        bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    looking = context.new_page()
    looking.goto(file.as_uri())
    assert barriers_on(looking) == []
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_a_chart_is_cut_off_or_wider_than_the_page(
    width: int, file: Path, browser: Browser
) -> None:
    with opened(browser, file, width=width) as shown:
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
        cut = shown.page.locator("svg text").evaluate_all(
            """texts => texts.filter(text => {
                 const own = text.getBoundingClientRect();
                 const all = text.ownerSVGElement.getBoundingClientRect();
                 return own.left < all.left - 1 || own.right > all.right + 1
                     || own.top < all.top - 1 || own.bottom > all.bottom + 1;
               }).map(text => text.textContent)"""
        )
    assert cut == []


def test_a_mark_tells_its_figures_and_so_does_the_table_below(file: Path, browser: Browser) -> None:
    with opened(browser, file) as shown:
        told = shown.page.locator("#limits .mark title").all_text_contents()
        shown.page.locator("#limits summary").click()
        table = shown.page.locator("#limits table").inner_text()
    assert told == ["instagram dm: 5 of 20 used", "twitter dm: 50 of 50 used"]
    assert "instagram dm\t5\t20" in table


def test_text_from_outside_is_shown_and_never_obeyed(
    full: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    test = {**full["tests"][1], "topic": HOSTILE, "test_method_a": HOSTILE}
    run = {**full["campaigns"][0], "campaign_type": HOSTILE}
    file = tmp_path / "report.html"
    data = full | {"tests": [test], "campaigns": [run], "stages": {HOSTILE: 3}}
    file.write_text(page(data, host="mac"), encoding="utf-8")
    with opened(browser, file) as shown:
        assert shown.page.locator("script, img").count() == 0
        assert shown.page.title() != "taken"
        assert shown.page.locator("#tests table").text_content() is not None
        assert "</svg><script>" in (shown.page.locator("#tests svg").text_content() or "")
        assert shown.requests == [file.as_uri()]
        assert shown.complaints == []


def test_a_narrow_page_begins_with_the_newest_day(file: Path, browser: Browser) -> None:
    with opened(browser, file, width=390) as shown:
        frame = shown.page.locator("#ended .drawing").bounding_box()
        newest = shown.page.locator("#ended svg text").last.bounding_box()
    assert frame is not None
    assert newest is not None
    assert frame["x"] < newest["x"]
    assert newest["x"] + newest["width"] <= frame["x"] + frame["width"]


def test_the_page_names_its_host_and_what_needs_attention(
    full: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(full, attention=[HOSTILE], host=HOSTILE), encoding="utf-8")
    with opened(browser, file) as shown:
        assert shown.page.locator("script, img").count() == 0
        assert shown.page.locator(".attention li").all_text_contents() == [HOSTILE]
        assert HOSTILE in (shown.page.locator("header p").text_content() or "")


def test_every_adapter_brings_what_the_page_needs(backend: Database) -> None:
    make(backend.store, 1)
    text = page(backend.store.call("agent_report"), host="mac")
    assert {name for name in NAMES if f'<figure id="{name}"' in text} == set(NAMES)
    assert "330.0" in text
    assert text.count("<svg") == 6


def test_what_ended_is_counted_by_day_and_outcome(
    outcomes: list[tuple[int, ...]], full: dict[str, Any]
) -> None:
    rows = chart_of(full, "ended").rows
    assert len(rows) == 14
    assert [tuple(row)[1:] for row in rows] == outcomes
    arranged = zip(outcomes[-2], (2, 1, 1, 1), strict=True)
    assert all(counted >= least for counted, least in arranged)


@pytest.mark.parametrize("sign", ["m", "W", "i", "0", "Q", "—", "漢"])
def test_a_label_of_any_letters_is_shortened_to_its_room(
    sign: str, full: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    run = {**full["campaigns"][0], "campaign_type": sign * 32}
    file.write_text(page(full | {"campaigns": [run]}, host="mac"), encoding="utf-8")
    with opened(browser, file) as shown:
        label = shown.page.locator("#campaigns svg text", has_text=sign * 5).first
        text = label.text_content()
        begins = label.evaluate("text => text.getBBox().x")
    assert text is not None
    assert text.endswith("…")
    assert 0 <= begins < 75


def test_the_queue_tells_what_is_ready_from_what_waits(full: dict[str, Any]) -> None:
    assert row_of(chart_of(full, "queue"), "twitter-dm") == ("twitter-dm", 0, 2, 3, 0)


def test_limits_of_services_that_are_not_there_are_left_out(full: dict[str, Any]) -> None:
    chart = chart_of(full, "limits")
    assert "threads dm" not in {row[0] for row in chart.rows}
    assert chart.caption.startswith("twitter dm: used up.")


def test_what_goes_on_with_a_target_counts_as_under_way(full: dict[str, Any]) -> None:
    chart = chart_of(full, "campaigns")
    assert row_of(chart, "dm sequence aaaaaaaa") == ("dm sequence aaaaaaaa", 2, 1, 0, 1, 0, 0)


def test_a_stage_that_nobody_knows_comes_after_the_others(full: dict[str, Any]) -> None:
    chart = chart_of(full, "funnel", stages={"odd_one": 2, "decision": 1})
    assert list(chart.rows) == [
        ("awareness", 0),
        ("consideration", 0),
        ("decision", 1),
        ("odd one", 2),
    ]


def test_niches_without_a_target_are_made_too(full: dict[str, Any]) -> None:
    chart = chart_of(full, "mix", niches={"ai_automation": 1, "gardening": 3})
    assert row_of(chart, "ai automation") == ("ai automation", "25%", "35%")
    assert row_of(chart, "others") == ("others", "75%", "0%")


def test_a_test_without_scores_is_in_the_table_only(full: dict[str, Any]) -> None:
    chart = chart_of(full, "tests")
    assert row_of(chart, "content creation")[4:6] == (None, None)
    assert chart.caption.startswith("3 of 4 ")


def test_an_hour_shows_what_was_learned_of_it(full: dict[str, Any]) -> None:
    rows = chart_of(full, "hours").rows
    assert ("twitter", "14", "80%", 3, "yes") in [tuple(row) for row in rows]


def test_posts_are_measured_by_their_own_platform(store: Store, admin: psycopg.Connection) -> None:
    admin.execute(
        """insert into actp_content_performance
             (external_id, platform, engagement_score, published_at)
           select n::text, p.platform, p.usual * n,
                  date_trunc('day', now(), 'UTC') - interval '3 days' + interval '14 hours'
             from (values ('twitter', 1), ('tiktok', 1000)) p (platform, usual),
                  generate_series(1, 5) n
           union all select 'old', 'twitter', 9, now() - interval '61 days'
           union all select 'unmeasured', 'twitter', null, now() - interval '1 day'"""
    )
    (row,) = chart_of(store.call("agent_report"), "posts").rows
    assert tuple(row)[1:] == ("14", "40%", 10)


def test_the_file_is_ours_alone_also_where_one_stood_before(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    file = tmp_path / "deep" / "report.html"
    file.parent.mkdir()
    file.write_text("old")
    file.chmod(0o644)
    assert main(["report", "--out", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_said(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    (tmp_path / "file").touch()
    assert main(["report", "--out", str(tmp_path / "file" / "x.html")]) == ExitCode.USAGE
    assert "Name another file" in capsys.readouterr().err


def test_the_report_goes_to_its_folder_and_the_browser(database: Database, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    viewer = tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" >"{seen}"\n')
    viewer.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-m", "actp.cli", "report", "--open"],
        cwd=PROJECT_ROOT,
        env=os.environ | database.environment | {"BROWSER": f"{viewer} %s"},
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_TIMEOUT_SECONDS,
    )
    file = tmp_path / "home" / "report.html"
    assert (done.returncode, done.stderr) == (0, "")
    assert str(file) in done.stdout
    assert seen.read_text().strip() == file.as_uri()
