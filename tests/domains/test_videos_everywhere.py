"""A video from its request to its posts, through every adapter of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.domains.posts import FOUR, VIDEO, Publishers

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools
    from tests.support.databases import Database

BRIEF = {"hook": "A hook", "content_type": "educational", "offer_tag": "none"}


def test_every_adapter_carries_a_video_to_its_posts(
    backend: Database, open_tools: OpenTools, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    store, claim = backend.store, str(uuid4())
    assert store.call("agent_remotion_requested", key="k") is None
    request: dict[str, Any] = {"key": "k", "niche": "saas_growth", "platform": "tiktok"}
    made = [store.call("agent_remotion_request", **request, brief=BRIEF) for _ in range(2)]
    assert [each["created"] for each in made] == [True, False]
    (job,) = store.call("agent_remotion_due", claim=claim, row_limit=9, seconds=60.0)
    mine: dict[str, Any] = {"claim": claim, "job_id": job["id"]}
    change: dict[str, Any] = {"render_job_id": "r", "retry_count": 0, "output_url": VIDEO}
    assert store.call("agent_remotion_change", **mine, **change, status="complete", release=False)
    sending: dict[str, Any] = {"output_url": VIDEO, "platforms": list(FOUR), "account_ids": {}}
    texts = dict.fromkeys(FOUR, "A hook")
    sent = [
        store.call("agent_remotion_distribute", **mine, **sending, descriptions=texts)
        for _ in range(2)
    ]
    assert [each["platforms"] for each in sent] == [list(FOUR), []]

    url = f"{simulator.url('blotato')}/v2"
    tools = open_tools(BLOTATO_API_KEY="k", BLOTATO_API_URL=url, BLOTATO_POLL_SECONDS="0.01")
    publisher = Publishers(tools.settings, store, tools.blotato, tmp_path, ask_seconds=0.0)()
    while publisher.work(lambda: False) is not None:
        pass
    assert [effect["platform"] for effect in simulator.effects("blotato")] == [*FOUR]
    shown = store.call("agent_remotion_status")
    assert (shown["jobs"], shown["posts"]) == ({"distributed": 1}, {"succeeded": 1})
    assert store.call("agent_remotion_jobs", open=True) == []
