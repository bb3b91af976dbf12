"""Research of niches: jobs that run, are in the way, fail or get lost; and what they find."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from actp.clients.research import Findings, MarketResearch
from actp.clients.research.findings import read_findings
from actp.errors import InvalidInput, ServiceRefused, ServiceUnavailable
from simulator.process import SimulatorProcess
from tests.support.safari_clients import is_free, safari_client, simulator_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.safari.client import SafariClient
    from actp.settings import Settings

SERVICE = "market-research"
DEADLINE_SECONDS = 40.0


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(one_safari=True) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: SimulatorProcess) -> SimulatorProcess:
    running.reset()
    play(running)
    return running


@pytest.fixture
def settings(simulator: SimulatorProcess, tmp_path: Path) -> Settings:
    return simulator_settings(simulator, tmp_path)


@pytest.fixture
def research(settings: Settings) -> Iterator[MarketResearch]:
    with safari_client(settings) as safari:
        yield MarketResearch(settings, safari)


def play(simulator: SimulatorProcess, *behaviours: str, **service: Any) -> None:
    quick = {"job_seconds": 0.05, "restart_after_seconds": 0.05, **service}
    rules = [
        {"service": SERVICE, "action": "niche", "behaviour": behaviour, "times": 1}
        for behaviour in behaviours
    ]
    simulator.play({"rules": rules, "services": {SERVICE: quick}})


def ask(research: MarketResearch, *niches: str, platform: str = "tiktok") -> list[Findings]:
    return research.niches(
        platform, niches or ("ai_automation",), creators_per_niche=3, posts_per_niche=5
    )


def current_job(safari: SafariClient) -> object:
    return safari.get(SERVICE, "/health", timeout_seconds=20, turn=False)["currentJob"]


def researched(simulator: SimulatorProcess) -> list[str]:
    return [line["text"] for line in simulator.world() if line["kind"] == "research"]


def test_each_niche_is_a_job_with_findings_of_its_own(
    research: MarketResearch, simulator: SimulatorProcess, settings: Settings
) -> None:
    first, second = ask(research, "ai_automation", "creator_economy")
    assert (first.niche, second.niche) == ("ai_automation", "creator_economy")
    assert "ai_automation" in first.posts[0].text
    assert (len(first.creators), len(first.posts)) == (3, 5)
    assert first.creators[0].top_post_url.startswith("https://")
    scores = [creator.engagement_score or 0 for creator in first.creators]
    assert scores == sorted(scores, reverse=True)
    assert researched(simulator) == ["ai_automation", "creator_economy"]
    assert is_free(settings)


def test_the_turn_is_held_until_the_job_ends(
    research: MarketResearch, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, job_seconds=1.5)
    with safari_client(settings, "another") as another, ThreadPoolExecutor(1) as pool:
        findings = pool.submit(ask, research)
        while current_job(another) is None:
            assert not findings.done()
        assert not is_free(settings) or current_job(another) is None
        assert findings.result(DEADLINE_SECONDS)
    assert is_free(settings)
    assert [line["kind"] for line in simulator.world()] == ["research"]


def test_a_job_of_somebody_else_is_waited_for(
    research: MarketResearch, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, job_seconds=0.3)
    with safari_client(settings, "another") as another:
        body = {"niche": "theirs"}
        path = "/api/research/tiktok/niche"
        another.post(SERVICE, path, body=body, timeout_seconds=20)
    (found,) = ask(research, "ours")
    assert found.niche == "ours"
    assert "ours" in found.posts[0].text
    assert researched(simulator) == ["theirs", "ours"]


def test_a_busy_answer_that_names_a_job_nobody_knows_is_tried_again(
    research: MarketResearch, simulator: SimulatorProcess
) -> None:
    play(simulator, "job_busy")
    assert ask(research)[0].posts


def test_a_lost_job_is_started_once_more(
    research: MarketResearch, simulator: SimulatorProcess
) -> None:
    play(simulator, "job_lost")
    assert ask(research)[0].posts


def test_a_job_lost_twice_is_an_error(
    research: MarketResearch, simulator: SimulatorProcess, settings: Settings
) -> None:
    play(simulator, "job_lost", "job_lost")
    with pytest.raises(ServiceUnavailable, match="lost the research"):
        ask(research)
    assert is_free(settings)


def test_a_service_that_restarts_in_the_middle_gets_the_job_once_more(
    research: MarketResearch, settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, job_seconds=1.5)
    with safari_client(settings, "another") as another, ThreadPoolExecutor(1) as pool:
        findings = pool.submit(ask, research)
        while current_job(another) is None:
            assert not findings.done()
        simulator.crash(SERVICE)
        assert findings.result(DEADLINE_SECONDS)[0].posts
    assert researched(simulator) == ["ai_automation"]


def test_a_failed_job_is_told_with_its_reason(
    research: MarketResearch, simulator: SimulatorProcess, settings: Settings
) -> None:
    play(simulator, "job_fails")
    with pytest.raises(ServiceRefused, match="Research failed"):
        ask(research)
    assert is_free(settings)


def test_a_service_that_may_not_research_twitter_names_its_setting(
    research: MarketResearch, simulator: SimulatorProcess
) -> None:
    play(simulator, research_enabled=False)
    with pytest.raises(ServiceRefused) as caught:
        ask(research, platform="twitter")
    assert "SAFARI_RESEARCH_ENABLED=true" in caught.value.remedy


def test_a_job_that_never_ends_leaves_safari_taken(
    settings: Settings, simulator: SimulatorProcess
) -> None:
    play(simulator, job_seconds=60)
    with safari_client(settings) as safari:
        research = MarketResearch(settings, safari, job_timeout_seconds=0.3)
        with pytest.raises(ServiceUnavailable) as caught:
            ask(research)
    assert caught.value.may_be_busy


def test_a_service_that_is_down_is_an_error_and_nothing_is_researched(
    research: MarketResearch, simulator: SimulatorProcess
) -> None:
    simulator.down(SERVICE)
    with pytest.raises(ServiceUnavailable, match=SERVICE):
        ask(research)


@pytest.mark.parametrize(("platform", "niche"), [("linkedin", "ai"), ("tiktok", ""), ("x/y", "a")])
def test_what_no_service_should_get_is_refused_before(
    research: MarketResearch, simulator: SimulatorProcess, platform: str, niche: str
) -> None:
    with pytest.raises(InvalidInput):
        ask(research, niche or " ", platform=platform)
    assert simulator.world() == []


@pytest.mark.parametrize(
    "creator",
    [
        {"handle": "@ada", "topTweetUrl": "https://x.com/1", "topTweets": [{"text": "Engines"}]},
        {"handle": "ada", "topPostUrl": "https://x.com/1", "topPost": {"text": "Engines"}},
        {"username": "ada", "topVideoUrl": "https://x.com/1", "topVideos": [{"text": "Engines"}]},
        {"username": "ada", "topPost": {"text": "Engines", "url": "https://x.com/1"}},
    ],
)
def test_a_creator_is_read_in_every_shape(creator: dict[str, Any]) -> None:
    given = {**creator, "displayName": "Ada", "followers": "12.5K", "totalEngagement": 7}
    (ada,) = read_findings("twitter", "ai", {"topCreators": [given]}).creators
    assert (ada.handle, ada.display_name, ada.followers) == ("ada", "Ada", 12_500)
    assert (ada.top_post_text, ada.top_post_url) == ("Engines", "https://x.com/1")
    assert ada.engagement_score == 7.0


def test_posts_are_read_by_any_of_their_names_and_sorted() -> None:
    data = [
        {"niche": "other", "tweets": [{"text": "not ours"}]},
        {
            "niche": "AI",
            "videos": [
                {"description": "less", "likes": 1, "comments": 2, "shares": 3},
                {"caption": "more", "engagementScore": 50, "author": "@bob"},
            ],
            "creators": [{"handle": "bob"}],
        },
    ]
    found = read_findings("tiktok", "ai", data)
    assert [post.text for post in found.posts] == ["more", "less"]
    assert (found.posts[1].replies, found.posts[1].reposts) == (2, 3)
    assert found.creators[0].top_post_text == "more"


def test_a_file_is_read_with_its_settings_around_the_results() -> None:
    card = {"description": "Three tools", "author": "bob", "views": 1200, "likes": 0, "shares": 0}
    unread = {**card, "author": "eve", "views": 0}
    bob = {"handle": "bob", "bio": "Founder", "followers": 0, "totalEngagement": 0}
    file = {
        "metadata": {"label": "niche", "config": {"videosPerNiche": 50}},
        "results": [{"niche": "ai", "videos": [card, unread], "creators": [bob]}],
        "allCreators": [{"handle": "of another niche"}],
    }
    found = read_findings("tiktok", "ai", file)
    assert [(post.author, post.views, post.likes) for post in found.posts] == [
        ("bob", 1200, None),
        ("eve", None, None),
    ]
    (creator,) = found.creators
    assert (creator.bio, creator.followers, creator.engagement_score) == ("Founder", None, None)
    assert read_findings("tiktok", "ai", {**file, "results": []}).is_empty


@pytest.mark.parametrize(
    "data",
    [None, [], "text", {"tweets": "none"}, {"tweets": [None, {}, {"text": 5, "likes": "many"}]}],
)
def test_a_strange_answer_yields_what_there_is(data: object) -> None:
    found = read_findings("tiktok", "ai", data)
    assert found.creators == ()
    assert {post.likes for post in found.posts} <= {None}


def test_text_from_outside_is_made_storable() -> None:
    found = read_findings("tiktok", "ai", {"tweets": [{"text": "a\x00b", "likes": float("nan")}]})
    assert (found.posts[0].text, found.posts[0].likes) == ("ab", None)
