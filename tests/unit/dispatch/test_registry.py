"""The agents as services."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.agents.registry import main
from actp.dispatch.registry import Registry
from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    assert len(registry.init_all_services()) == 10
    return registry


def test_ten_agents_are_registered_however_often(registry: Registry) -> None:
    registry.init_all_services()
    services = registry.list_services()
    assert len(services) == 10
    assert all(service["description"] for service in services)
    assert registry.list_topics("trends") == ["trends.detect", "trends.associations", "trends.full"]
    assert len(registry.list_topics()) == sum(len(service["topics"]) for service in services)
    assert registry.list_topics("nobody") == []


@pytest.mark.parametrize(
    "topic", ["prospect.score_all", "prospects.score-all", "prospect", "", "."]
)
def test_an_unknown_topic_is_answered_with_suggestions(registry: Registry, topic: str) -> None:
    answer = registry.dispatch(topic, {})
    assert answer.keys() == {"ok", "topic", "result", "duration_ms"}
    assert (answer["ok"], answer["topic"]) == (False, topic)
    if topic.startswith("prospect") and "." in topic:
        assert answer["result"]["suggestions"][0] == "prospect.score-all"


def test_others_can_register_services_too(registry: Registry) -> None:
    def greet(params: Mapping[str, Any]) -> tuple[bool, Any]:
        return True, f"Hello {params['name']}"

    registry.register_service("system", "What the system says of itself.", {"greet": greet})
    answer = registry.dispatch("system.greet", {"name": "Ada"})
    assert (answer["ok"], answer["result"]) == (True, "Hello Ada")
    broken = registry.dispatch("system.greet")
    assert (broken["ok"], broken["result"]) == (False, {"error": "KeyError: 'name'"})


@pytest.mark.parametrize(("name", "description"), [("", "x"), ("a.b", "x"), ("a", " ")])
def test_a_service_needs_a_name_and_a_description(
    registry: Registry, name: str, description: str
) -> None:
    with pytest.raises(InvalidInput):
        registry.register_service(name, description, {})


def test_wrong_parameters_are_an_answer_too(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTP_ENV_FILE", "")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    answer = registry.dispatch("prospect.score", {})
    assert answer["result"]["error"] == "--score needs the parameter id"


def test_the_commands_answer_in_json(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(registry, ["list"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 10
    assert main(registry, ["call", "nobody.nothing", "{}"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert main(registry, ["call", "trends.detect", "[]"]) == 2
    assert "not a JSON object" in capsys.readouterr().err
