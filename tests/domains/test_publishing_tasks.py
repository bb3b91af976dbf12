"""Videos on their way to the platforms: each at most once, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.domains.posts import (
    FOUR,
    Publishers,
    add,
    alerts,
    ask,
    ended,
    pass_time,
    play,
    seen,
    work_off,
)

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools


@pytest.fixture
def publishers(
    open_tools: OpenTools, simulator: SimulatorProcess, store: Store, tmp_path: Path
) -> Publishers:
    blotato = f"{simulator.url('blotato')}/v2"
    tools = open_tools(BLOTATO_API_KEY="test-only", BLOTATO_API_URL=blotato)
    return Publishers(tools.settings, store, tools.blotato, tmp_path)


def test_a_video_goes_to_every_platform_once_and_is_found_again(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, in_progress_answers=1)
    id_ = add(admin)
    work_off(publishers(), admin)
    assert seen(simulator) == [*FOUR]
    status, output, error = ended(admin, id_)
    assert (status, error, output["publish_count"]) == ("succeeded", None, 4)
    assert (output["failed_platforms"], output["unknown_platforms"]) == ([], [])
    urls = {effect["platform"]: effect["url"] for effect in simulator.effects("blotato")}
    assert {post["platform"]: post["post_url"] for post in output["published"]} == urls
    rows = ask(admin, "select platform, external_id, views, title from actp_content_performance")
    assert {(platform, views, title) for platform, _, views, title in rows} == {
        (platform, None, "A hook") for platform in FOUR
    }
    assert all(f"/{external_id}" in urls[platform] for platform, external_id, *_ in rows)
    (told,) = alerts(admin, "published")
    assert set(told["urls"]) == set(urls.values())


def test_a_platform_that_fails_keeps_the_others_from_nothing(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "invalid", "platform": "instagram"})
    id_ = add(admin)
    work_off(publishers(), admin)
    status, output, error = ended(admin, id_)
    assert (status, output["publish_count"], output["failed_platforms"]) == (
        "succeeded",
        3,
        ["instagram"],
    )
    assert "instagram: HTTP 422" in str(error)
    assert sorted(seen(simulator)) == sorted({*FOUR} - {"instagram"})
    assert [told["platforms"] for told in alerts(admin, "publish_failed")] == [["instagram"]]


@pytest.mark.parametrize(("times", "outcomes"), [(2, 3), (9, 4)])
def test_what_was_not_sent_for_now_is_tried_three_times_more(
    publishers: Publishers,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    times: int,
    outcomes: int,
) -> None:
    play(simulator, {"behaviour": "server_error", "route": "accounts", "times": times})
    id_ = add(admin, "twitter")
    work_off(publishers(), admin)
    assert ask(admin, "select count(*) from actp_publish_attempts") == [(outcomes,)]
    assert len(seen(simulator)) == (times < outcomes)
    assert ended(admin, id_)[0] == ("succeeded" if times < outcomes else "failed")


def test_blotato_out_of_reach_sends_nothing_and_waits(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    simulator.down("blotato")
    add(admin, "twitter")
    publishers().work(lambda: False)
    simulator.up("blotato")
    pass_time(admin)
    assert ask(admin, "select outcome, retry_at is null from actp_publish_attempts")[0] == (
        "not_sent",
        False,
    )
    work_off(publishers(), admin)
    assert seen(simulator) == ["twitter"]


@pytest.mark.parametrize("behaviour", ["drop_after_effect", "nameless", "server_error"])
def test_an_answer_that_is_lost_is_unknown_told_and_never_repeated(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, behaviour: str
) -> None:
    play(simulator, {"behaviour": behaviour, "platform": "twitter"})
    id_ = add(admin, "twitter", "threads")
    work_off(publishers(), admin)
    work_off(publishers(), admin)
    assert seen(simulator).count("twitter") == (behaviour != "server_error")
    status, output, _ = ended(admin, id_)
    assert (status, output["unknown_platforms"]) == ("succeeded", ["twitter"])
    assert output["failed_platforms"] == []
    (told,) = alerts(admin, "publish_failed")
    assert told["platforms"] == ["twitter"]
    assert "is unknown: " in told["error"]


def test_an_account_of_another_platform_or_another_account_gets_no_post(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, accounts={"4151": "tiktok", "173": "threads"})
    id_ = add(admin, "twitter", "threads", account_ids={"threads": 999})
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient) values ('threads', 'ada.l')"
    )
    mention = add(admin, "threads", text="A hook, after @Ada.L")
    work_off(publishers(), admin)
    assert seen(simulator) == []
    assert "mentions @ada.l, who is on the do-not-contact" in str(ended(admin, mention)[2])
    status, output, _ = ended(admin, id_)
    assert (status, output["failed_platforms"]) == ("failed", ["twitter", "threads"])
    assert "BLOTATO_ACCOUNTS" in output["errors"]["twitter"]
    assert "account 999" in output["errors"]["threads"]


def test_a_post_that_the_platform_refused_later_is_a_failure(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "fail"})
    id_ = add(admin, "twitter")
    work_off(publishers(), admin)
    assert ended(admin, id_)[1]["errors"] == {"twitter": "the platform refused the post"}


def test_post_without_a_report_of_blotato_ends_unknown(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "stuck"})
    id_ = add(admin, "twitter")
    publisher = publishers()
    publisher.work(lambda: False)
    assert ended(admin, id_)[0] == "running"
    admin.execute("update actp_publish_attempts set begun_at = now() - interval '31 minutes'")
    pass_time(admin)
    work_off(publisher, admin)
    assert ended(admin, id_)[1]["unknown_platforms"] == ["twitter"]
    assert len(seen(simulator)) == 1


def test_a_long_text_is_shortened(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    add(admin, "twitter", text="word " * 80)
    work_off(publishers(), admin)
    (post,) = simulator.effects("blotato")
    assert post["text"].endswith("word…")
    assert len(post["text"]) <= 280


def test_a_paused_platform_waits_and_costs_no_try(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter", "threads")
    store.call("safari_pause", platform="twitter")
    publisher = publishers()
    publisher.work(lambda: False)
    assert seen(simulator) == ["threads"]
    store.call("safari_resume", platform="twitter")
    admin.execute("update actp_workflow_tasks set next_at = now()")
    work_off(publisher, admin)
    assert seen(simulator) == ["threads", "twitter"]
    assert ended(admin, id_)[1]["publish_count"] == 2


@pytest.mark.parametrize("given", ["{}", '"odd"', '{"platforms": ["fax"]}'])
def test_a_task_that_cannot_be_done_ends_with_its_reason(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, given: str
) -> None:
    admin.execute(
        "insert into actp_workflow_tasks (task_type, input_data)"
        " values ('blotato_multi_publish', %s)",
        (given,),
    )
    work_off(publishers(), admin)
    assert seen(simulator) == []
    ((status, error),) = ask(admin, "select status, error from actp_workflow_tasks")
    assert (status, bool(error)) == ("failed", True)
    assert len(alerts(admin, "publish_failed")) == 1


def test_tasks_of_others_are_left_alone(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    add(admin, "twitter")
    add(admin, "twitter")
    add(admin, "twitter")
    admin.execute(
        "with w as (select id, row_number() over (order by id) as n from actp_workflow_tasks)"
        " update actp_workflow_tasks t set"
        " status = case w.n when 1 then 'claimed' when 2 then 'running' else t.status end,"
        " task_type = case w.n when 3 then 'video_render' else t.task_type end"
        " from w where w.id = t.id"
    )
    assert publishers().work(lambda: False) is None
    assert seen(simulator) == []


def test_a_post_with_a_time_is_kept_by_blotato_until_then(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, keeps_schedule=True)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=20)
    times = {"tiktok": at.isoformat(), "threads": "soon", "twitter": "2020-01-01T00:00:00+00:00"}
    id_ = add(admin, "tiktok", "threads", "twitter", scheduled_times=times)
    publisher = publishers()
    while publisher.work(lambda: False) == 0:
        pass
    pass_time(admin)
    while publisher.work(lambda: False) == 0:
        pass
    scheduled = {each["platform"]: each["scheduled"] for each in simulator.effects("blotato")}
    assert scheduled == {"tiktok": f"{at:%Y-%m-%dT%H:%M:%SZ}", "threads": "", "twitter": ""}
    assert ended(admin, id_)[0] == "running", "it is asked again when its time has come"
    ((waits,),) = ask(
        admin, "select ask_at > now() + interval '19 hours' from actp_publish_attempts"
        " where platform = 'tiktok'"
    )  # fmt: skip
    assert waits
    simulator.play({"blotato": {"keeps_schedule": False}})
    work_off(publisher, admin)
    assert ended(admin, id_)[0] == "succeeded"
    noted = ask(
        admin, "select platform, next_look_at - published_at from actp_own_posts order by 1"
    )
    assert noted == [(name, timedelta(hours=1)) for name in ("threads", "tiktok", "twitter")]
