"""The client of Remotion in both styles, against a stand-in that loses jobs as Remotion does."""

from __future__ import annotations

import json
import os
import socket
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from actp.clients.remotion import Remotion, RemotionError
from actp.clients.remotion.service_brief import service_brief
from actp.clients.remotion.styles import read_job
from actp.domains.remotion.brief import ContentBrief
from actp.errors import InvalidInput
from actp.settings import load_settings
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "a-secret-nobody-may-read"
STYLES = ("default", "v1")
BRIEF = ContentBrief(
    niche="ai_automation",
    content_type="tip",
    platform="tiktok",
    duration_secs=30,
    hook="Don't do this by hand",
    script=("First this.", "Then that, which takes a little longer to say."),
    overlays=("1",),
    cta="Follow for more",
    hashtags=("#ai",),
    offer_tag="waitlist",
    generated_by="template",
)
INSTAGRAM_DM_HEALTH = {"status": "ok", "rateLimits": {"limits": {}}}


@pytest.fixture(scope="module")
def outside() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(scenario={"remotion": {"key": KEY}}) as simulator:
        yield simulator


@pytest.fixture
def simulator(outside: SimulatorProcess) -> SimulatorProcess:
    outside.reset()
    return outside


class Client(Protocol):
    def __call__(self, style: str = ..., **env: str) -> Remotion: ...


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[Client]:
    with ExitStack() as stack:

        def make(style: str = "default", **env: str) -> Remotion:
            usual = {"REMOTION_API_KEY": KEY, "REMOTION_URL": simulator.url("remotion")}
            env = usual | {"REMOTION_API_STYLE": style} | env
            remotion = Remotion(load_settings(env, Path(os.devnull)))
            return stack.enter_context(closing(remotion))

        yield make


@pytest.fixture(params=STYLES)
def remotion(
    request: pytest.FixtureRequest, client: Client, simulator: SimulatorProcess, tmp_path: Path
) -> Remotion:
    play(simulator, home=str(tmp_path))
    return client(request.param, REMOTION_HOME=str(tmp_path))


def play(simulator: SimulatorProcess, *rules: dict[str, Any], **settings: Any) -> None:
    simulator.play({"remotion": {"key": KEY, "rules": rules, **settings}})


def refusal(call: Callable[[], object]) -> RemotionError:
    with pytest.raises(RemotionError) as caught:
        call()
    assert KEY not in f"{caught.value} {caught.value.remedy}"
    return caught.value


def render(remotion: Remotion, brief: ContentBrief = BRIEF) -> str:
    return remotion.render(brief.to_json(), "video-1")


# ---- rendering ----


def test_a_video_is_rendered_and_can_be_fetched(
    remotion: Remotion, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    job = remotion.job(render(remotion))
    assert job.status == "complete"
    assert job.output is not None
    folder = tmp_path / "fetched"
    folder.mkdir()
    assert remotion.fetch(job.output, folder).read_bytes().endswith(b"as good as a video")
    [line] = simulator.world()
    assert (line["kind"], line["recipient"]) == ("render", "video-1")


@pytest.mark.parametrize(
    ("settings", "rules", "status"),
    [
        ({"job_seconds": 1000}, [], "queued"),
        ({}, [{"behaviour": "stuck"}], "rendering"),
        ({}, [{"behaviour": "fail"}], "failed"),
        ({}, [{"route": "job", "behaviour": "lose"}], "lost"),
    ],
)
def test_a_job_says_how_far_it_is(
    remotion: Remotion,
    simulator: SimulatorProcess,
    settings: dict[str, Any],
    rules: list[dict[str, Any]],
    status: str,
) -> None:
    play(simulator, *rules, **settings)
    job = remotion.job(render(remotion))
    assert (job.status, job.output) == (status, None)
    assert bool(job.error) == (status == "failed")


def test_a_restart_loses_the_jobs(remotion: Remotion, simulator: SimulatorProcess) -> None:
    job_id = render(remotion)
    simulator.down("remotion")
    assert refusal(lambda: remotion.job(job_id)).reason == "offline"
    simulator.up("remotion")
    assert remotion.job(job_id).status == "lost"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("pending", "queued"),
        ("processing", "rendering"),
        ("rendering", "rendering"),
        ("cancelled", "failed"),
        ("failed", "failed"),
    ],
)
def test_both_styles_words_are_understood(said: str, status: str) -> None:
    job = read_job({"status": said})
    assert job is not None
    assert job.status == status


@pytest.mark.parametrize("said", [{}, {"status": "sleeping"}, {"status": None}])
def test_an_unclear_job_is_no_job(said: dict[str, Any]) -> None:
    assert read_job(said) is None


def test_a_job_that_is_complete_without_a_video_has_failed() -> None:
    job = read_job({"status": "completed", "result": {}})
    assert job is not None
    assert (job.status, job.error) == ("failed", "complete, but without a video")


# ---- trouble ----


def test_a_service_that_is_off_is_offline(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refusal(lambda: render(client(REMOTION_URL=f"http://127.0.0.1:{port}")))
    assert error.reason == "offline"
    assert "REMOTION_URL" in error.remedy


@pytest.mark.parametrize("behaviour", ["server_error", "drop", "drop_after_effect"])
def test_a_service_in_trouble_is_asked_later(
    remotion: Remotion, simulator: SimulatorProcess, behaviour: str
) -> None:
    play(simulator, {"behaviour": behaviour})
    assert refusal(lambda: render(remotion)).reason == "later"


def test_too_many_requests_name_the_time_to_wait(
    remotion: Remotion, simulator: SimulatorProcess
) -> None:
    play(simulator, {"behaviour": "too_many_requests", "retry_after_seconds": 60})
    error = refusal(lambda: render(remotion))
    assert (error.reason, error.wait_seconds) == ("later", 60.0)


def test_a_refused_brief_is_refused(remotion: Remotion, simulator: SimulatorProcess) -> None:
    play(simulator, {"behaviour": "invalid"})
    assert refusal(lambda: render(remotion)).reason == "refused"


@pytest.mark.parametrize("style", STYLES)
def test_a_wrong_key_is_told_with_its_setting(client: Client, style: str) -> None:
    remotion = client(style, REMOTION_API_KEY="another")
    error = refusal(lambda: render(remotion))
    assert error.reason == "misconfigured"
    assert "REMOTION_API_KEY" in error.remedy


# ---- who answers ----


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("health", "who"),
    [
        (INSTAGRAM_DM_HEALTH, "another program"),
        ({"status": "healthy", "service": "instagram-dm"}, "instagram-dm"),
        ({"status": "healthy", "rateLimits": {}}, "another program"),
    ],
)
def test_another_program_on_the_port_gets_no_render_and_loses_no_job(
    client: Client, simulator: SimulatorProcess, style: str, health: dict[str, Any], who: str
) -> None:
    play(simulator, health=health)
    remotion = client(style)
    for call in (lambda: render(remotion), lambda: remotion.job("job-1")):
        error = refusal(call)
        assert error.reason == "misconfigured"
        assert str(error) == f"REMOTION_URL leads to {who}, not to Remotion"
    assert simulator.world() == []


@pytest.mark.parametrize(("style", "other"), [STYLES, STYLES[::-1]])
def test_the_other_style_is_recognised(
    client: Client, simulator: SimulatorProcess, style: str, other: str
) -> None:
    play(simulator, style=other)
    error = refusal(client(style).check)
    assert error.remedy == f"Set REMOTION_API_STYLE={other}."


# ---- where the video is ----


def test_a_path_from_the_services_folder_needs_that_folder(client: Client) -> None:
    remotion = client("v1")
    job_id = render(remotion)
    error = refusal(lambda: remotion.job(job_id))
    assert error.reason == "misconfigured"
    assert "REMOTION_HOME" in error.remedy


def test_only_a_video_below_the_services_folder_is_fetched(client: Client, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "output").mkdir(parents=True)
    remotion = client("v1", REMOTION_HOME=str(home))
    secret, video = tmp_path / "secret.mp4", home / "output" / "ours.mp4"
    secret.write_bytes(b"a secret")
    video.write_bytes(b"ours")
    (home / "link.mp4").symlink_to(secret)
    (home / "folder.mp4").mkdir()
    (home / "notes.txt").write_text("no video")
    for output in ("output/ours.mp4", str(video)):
        assert remotion.fetch(output, tmp_path).read_bytes() == b"ours"
    for output in (
        str(secret),
        "../secret.mp4",
        "link.mp4",
        "folder.mp4",
        "notes.txt",
        "nothing.mp4",
        "",
        "a\0b.mp4",
        "x" * 5000 + ".mp4",
        f"file://{video}",
    ):
        error = refusal(lambda output=output: remotion.fetch(output, tmp_path))  # type: ignore[misc]  # a default binds it
        assert error.reason == "refused", output


@pytest.mark.parametrize("style", STYLES)
def test_only_a_video_at_the_services_address_is_fetched(
    client: Client, simulator: SimulatorProcess, tmp_path: Path, style: str
) -> None:
    remotion = client(style, REMOTION_HOME=str(tmp_path))
    address, neighbour = simulator.url("remotion"), simulator.url("twitter-dm")
    port = address.rpartition(":")[2]
    for output in (f"{address}/output/a.mp4", f"http://localhost:{port}/output/a.mp4"):
        assert remotion.fetch(output, tmp_path).read_bytes().endswith(b"as good as a video")
    for output in (
        f"{neighbour}/output/a.mp4",
        f"http://remotion.example:{port}/output/a.mp4",
        f"https://127.0.0.1:{port}/output/a.mp4",
        f"http://user@127.0.0.1:{port}/output/a.mp4",
        f"http://127.0.0.1:{port}@remotion.example/output/a.mp4",
        f"http://127.0.0.1:{port}\\@remotion.example/output/a.mp4",
        f"{address}/health",
        f"{address}/",
        f"{address}/..",
        "http://[::1/output/a.mp4",
    ):
        error = refusal(lambda output=output: remotion.fetch(output, tmp_path))  # type: ignore[misc]  # a default binds it
        assert error.reason == "refused", output
    missing = f"{address}/output/a/b.mp4"
    assert refusal(lambda: remotion.fetch(missing, tmp_path)).reason == "later"


def test_a_video_that_is_too_large_is_not_fetched(
    client: Client, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    remotion = client("v1", REMOTION_HOME=str(tmp_path))
    (tmp_path / "large.mp4").write_bytes(b"eleven char")
    for output in ("large.mp4", f"{simulator.url('remotion')}/output/large.mp4"):
        error = refusal(lambda output=output: remotion.fetch(output, tmp_path, most_bytes=10))  # type: ignore[misc]  # a default binds it
        assert (error.reason, "larger than" in str(error)) == ("refused", True)


@pytest.mark.parametrize("job_id", ["..", "../health", "a/b", "", "a b", "x" * 300])
def test_what_is_no_id_of_a_render_is_not_asked_for(remotion: Remotion, job_id: str) -> None:
    assert remotion.job(job_id).status == "lost"


# ---- briefs ----


def test_no_text_of_a_brief_reaches_the_services_shell(
    remotion: Remotion, simulator: SimulatorProcess
) -> None:
    attack = "'; touch pwned; echo '"
    brief = replace(BRIEF, hook=attack, script=(attack, "a\0b"), cta=attack, offer_tag=attack)
    assert remotion.job(render(remotion, brief)).status == "complete"
    [line] = simulator.world()
    assert "touch pwned" in line["brief"]
    assert "'" not in line["brief"]
    for key in ("../up", "$(id)", "a b", "", "x" * 65):
        error = refusal(lambda key=key: remotion.render(BRIEF.to_json(), key))  # type: ignore[misc]  # a default binds it
        assert error.reason == "refused"


@pytest.mark.parametrize(
    ("seconds", "kind", "ratio"), [(30, "shorts_v1", "9:16"), (600, "explainer_v1", "16:9")]
)
def test_the_sections_fill_the_whole_time(seconds: int, kind: str, ratio: str) -> None:
    made = service_brief(replace(BRIEF, duration_secs=seconds).to_json(), "video-1")
    assert (made["id"], made["format"]) == ("video-1", kind)
    assert made["settings"]["aspect_ratio"] == ratio
    sections = made["sections"]
    assert [section["type"] for section in sections] == ["hook", "topic", "topic", "cta"]
    assert len({section["id"] for section in sections}) == len(sections)
    end = 0.0
    for section in sections:
        assert section["start_time_sec"] == pytest.approx(end)
        assert section["duration_sec"] > 0
        end += section["duration_sec"]
    assert end == pytest.approx(seconds, abs=0.05)
    assert sections[2]["duration_sec"] > sections[1]["duration_sec"]


def test_a_brief_survives_being_stored() -> None:
    stored = json.loads(json.dumps(BRIEF.to_json()))
    assert ContentBrief.from_json(stored | {"more": 1}) == BRIEF


def test_a_stored_brief_that_is_broken_is_told_with_all_its_faults() -> None:
    stored = BRIEF.to_json() | {"duration_secs": 0, "script": "one line"}
    del stored["hook"]
    with pytest.raises(InvalidInput, match=r"duration_secs: .*hook: .*script: "):
        ContentBrief.from_json(stored)
