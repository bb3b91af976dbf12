"""Rows of videos that somebody else wrote: never trusted, and none keeps the others waiting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actp.domains.remotion import tasks
from actp.errors import WrongState

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools


@pytest.fixture
def full_tools(open_tools: OpenTools, simulator: SimulatorProcess) -> Tools:
    """The tools with Remotion and Blotato."""
    return open_tools(
        REMOTION_URL=simulator.url("remotion"),
        BLOTATO_API_KEY="test-only",
        BLOTATO_API_URL=f"{simulator.url('blotato')}/v2",
    )


def inputs(admin: psycopg.Connection) -> list[Any]:
    rows = admin.execute("select input_data from actp_workflow_tasks").fetchall()
    return [given for (given,) in rows]


@pytest.mark.parametrize(
    ("status", "render_job_id"), [("complete", None), ("complete", ".."), ("pending", "unknown")]
)
def test_what_a_row_says_of_its_video_is_never_published(
    full_tools: Tools,
    admin: psycopg.Connection,
    simulator: SimulatorProcess,
    status: str,
    render_job_id: str | None,
) -> None:
    tasks.pipeline(full_tools, niche="saas_growth")
    outputs = (
        str(Path(__file__)),
        f"{simulator.url('twitter-dm')}/a.mp4",
        "https://x.example/v.mp4",
    )
    for output in outputs:
        admin.execute("delete from actp_workflow_tasks")
        admin.execute(
            "update actp_gen_jobs set status = %s, output_url = %s, render_job_id = %s,"
            " retry_count = 0",
            (status, output, render_job_id),
        )
        for _ in range(3):
            tasks.check_jobs(full_tools)
        (given,) = inputs(admin)
        assert given["video_url"].startswith(simulator.url("blotato"))
    kinds = [line["kind"] for line in simulator.world()]
    assert kinds == ["render", *["render", "upload"] * len(outputs)]


def test_a_video_that_remotion_knows_no_more_is_not_taken_from_its_row(
    full_tools: Tools, admin: psycopg.Connection
) -> None:
    made = tasks.pipeline(full_tools, niche="saas_growth")
    tasks.check_jobs(full_tools)
    admin.execute("update actp_gen_jobs set status = 'distributed', render_job_id = 'forgotten'")
    with pytest.raises(WrongState, match="its render is lost"):
        tasks.distribute(full_tools, made["job_id"])
    assert len(inputs(admin)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        "rendering_since = 'infinity'",
        "rendering_since = '-infinity', created_at = '-infinity'",
        "retry_count = -2147483648",
        "brief = (repeat('[', 3000) || repeat(']', 3000))::jsonb",
        "brief = jsonb_build_object('n', repeat('1', 5000)::numeric)",
    ],
)
def test_a_row_that_cannot_be_worked_on_keeps_no_other_waiting(
    full_tools: Tools, admin: psycopg.Connection, odd: str
) -> None:
    tasks.pipeline(full_tools, niche="saas_growth")
    admin.execute("insert into actp_gen_jobs (model, status) values ('remotion', 'rendering')")
    admin.execute(f"update actp_gen_jobs set {odd} where brief is null or brief = '{{}}'".encode())  # noqa: S608  ours
    tasks.check_jobs(full_tools)
    assert len(inputs(admin)) == 1
    assert tasks.status(full_tools)["rows"]
    assert admin.execute(
        "select count(*) from actp_gen_jobs where claimed_until is not null"
    ).fetchone() == (0,)
