"""Videos on their way to the platforms: each at most once, and what came of it."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest

from actp.clients.blotato import Blotato
from actp.domains.publishing.publisher import Me, Publisher
from actp.domains.publishing.results import Results
from actp.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from actp.settings import Settings
    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools

VIDEO = "https://cdn.example/v.mp4"
FOUR = ("tiktok", "instagram", "twitter", "threads")


class Publishers(Protocol):
    """Makes publishers, each a process of its own as far as the database can tell."""

    def __call__(self, host: str = ..., *, store: Store | None = ...) -> Publisher: ...


@pytest.fixture
def settings(open_tools: OpenTools, simulator: SimulatorProcess) -> Settings:
    blotato = f"{simulator.url('blotato')}/v2"
    return open_tools(BLOTATO_API_KEY="test-only", BLOTATO_API_URL=blotato).settings


@pytest.fixture
def publishers(settings: Settings, store: Store, tmp_path: Path) -> Iterator[Publishers]:
    with closing(Blotato(settings)) as blotato:

        def make(host: str = "here", *, store: Any = store) -> Publisher:
            me = Me(str(uuid4()), host, f"{host}/1")
            return Publisher(
                store,
                blotato,
                Results(store, tmp_path / host, me.boot_id),
                me=me,
                accounts=settings.blotato_accounts,
                retry_base_seconds=15.0,
                ask_seconds=5.0,
            )

        yield make


def ask(admin: psycopg.Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return admin.execute(query.encode(), values or None).fetchall()


def add(admin: psycopg.Connection, *platforms: str, **more: Any) -> str:
    given = {"video_url": VIDEO, "platforms": platforms or FOUR, "text": "A hook", **more}
    ((id_,),) = ask(
        admin,
        "insert into actp_workflow_tasks (task_type, input_data)"
        " values ('blotato_multi_publish', %s) returning id::text",
        json.dumps(given),
    )
    return str(id_)


def pass_time(admin: psycopg.Connection) -> None:
    """Make due what waits."""
    admin.execute(
        "update actp_publish_attempts set retry_at = least(retry_at, now()),"
        " ask_at = least(ask_at, now())"
    )
    admin.execute("update actp_workflow_tasks set next_at = least(next_at, now())")


def work_off(publisher: Publisher, admin: psycopg.Connection) -> None:
    for _ in range(30):
        if publisher.work(lambda: False) is None:
            return
        pass_time(admin)
    raise AssertionError("it does not come to an end")


def ended(admin: psycopg.Connection, id_: str) -> tuple[str, Any, str | None]:
    query = "select status, output_data, error from actp_workflow_tasks where id = %s"
    ((status, output, error),) = ask(admin, query, id_)
    return status, output, error


def alerts(admin: psycopg.Connection, kind: str) -> list[Any]:
    query = "select detail from safari_alerts where kind = %s order by id"
    return [detail for (detail,) in ask(admin, query, kind)]


def play(simulator: SimulatorProcess, *rules: dict[str, Any], **more: Any) -> None:
    simulator.play({"blotato": {"rules": rules, **more}})


def seen(simulator: SimulatorProcess) -> list[str]:
    return [effect["platform"] for effect in simulator.effects("blotato")]


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
    play(simulator, {"behaviour": "too_many_requests", "times": times, "retry_after_seconds": 0})
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
    assert "nobody knows" in told["error"]


def test_an_account_of_another_platform_or_another_account_gets_no_post(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    play(simulator, accounts={"4151": "tiktok", "173": "threads"})
    id_ = add(admin, "twitter", "threads", account_ids={"threads": 999})
    work_off(publishers(), admin)
    assert seen(simulator) == []
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


def test_a_post_of_which_blotato_never_speaks_again_is_unknown_in_the_end(
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


def test_the_task_of_a_dead_process_is_taken_over_and_what_it_had_begun_is_unknown(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter", "threads")
    dead = {"boot_id": str(uuid4()), "lease_seconds": 60.0}
    claimed = store.call("agent_publish_claim", host_key="here", worker="dead", **dead)["task"]
    mine = {"task_id": id_, "lease_number": claimed["lease"], **dead}
    assert store.call("agent_publish_begin", platform="twitter", **mine)["verdict"] == "granted"
    assert publishers("elsewhere").work(lambda: False) == pytest.approx(60, abs=10)
    work_off(publishers("here"), admin)
    assert seen(simulator) == ["threads"]
    assert ended(admin, id_)[1]["unknown_platforms"] == ["twitter"]
    assert store.call("agent_publish_begin", platform="tiktok", **mine) == {"verdict": "lost"}


def test_whoever_began_it_may_still_say_what_truly_came_of_it(
    publishers: Publishers, admin: psycopg.Connection, store: Store
) -> None:
    id_ = add(admin, "twitter")
    slow, lease_seconds = str(uuid4()), 60.0
    claim = {"boot_id": slow, "lease_seconds": lease_seconds}
    lease = store.call("agent_publish_claim", host_key="here", worker="w", **claim)["task"]["lease"]
    store.call("agent_publish_begin", task_id=id_, lease_number=lease, platform="twitter", **claim)
    work_off(publishers("here"), admin)
    late = {"task_id": id_, "platform": "twitter", "attempt": 1, "outcome": "sent"}
    foreign = {**late, "boot_id": str(uuid4()), "submission_id": "never-heard-of"}
    store.call("agent_publish_submitted", **foreign)
    assert ended(admin, id_)[0] == "failed"
    store.call("agent_publish_submitted", **{**foreign, "boot_id": slow})
    assert ended(admin, id_)[0] == "running"
    admin.execute("update actp_publish_attempts set begun_at = now() - interval '31 minutes'")
    work_off(publishers("here"), admin)
    assert ask(admin, "select outcome, submission_id from actp_publish_attempts") == [
        ("unknown", "never-heard-of")
    ]


def test_two_publishers_share_the_tasks(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    for _ in range(3):
        add(admin, "twitter")
    one, other = publishers("one"), publishers("other")
    for _ in range(3):
        one.work(lambda: False)
        other.work(lambda: False)
    assert len(seen(simulator)) == 3


def test_two_tasks_of_one_video_publish_it_once(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    job = str(uuid4())
    ids = [add(admin, "twitter", gen_job_id=job) for _ in range(2)]
    work_off(publishers(), admin)
    assert seen(simulator) == ["twitter"]
    assert sorted(ended(admin, id_)[0] for id_ in ids) == ["failed", "succeeded"]


def test_a_result_outlives_an_outage_and_the_process(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter")
    broken = OnlyBroken(store, "agent_publish_submitted")
    dying = publishers("here", store=broken)
    with pytest.raises(StoreUnavailable):
        dying.work(lambda: False)
    dying._results.close()  # noqa: SLF001  as the end of its process does
    work_off(publishers("here"), admin)
    assert seen(simulator) == ["twitter"]
    assert ended(admin, id_)[0] == "succeeded"


def test_a_begin_whose_answer_never_came_is_no_reason_for_doubt(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin, "twitter")
    broken = OnlyBroken(store, "agent_publish_begin", after=True)
    publisher = publishers("here", store=broken)
    with pytest.raises(StoreUnavailable):
        publisher.work(lambda: False)
    broken.function = ""
    work_off(publisher, admin)
    assert seen(simulator) == ["twitter"]
    assert ended(admin, id_)[0] == "succeeded"


class OnlyBroken:
    """The store, but one function cannot be reached, or its answer does not come."""

    def __init__(self, store: Store, function: str, *, after: bool = False) -> None:
        self._store = store
        self.function = function
        self._after = after

    def call(self, function: str, /, **arguments: Any) -> Any:
        if function == self.function and not self._after:
            raise StoreUnavailable("gone")
        answer = self._store.call(function, **arguments)
        if function == self.function:
            raise StoreUnavailable("gone")
        return answer


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


def test_a_publisher_that_is_told_to_stop_lets_go_between_two_posts(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    id_ = add(admin)
    answers = iter([False, True])
    publishers("one").work(lambda: next(answers))
    assert len(seen(simulator)) == 1
    assert ended(admin, id_)[0] == "running"
    work_off(publishers("other"), admin)
    assert sorted(seen(simulator)) == sorted(FOUR)
