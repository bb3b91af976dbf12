"""The table of agents says what the customer's documents say."""

from __future__ import annotations

from actp.dispatch.agents import AGENTS, DESCRIPTIONS, DOMAIN_MODULES, DOMAINS, SWEEP
from actp.settings import PROJECT_ROOT

NAMED_BY_THE_CUSTOMER = {
    "prospect": {"score-all", "top", "next-actions", "research-ready", "score"},
    "ab-tester": {"checkback", "create", "status", "results", "schedule"},
    "scheduler": {"optimize", "saturation-check", "weekly-calendar", "dm-schedule"},
    "content-mix": {"recommend", "gaps", "resonance-summary"},
    "youtube": {"analyze", "resonance", "summary", "full"},
    "trends": {"detect", "associations", "full"},
    "creators": {"sync", "top", "full-sync"},
    "outreach": {"due", "build-queue", "send"},
    "remotion": {"pipeline", "check-jobs", "distribute"},
    "safari_cloud": {"run", "status", "health", "retry", "limits"},
}


def test_there_are_ten_agents_with_the_tasks_that_were_asked_for() -> None:
    assert AGENTS.keys() == NAMED_BY_THE_CUSTOMER.keys()
    for domain, named in NAMED_BY_THE_CUSTOMER.items():
        assert named <= set(AGENTS[domain])
    assert AGENTS.keys() == DESCRIPTIONS.keys()


def test_each_domain_has_the_script_of_the_module_map() -> None:
    scripts = {domain: {each.script for each in tasks.values()} for domain, tasks in AGENTS.items()}
    assert scripts.pop("safari_cloud") == {"safari_cloud_agent.py"}
    assert scripts == {domain: {script} for domain, script in DOMAIN_MODULES.items()}


def test_the_safari_cloud_has_the_flags_that_were_asked_for() -> None:
    assert {task: each.flag for task, each in AGENTS["safari_cloud"].items()} == {
        "run": "--run-once",
        "status": "--status",
        "health": "--health",
        "retry": "--retry-failed",
        "limits": "--rate-limits",
    }


def test_the_sweep_takes_one_task_of_each_of_the_nine_domains() -> None:
    assert [domain for domain, _ in SWEEP] == list(DOMAIN_MODULES)
    assert all(task in AGENTS[domain] for domain, task in SWEEP)


def test_each_record_names_its_page_and_schedule_lines_are_unique() -> None:
    for agent in DOMAINS:
        assert (PROJECT_ROOT / agent.page).is_file() == (agent.sweep is not None)
    lines = [task.cron for tasks in AGENTS.values() for task in tasks.values() if task.cron]
    assert len({line.name for line in lines}) == len(lines)
    assert {"saturation_check", "post_measure"} <= {line.name for line in lines}
