"""From what resonates to posts that wait for the publisher."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.cli.agents.growth import script as growth
from actp.cli.agents.remotion import script
from actp.dispatch.agents import AGENTS
from actp.dispatch.arguments import arguments_for
from actp.domains.mix import tasks as mix
from actp.domains.remotion import tasks
from actp.errors import InvalidInput, NotFound, WrongState

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.domains.tools import Tools
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools, RunScript

FOUR = ["tiktok", "instagram", "twitter", "threads"]
RESONANCE = """
insert into actp_niche_resonance (platform, niche, offer_tag, content_type, avg_views,
  avg_engagement, top_hook_patterns, sample_count, last_updated) values
  ('tiktok', 'saas_growth', 'saas_consulting', 'case_study', 100, 10, '{Churn is a choice}', 3,
   now()),
  ('threads', 'ai_automation', 'none', 'educational', 1000, 10, '{}', 2, now()),
  ('tiktok', 'personal_brand', 'none', 'educational', 1000, 10, '{}', 9,
   now() - interval '31 days'),
  ('tiktok', 'other', 'none', 'educational', 9000, 90, '{}', 9, now()),
  ('threads', 'creator_economy', 'none', 'educational', null, null, null, 9, now())
"""


@pytest.fixture
def full_tools(open_tools: OpenTools, simulator: SimulatorProcess) -> Tools:
    """The tools with everything outside but Claude."""
    return open_tools(
        REMOTION_URL=simulator.url("remotion"),
        BLOTATO_API_KEY="test-only",
        BLOTATO_API_URL=f"{simulator.url('blotato')}/v2",
    )


def ask(admin: psycopg.Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode(), values or None).fetchall()


def job(admin: psycopg.Connection) -> tuple[Any, ...]:
    query = "select status, retry_count, render_job_id, output_url, error from actp_gen_jobs"
    (row,) = ask(admin, query)
    return row


def inputs(admin: psycopg.Connection) -> list[Any]:
    query = "select input_data from actp_workflow_tasks where task_type = 'blotato_multi_publish'"
    return [given for (given,) in ask(admin, query)]


def alerts(admin: psycopg.Connection) -> list[tuple[str, Any]]:
    return [(kind, detail) for kind, detail in ask(admin, "select kind, detail from safari_alerts")]


def play(simulator: SimulatorProcess, *rules: dict[str, Any], **more: Any) -> None:
    simulator.play({"remotion": {"rules": rules, **more}})


def test_what_resonates_best_is_rendered_uploaded_and_sent_out_once(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    admin.execute(RESONANCE)
    made = tasks.pipeline(full_tools)
    assert (made["created"], made["status"], made["claude"]) == (True, "rendering", "no_key")
    assert (made["brief"]["niche"], made["brief"]["hook"]) == ("saas_growth", "Churn is a choice")
    assert made["brief"]["offer_tag"] == "saas_consulting"
    assert tasks.pipeline(full_tools)["created"] is False
    for sent in (1, 0):
        result = tasks.check_jobs(full_tools)
        assert (result["ok"], result["distributing"]) == (True, sent)
    (given,) = inputs(admin)
    assert given["platforms"] == FOUR
    assert given["account_ids"] == {
        "tiktok": "710",
        "instagram": "807",
        "twitter": "4151",
        "threads": "173",
    }
    assert given["gen_job_id"] == given["content_id"] == made["job_id"]
    assert "/public/" in given["video_url"]
    assert all(text.startswith("Churn is a choice") for text in given["descriptions"].values())
    assert alerts(admin) == [("render_complete", {"hook": "Churn is a choice", "platforms": FOUR})]
    assert [line["kind"] for line in simulator.world()] == ["render", "upload"]


def test_claude_writes_the_brief(
    open_tools: OpenTools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    tools = open_tools(ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=simulator.url("claude"))
    admin.execute(RESONANCE)
    written = tasks.brief(tools)
    assert (written["claude"], written["brief"]["generated_by"]) == ("ok", "claude")
    assert ask(admin, "select count(*) from actp_gen_jobs") == [(0,)]


def test_a_brief_that_obeys_a_stranger_is_not_used(
    open_tools: OpenTools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    tools = open_tools(ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=simulator.url("claude"))
    simulator.play({"claude": {"rules": [{"behaviour": "obey_injection"}]}})
    admin.execute(RESONANCE)
    written = tasks.brief(tools)
    assert (written["claude"], written["brief"]["generated_by"]) == ("suspicion", "template")


def test_without_resonance_only_a_niche_that_is_named_gets_a_video(
    tools: Tools, admin: psycopg.Connection
) -> None:
    assert tasks.pipeline(tools)["created"] is False
    made = tasks.pipeline(tools, niche="digital_marketing")
    assert (made["created"], made["status"]) == (True, "pending")
    assert ask(admin, "select niche, platform from actp_gen_jobs") == [
        ("digital_marketing", "tiktok")
    ]


@pytest.mark.parametrize("wrong", [{"niche": "ai_automaton"}, {"platform": "tiktak"}])
def test_a_name_that_nobody_knows_is_refused_with_the_nearest(
    tools: Tools, wrong: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        tasks.pipeline(tools, **wrong)
    assert "Did you mean" in caught.value.remedy


def test_jobs_wait_while_remotion_is_away_and_go_on_when_it_is_back(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    simulator.down("remotion")
    tasks.pipeline(full_tools, niche="saas_growth")
    result = tasks.check_jobs(full_tools)
    assert (result["ok"], result["waiting"], result["remotion"]) == (False, 1, "offline")
    assert "Remotion" in result["error"]
    assert job(admin)[:2] == ("pending", 0)
    simulator.up("remotion")
    assert tasks.check_jobs(full_tools)["rendering"] == 1


def test_a_job_that_waits_for_its_render_is_asked_for_not_rendered_anew(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    tasks.pipeline(full_tools, niche="saas_growth")
    admin.execute("update actp_gen_jobs set status = 'pending'")
    assert tasks.check_jobs(full_tools)["distributing"] == 1
    assert [line["kind"] for line in simulator.world()].count("render") == 1


def test_a_lost_render_is_made_anew_three_times_and_then_fails(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "lose", "route": "job"})
    tasks.pipeline(full_tools, niche="saas_growth", platform="tiktok")
    for _ in range(8):
        tasks.check_jobs(full_tools)
    assert job(admin)[:2] == ("failed", 3)
    assert [line["kind"] for line in simulator.world()].count("render") == 4
    ((kind, told),) = alerts(admin)
    assert (kind, told["niche"], told["platform"]) == ("render_failed", "saas_growth", "tiktok")


def test_a_render_that_fails_is_told(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "fail", "route": "job"})
    tasks.pipeline(full_tools, niche="saas_growth")
    assert tasks.check_jobs(full_tools)["failed"] == 1
    assert [kind for kind, _ in alerts(admin)] == ["render_failed"]
    assert inputs(admin) == []


def test_another_program_at_remotions_place_is_a_matter_for_a_person(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, health={"status": "ok", "service": "instagram-dm"})
    tasks.pipeline(full_tools, niche="saas_growth")
    result = tasks.check_jobs(full_tools)
    assert (result["ok"], result["remotion"]) == (False, "misconfigured")
    assert "instagram-dm" in result["error"]
    assert job(admin)[0] == "pending"


def test_video_waits_for_its_upload_without_a_new_render(
    full_tools: Tools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    tasks.pipeline(full_tools, niche="saas_growth")
    simulator.down("blotato")
    assert tasks.check_jobs(full_tools)["waiting"] == 1
    assert job(admin)[0] == "complete"
    simulator.up("blotato")
    assert tasks.check_jobs(full_tools)["distributing"] == 1
    assert len(inputs(admin)) == 1


def test_without_a_key_a_video_on_this_machine_waits_for_one(
    open_tools: OpenTools, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    tools = open_tools(REMOTION_URL=simulator.url("remotion"))
    tasks.pipeline(tools, niche="saas_growth")
    result = tasks.check_jobs(tools)
    assert (result["ok"], job(admin)[0]) == (False, "complete")
    assert "BLOTATO_API_KEY" in result["error"]


def test_the_other_style_names_a_file_of_this_machine(
    open_tools: OpenTools,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    play(simulator, home=str(tmp_path), style="v1")
    tools = open_tools(
        REMOTION_URL=simulator.url("remotion"),
        REMOTION_API_STYLE="v1",
        REMOTION_HOME=str(tmp_path),
        BLOTATO_API_KEY="k",
        BLOTATO_API_URL=f"{simulator.url('blotato')}/v2",
    )
    tasks.pipeline(tools, niche="saas_growth")
    assert tasks.check_jobs(tools)["distributing"] == 1
    assert "/public/" in inputs(admin)[0]["video_url"]


def test_jobs_of_others_are_left_alone(full_tools: Tools, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into actp_gen_jobs (model, status) values ('veo', 'queued'),"
        " ('remotion', 'succeeded'), ('remotion', 'claimed'), (null, 'queued')"
    )
    before = ask(admin, "select * from actp_gen_jobs order by id")
    assert tasks.check_jobs(full_tools)["checked"] == 0
    assert ask(admin, "select * from actp_gen_jobs order by id") == before


@pytest.mark.parametrize("brief", ["{}", '"odd"', "null", '{"hook": 7}'])
def test_a_brief_that_cannot_be_read_fails_its_job_alone(
    full_tools: Tools, admin: psycopg.Connection, brief: str
) -> None:
    admin.execute("insert into actp_gen_jobs (brief, status) values (%s, 'queued')", (brief,))
    assert tasks.check_jobs(full_tools)["failed"] == 1
    assert "the brief cannot be used" in job(admin)[4]


def test_two_runs_do_not_work_on_the_same_job(full_tools: Tools, admin: psycopg.Connection) -> None:
    tasks.pipeline(full_tools, niche="saas_growth")
    taken: dict[str, Any] = {"claim": str(uuid4()), "row_limit": 10, "seconds": 60.0}
    assert len(full_tools.store.call("agent_remotion_due", **taken)) == 1
    assert tasks.check_jobs(full_tools)["checked"] == 0
    admin.execute("update actp_gen_jobs set claimed_until = now()")
    assert tasks.check_jobs(full_tools)["checked"] == 1


@pytest.mark.parametrize(
    ("task_status", "attempt", "left"),
    [("failed", None, FOUR), ("failed", ("twitter", "not_sent"), FOUR)]
    + [
        ("succeeded", ("twitter", outcome), ["tiktok", "instagram", "threads"])
        for outcome in ("sent", "unknown")
    ],
)
def test_a_video_is_distributed_again_only_where_it_is_not(
    full_tools: Tools,
    admin: psycopg.Connection,
    task_status: str,
    attempt: tuple[str, str] | None,
    left: list[str],
) -> None:
    made = tasks.pipeline(full_tools, niche="saas_growth")
    tasks.check_jobs(full_tools)
    with pytest.raises(WrongState, match="under way"):
        tasks.distribute(full_tools, made["job_id"])
    admin.execute("update actp_gen_jobs set status = 'distributed'")
    admin.execute("update actp_workflow_tasks set status = %s", (task_status,))
    if attempt is not None:
        admin.execute(
            "insert into actp_publish_attempts (task_id, platform, attempt, gen_job_id, boot_id,"
            " outcome) select id, %s, 1, %s, gen_random_uuid(), %s from actp_workflow_tasks",
            (attempt[0], made["job_id"], attempt[1]),
        )
    admin.execute("update actp_gen_jobs set output_url = 'https://cdn.example.com/v.mp4'")
    assert tasks.distribute(full_tools, made["job_id"])["platforms"] == left
    assert len(inputs(admin)) == 2


def test_only_a_job_with_a_video_can_be_distributed(
    full_tools: Tools, simulator: SimulatorProcess
) -> None:
    simulator.down("remotion")
    made = tasks.pipeline(full_tools, niche="saas_growth")
    with pytest.raises(WrongState, match="no video yet"):
        tasks.distribute(full_tools, made["job_id"])
    with pytest.raises(NotFound):
        tasks.distribute(full_tools, str(uuid4()))
    with pytest.raises(InvalidInput):
        tasks.distribute(full_tools, "seven")


def test_the_script_shows_everything(
    run_script: RunScript,
    full_tools: Tools,
    admin: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [script.main([flag]) for flag in ("--queue", "--status", "--pipeline", "--brief")] == [
        0
    ] * 4
    admin.execute(RESONANCE)
    code, made = run_script(script, "--pipeline", "--platform", "tiktok", "--niche", "saas_growth")
    assert (code, made["status"]) == (0, "rendering")
    flags = ("--brief", "--queue", "--check-jobs", "--status")
    assert [script.main([flag]) for flag in flags] == [0] * 4
    shown = capsys.readouterr().out
    assert "Churn is a choice" in shown
    assert "1 sent out" in shown
    assert "Posts: 1 pending." in shown
    assert run_script(script, "--distribute", made["job_id"])[0] == 65
    assert full_tools.settings.blotato_api_key is not None


# -- content-mix


def test_the_largest_gap_has_a_video_made_once_a_week_and_platform(
    full_tools: Tools, admin: psycopg.Connection
) -> None:
    first = mix.recommend(full_tools, platform="tiktok")
    assert (first["video"]["created"], first["video"]["status"]) == (True, "rendering")
    assert mix.recommend(full_tools, platform="tiktok")["video"]["created"] is False
    assert mix.recommend(full_tools, platform="threads")["video"]["created"] is True
    week = ask(admin, """select to_char(now() at time zone 'utc', 'IYYY"-W"IW')""")[0][0]
    assert sorted(ask(admin, "select niche, platform, request_key from actp_gen_jobs")) == [
        ("ai_automation", platform, f"content-mix:ai_automation:{platform}:{week}")
        for platform in ("threads", "tiktok")
    ]
    admin.execute("update actp_gen_jobs set request_key = replace(request_key, '-W', '-V')")
    assert mix.recommend(full_tools, platform="tiktok")["video"]["created"] is True


def test_a_mix_without_a_gap_or_with_a_service_down_still_recommends(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    code, result = run_script(growth, "--content-mix", "--go")
    assert (code, result["video"]["status"], len(result["rows"]) >= 3) == (0, "pending", True)
    admin.execute("delete from actp_gen_jobs")
    parts = {"ai_automation": 7, "personal_brand": 4, "creator_economy": 4, "saas_growth": 3}
    for niche, posts in (parts | {"digital_marketing": 2}).items():
        admin.execute(
            "insert into actp_content_performance (platform, external_id, niche, published_at)"
            " select 'tiktok', %s || n, %s, now() from generate_series(1, %s) n",
            (niche, niche, posts),
        )
    _, result = run_script(growth, "--content-mix", "--go")
    assert (result["video"], len(result["rows"])) == (None, 3)
    assert growth.main(["--content-mix", "--platform", "tiktak"]) == 2


def test_the_mix_only_shows_unless_it_is_told_to_go(
    run_script: RunScript, admin: psycopg.Connection
) -> None:
    code, result = run_script(growth, "--content-mix")
    assert (code, result["video"]) == (0, None)
    assert ask(admin, "select count(*) from actp_gen_jobs") == [(0,)]
    assert arguments_for(AGENTS["content-mix"]["recommend"], {"platform": "tiktok"}) == [
        "--content-mix", "--go", "--platform=tiktok",
    ]  # fmt: skip


@pytest.mark.parametrize("platform", ["youtube", "linkedin"])
def test_a_video_made_for_a_platform_goes_there_too(
    full_tools: Tools, admin: psycopg.Connection, platform: str
) -> None:
    tasks.pipeline(full_tools, platform=platform, niche="saas_growth")
    while not inputs(admin):
        tasks.check_jobs(full_tools)
    ((platforms, times),) = ask(
        admin,
        "select input_data -> 'platforms', input_data -> 'scheduled_times'"
        " from actp_workflow_tasks",
    )
    assert platforms == ["tiktok", "instagram", "twitter", "threads", platform]
    assert set(times) == set(platforms), "each at one of its hours"
    if platform == "youtube":
        lead = datetime.fromisoformat(times["tiktok"]) - datetime.fromisoformat(times["youtube"])
        assert lead >= timedelta(hours=24)
