"""``crm_brain.py`` as its callers see it: success lines, exit codes, scores and the queue."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from actp.cli.agents.crm import BrainCode, main
from actp.domains.crm.scoring import score
from actp.settings import PROJECT_ROOT, load_settings
from tests.domains.inboxes import service_urls
from tests.domains.people import People

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store import Json
    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess
    from tests.domains.conftest import OpenTools


class Brain(Protocol):
    """Runs the brain; returns its exit code and its lines."""

    def __call__(self, *flags: str) -> tuple[int, list[str]]: ...


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def brain(
    open_tools: OpenTools, simulator: SimulatorProcess, capsys: pytest.CaptureFixture[str]
) -> Brain:
    open_tools(**service_urls(simulator))

    def run(*flags: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = main(flags)
        return code, capsys.readouterr().out.splitlines()

    return run


def scores(people: People) -> dict[str, tuple[int, str, bool]]:
    rows = people.rows(
        "select username, relationship_score as score, relationship_stage as stage,"
        " last_scored_at is not null as is_scored from crm_contacts order by username"
    )
    return {row["username"]: (row["score"], row["stage"], row["is_scored"]) for row in rows}


def models(people: People) -> list[str]:
    rows = people.rows("select model_used from crm_score_history order by scored_at, id")
    return [row["model_used"] for row in rows]


def test_a_pipeline_reads_scores_and_queues_and_sends_nothing(
    brain: Brain, people: People, simulator: SimulatorProcess, store: Store
) -> None:
    people.add("ada", score=None, bio="Agency owner, n8n automation")
    shown = {"username": "ada", "lastMessage": "What does automation cost?", "unread": True}
    simulator.play({"services": {"twitter-dm": {"conversations": [shown]}}})
    code, lines = brain("--pipeline", "--min-score=1")
    assert (code, [line for line in lines if line.startswith("✅")]) == (
        0,
        ["✅ Synced 1 contacts total", "✅ Scored 1 contacts", "✅ 0 messages queued"],
    )
    assert "Read twitter: 1 conversations" in lines
    # Who wrote last gets nothing automatic before an operator has dismissed it.
    (contact,) = people.rows("select id::text from crm_contacts")
    store.call("agent_inbox_done", contact_id=contact["id"])
    assert brain("--generate", "--min-score", "1")[1][-1] == "✅ 1 messages queued"
    assert people.rows("select from safari_command_queue") == []


def test_sending_goes_through_the_command_queue(brain: Brain, people: People) -> None:
    first = people.queue(people.add("ada"))
    people.queue(people.add("bob"))
    assert "1 message would be handed" in brain("--send-test", "--limit", "1")[1][-1]
    assert people.rows("select from safari_command_queue") == []
    code, lines = brain("--send", "--limit", "1")
    assert (code, lines[-1]) == (0, "✅ 1 messages sent")
    (command,) = people.rows("select action, params from safari_command_queue")
    assert (command["action"], command["params"]["message_id"]) == ("send_dm", first)


def test_json_is_one_last_line(brain: Brain, people: People) -> None:
    people.add("ada")
    code, lines = brain("--score", "--sync-linkedin", "--json")
    assert code == 0
    assert lines[:-1] == ["✅ 0 LinkedIn prospects synced", "✅ Scored 1 contacts"]
    told = json.loads(lines[-1])
    assert (told["ok"], told["score"]["scored"], told["score"]["claude"]) == (True, 1, "no_key")


def test_the_exit_code_tells_wrong_flags(brain: Brain) -> None:
    assert [brain()[0], brain("--help")[0]] == [BrainCode.OK] * 2
    wrong = (
        ["--nonsense"],
        ["--limit=3"],
        ["--score", "--limit=abc"],
        ["--review", "nobody"],
    )
    assert [brain(*flags)[0] for flags in wrong] == [BrainCode.FAILED] * 4


def test_the_exit_code_tells_a_part_that_failed(brain: Brain, simulator: SimulatorProcess) -> None:
    simulator.down("tiktok-dm")
    code, lines = brain("--sync")
    assert code == BrainCode.PARTIAL
    assert lines[-1] == "✅ Synced 0 contacts total"
    assert any(line.startswith("⚠️  tiktok: ") for line in lines)


def test_the_exit_code_tells_missing_configuration(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFARI_TURNS", "many")
    assert brain("--status")[0] == BrainCode.CONFIG


def test_a_database_that_is_away_is_a_failure(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert brain("--status")[0] == BrainCode.FAILED


def test_the_script_is_the_default_brain() -> None:
    command = load_settings({"ACTP_ENV_FILE": "", "CRM_BRAIN_CMD": " "}).crm_brain_cmd
    assert str(PROJECT_ROOT / "crm_brain.py") in command
    ended = subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "crm_brain.py"), "--help"],
        capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    assert "--sync-linkedin" in ended.stdout


def test_without_a_key_the_funnel_scores_and_people_keep_the_last_word(
    tools: Tools, people: People
) -> None:
    people.add("ada", score=None, bio="n8n automation", relationship_stage="warm")
    people.add("bob", score=None, relationship_stage="client")
    people.add("noreply", score=None, email="noreply@shop.example")
    result = score(tools)
    assert (result["ok"], result["scored"], result["claude"]) == (True, 2, "no_key")
    assert scores(people) == {
        "ada": (10, "cold", True),
        "bob": (0, "client", True),
        "noreply": (0, "cold", False),
    }
    assert models(people) == ["rule", "rule"]


def test_whose_score_is_oldest_comes_first(tools: Tools, people: People) -> None:
    for name in ("ada", "bob", "cyd"):
        people.add(name, score=None)
    for _ in range(3):
        assert score(tools, limit=1)["scored"] == 1
    assert len(models(people)) == 3
    assert all(is_scored for _, _, is_scored in scores(people).values())


def test_claude_scores_from_what_was_said(claude_tools: Tools, people: People) -> None:
    id_ = people.add("ada", score=None, display_name="Ada L", niche_label="ai_automation")
    people.hears(id_, body="What does it cost?")
    result = score(claude_tools)
    assert (result["ok"], result["scored"], result["claude"]) == (True, 1, "ok")
    assert scores(people)["ada"][0] == 50
    (row,) = people.rows("select ai_summary, offer_readiness from crm_contacts")
    assert "Ada L" in row["ai_summary"]
    assert models(people) == ["claude"]


def test_where_claude_fails_the_old_score_stays_and_others_are_asked(
    claude_tools: Tools, people: People, simulator: SimulatorProcess
) -> None:
    people.add("ada", score=None, bio="poisonous", relationship_score=77)
    people.add("bob", score=None, bio="harmless")
    rule = {"behaviour": "garbage", "text": "poisonous"}
    simulator.play({"claude": {"rules": [rule]}})
    first = score(claude_tools)
    assert (first["ok"], first["scored"], first["failed"]) == (False, 1, 1)
    assert scores(people)["ada"] == (77, "cold", False)
    assert models(people) == ["claude"]
    # Once tried in vain, it is the last in line.
    people.rows("update crm_contacts set last_scored_at = null where username = 'bob' returning 1")
    assert score(claude_tools, limit=1)["scored"] == 1


def test_scores_that_are_stored_twice_are_one(tools: Tools, people: People) -> None:
    id_ = people.add("ada")
    page = tools.store.call("agent_crm_to_score")
    rows: list[Json] = [{"contact_id": id_, "score": 40, "stage": "warm", "model": "rule"}]
    stored = [
        tools.store.call("agent_crm_scored", as_of=page["as_of"], scores=rows) for _ in range(2)
    ]
    assert (stored, len(models(people))) == ([1, 0], 1)


def test_the_board_and_a_person_are_shown(brain: Brain, people: People) -> None:
    id_ = people.add("ada", display_name="Ada [red]L[/red]", relationship_score=70, headline="CTO")
    people.hears(id_, body="Tell me \x1b[31mmore")
    people.queue(id_, scheduled_for="tomorrow")
    code, board = brain("--status")
    assert code == 0
    assert board[0] == "1 contact: 1 cold"
    assert any("Ada [red]L[/red]" in line for line in board)
    code, lines = brain("--review", "ADA")
    assert code == 0
    assert lines[0].startswith("Ada [red]L[/red] (ada on twitter)")
    assert any("pending" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
