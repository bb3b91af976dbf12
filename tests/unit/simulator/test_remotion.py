"""Remotion's stand-in: both styles, jobs in memory, and the shell behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.unit.simulator.conftest import Caller

RENDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "default": ("/api/render", {"jobKey": "a", "brief": {"hook": "hello"}}),
    "v1": ("/api/v1/render/brief", {"brief": {"id": "a", "title": "hello"}}),
}
JOBS = {"default": "/api/jobs/", "v1": "/api/v1/jobs/"}

styles = pytest.mark.parametrize("style", RENDERS)


def play(call: Caller, *rules: dict[str, Any], **settings: Any) -> None:
    call.simulator.play({"remotion": {"rules": rules, **settings}})


def render(call: Caller, style: str, **brief: str) -> httpx.Response:
    path, body = RENDERS[style]
    return call.post("remotion", path, {**body, "brief": {**body["brief"], **brief}})


def job(call: Caller, style: str, job_id: str) -> httpx.Response:
    return call.get("remotion", JOBS[style] + job_id)


@styles
def test_a_render_ends_in_a_video(call: Caller, style: str, tmp_path: Path) -> None:
    play(call, home=str(tmp_path))
    answer = render(call, style)
    assert answer.status_code == 202
    said = job(call, style, answer.json()["jobId"]).json()
    if style == "default":
        assert said["status"] == "complete"
        assert call.http.get(said["outputUrl"]).is_success
    else:
        assert said["status"] == "completed"
        assert (tmp_path / said["result"]["videoPath"]).is_file()
    assert [(line["kind"], line["text"]) for line in call.seen()] == [("render", "hello")]
    assert call.simulator.effects() == []


@styles
def test_a_service_of_one_style_has_no_other(call: Caller, style: str) -> None:
    play(call, style=style)
    answers = {name: render(call, name).status_code for name in RENDERS}
    assert answers == {name: 202 if name == style else 404 for name in RENDERS}


def test_jobs_are_lost_when_it_goes_down(call: Caller) -> None:
    job_id = render(call, "v1").json()["jobId"]
    assert job(call, "v1", job_id).is_success
    call.simulator.crash("remotion")
    call.simulator.up("remotion")
    assert job(call, "v1", job_id).status_code == 404


@styles
def test_a_brief_that_leaves_the_shells_quotes_fails(call: Caller, style: str) -> None:
    job_id = render(call, style, title="don't").json()["jobId"]
    said = job(call, style, job_id).json()
    assert (said["status"], said["error"][:15]) == ("failed", "Command failed:")


def test_health_needs_no_key_but_all_else_does(call: Caller) -> None:
    play(call, key="mine")
    assert call.get("remotion", "/health").json()["status"] == "healthy"
    assert render(call, "v1").status_code == 401
    assert call.get("remotion", "/nowhere").status_code == 401
    path, body = RENDERS["v1"]
    for header in ({"X-API-Key": "mine"}, {"Authorization": "Bearer mine"}):
        assert call.post("remotion", path, body, headers=header).status_code == 202


def test_another_program_on_its_port_renders_nothing(call: Caller) -> None:
    play(call, health={"status": "ok", "service": "instagram-dm"})
    assert call.get("remotion", "/health").json()["service"] == "instagram-dm"
    assert render(call, "v1").status_code == 404
    assert call.seen() == []


@pytest.mark.parametrize(
    ("behaviour", "status"), [("fail", "failed"), ("stuck", "processing"), ("lose", None)]
)
def test_a_job_may_end_badly_or_never(call: Caller, behaviour: str, status: str | None) -> None:
    play(call, {"behaviour": behaviour})
    answer = job(call, "v1", render(call, "v1").json()["jobId"])
    assert answer.json().get("status") == status
    assert answer.is_success == (status is not None)
