"""What a run asked of Claude outlives it, and never gets in the way of what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from actp.clients.claude import Question
from actp.domains.tools import Tools
from actp.errors import ClaudeError
from actp.settings import load_settings

if TYPE_CHECKING:
    import psycopg

    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools

KEPT = "select purpose, outcome, questions, tokens_asked > 100, dollars > 0 from agent_claude_usage"


class Message(BaseModel):
    message: str = Field(max_length=280)


QUESTION = Question("dm", "Write.", {"name": "Maria"}, Message)


@pytest.fixture(autouse=True)
def claude_of_simulator(open_tools: OpenTools, simulator: SimulatorProcess) -> None:
    open_tools(ANTHROPIC_API_KEY="test-only", ANTHROPIC_BASE_URL=simulator.url("claude"))


def kept(admin: psycopg.Connection) -> list[Any]:
    return admin.execute(KEPT).fetchall()


def test_what_was_asked_is_kept_when_the_run_ends(admin: psycopg.Connection) -> None:
    with Tools(load_settings()) as tools:
        tools.claude.ask(QUESTION)
        tools.claude.ask(QUESTION)
        assert kept(admin) == []
    assert kept(admin) == [("dm", "answered", 2, True, True)]


def test_it_is_kept_when_the_run_fails(
    admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    simulator.play({"claude": {"rules": [{"behaviour": "refusal"}]}})
    with pytest.raises(ClaudeError), Tools(load_settings()) as tools:
        tools.claude.ask(QUESTION)
    assert kept(admin) == [("dm", "refused", 1, True, True)]


def test_who_asked_nothing_writes_nothing(admin: psycopg.Connection) -> None:
    with Tools(load_settings()) as tools:
        assert tools.claude.is_configured
    assert kept(admin) == []


def test_a_database_that_cannot_keep_it_hides_no_result(
    admin: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    admin.execute("drop function agent_claude_record(uuid, jsonb)")
    with Tools(load_settings()) as tools:
        answer = tools.claude.ask(QUESTION)
    assert "Maria" in answer.message
    assert "could not store Claude usage" in caplog.text


def test_a_database_that_cannot_keep_it_hides_no_error(
    admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    simulator.play({"claude": {"rules": [{"behaviour": "refusal"}]}})
    admin.execute("drop function agent_claude_record(uuid, jsonb)")
    with pytest.raises(ClaudeError), Tools(load_settings()) as tools:
        tools.claude.ask(QUESTION)
