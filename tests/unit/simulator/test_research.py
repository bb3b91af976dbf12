"""market-research: searches answer at once, niches run as jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Caller

SERVICE = "market-research"


def _status(call: Caller, job_id: str) -> str:
    return str(call.get(SERVICE, f"/api/research/status/{job_id}").json().get("status"))


def _quick(call: Caller) -> None:
    call.simulator.play({"services": {SERVICE: {"job_seconds": 0.05}}})


def test_a_search_finds_the_same_posts_for_the_same_question(call: Caller) -> None:
    first, second = call.send(SERVICE).json(), call.send(SERVICE).json()
    assert first["count"] == 10
    assert first["posts"] == second["posts"]


def test_an_unknown_platform_is_refused(call: Caller) -> None:
    answer = call.post(SERVICE, "/api/research/linkedin/search", {"query": "x"})
    assert answer.status_code == 400
    assert call.post(SERVICE, "/api/research/all/full", {"niches": ["x"]}).status_code == 400


def test_a_niche_runs_as_a_job_and_leaves_results(call: Caller) -> None:
    _quick(call)
    started = call.post(SERVICE, "/api/research/tiktok/niche", {"niche": "ai"})
    job_id = started.json()["jobId"]
    call.simulator.wait_for(quiet=SERVICE)
    assert _status(call, job_id) == "completed"
    latest = call.get(SERVICE, "/api/research/results/latest/tiktok").json()
    assert latest["file"]["filename"].startswith("tiktok/tiktok-research-niche-")
    (result,) = latest["data"]["results"]
    assert result["creators"]
    assert {card["likes"] for card in result["videos"]} == {0}, "cards show views only"
    assert [e["text"] for e in call.seen("research")] == ["ai"]


def test_a_busy_platform_is_409(call: Caller) -> None:
    call.simulator.play({"services": {SERVICE: {"job_seconds": 30}}})
    call.post(SERVICE, "/api/research/tiktok/niche", {"niche": "ai"})
    second = call.post(SERVICE, "/api/research/tiktok/niche", {"niche": "ai"})
    assert second.status_code == 409
    assert second.json()["currentJob"]["platform"] == "tiktok"
    full = call.post(SERVICE, "/api/research/threads/full", {"niches": ["ai"]})
    assert full.status_code == 409


def test_a_job_fails(call: Caller) -> None:
    _quick(call)
    call.simulator.play(
        {
            "rules": [{"service": SERVICE, "action": "niche", "behaviour": "job_fails"}],
            "services": {SERVICE: {"job_seconds": 0.05}},
        }
    )
    started = call.post(SERVICE, "/api/research/tiktok/niche", {"niche": "ai"})
    call.simulator.wait_for(quiet=SERVICE)
    assert _status(call, started.json()["jobId"]) == "failed"


def test_a_job_is_lost(call: Caller) -> None:
    call.play(SERVICE, "job_lost", action="niche")
    started = call.post(SERVICE, "/api/research/tiktok/niche", {"niche": "ai"})
    gone = call.get(SERVICE, f"/api/research/status/{started.json()['jobId']}")
    assert gone.status_code == 404


def test_a_job_can_be_refused_at_the_start(call: Caller) -> None:
    call.play(SERVICE, "fail")
    answer = call.post(SERVICE, "/api/research/tiktok/niche", {"niche": "ai"})
    assert answer.status_code == 500
    assert call.get(SERVICE, "/health").json()["jobsTotal"] == 0


def test_a_synchronous_niche_answers_with_its_findings(call: Caller) -> None:
    _quick(call)
    body = {"niche": "ai", "config": {"sync": True}}
    answer = call.post(SERVICE, "/api/research/twitter/niche", body).json()
    assert answer["success"] is True
    assert len(answer["tweets"]) == 10


def test_twitter_research_must_be_enabled(call: Caller) -> None:
    call.simulator.play({"services": {SERVICE: {"research_enabled": False}}})
    started = call.post(SERVICE, "/api/research/twitter/niche", {"niche": "ai"})
    call.simulator.wait_for(quiet=SERVICE)
    assert _status(call, started.json()["jobId"]) == "failed"
