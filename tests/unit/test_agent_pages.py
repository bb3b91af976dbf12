"""Each domain has a page for its agent, and what it says is so."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actp.dispatch.agents import AGENTS, DOMAIN_MODULES

if TYPE_CHECKING:
    from actp.cli.agents.script import Script

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / ".claude" / "agents"
SECTIONS = ["Tasks", "Tables", "Critical columns", "Services", "Alerts", "Rules", "Checks"]
# Which tables the product gives each domain to read and to write.
READS = {
    "prospect": "crm_contacts crm_interactions crm_conversations actp_platform_associations",
    "ab-tester": "actp_posting_schedule",
    "scheduler": "actp_content_performance actp_ab_tests",
    "content-mix": "actp_content_performance actp_niche_resonance",
    "youtube": "youtube_video_stats",
    "trends": "actp_platform_research actp_twitter_research youtube_video_stats crm_contacts",
    "creators": "actp_platform_creators",
    "outreach": "actp_prospect_scores crm_contacts crm_conversations crm_interactions",
    "remotion": "actp_niche_resonance",
}
WRITES = {
    "prospect": "actp_prospect_scores",
    "ab-tester": "actp_ab_tests actp_content_performance",
    "scheduler": "actp_posting_schedule",
    "youtube": "actp_content_performance actp_niche_resonance",
    "trends": "actp_platform_associations actp_cross_platform_trends",
    "creators": "actp_platform_creators crm_contacts",
    "outreach": "crm_message_queue",
    "remotion": "actp_gen_jobs",
}


def page_of(domain: str) -> str:
    return (PAGES / domain / "CLAUDE.md").read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    return page.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]


def spans(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def script_of(domain: str) -> Script:
    """The script's command, found by what the file itself imports."""
    source = (ROOT / DOMAIN_MODULES[domain]).read_text(encoding="utf-8")
    (module,) = re.findall(r"from (actp\.cli\.agents\.\w+) import script", source)
    found: Script = importlib.import_module(module).script
    return found


def test_the_nine_domains_have_pages_and_nobody_else() -> None:
    assert {page.parent.name for page in PAGES.glob("*/CLAUDE.md")} == set(DOMAIN_MODULES)


@pytest.mark.parametrize("domain", DOMAIN_MODULES)
def test_a_page_names_script_tasks_and_flags_as_they_are(domain: str) -> None:
    page = page_of(domain)
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == SECTIONS
    assert DOMAIN_MODULES[domain] in spans(page)
    told = dict(re.findall(r"^\| `([\w-]+)` \| `(--[\w-]+)` \|", page, re.MULTILINE))
    assert told == {task: command.flag for task, command in AGENTS[domain].items()}
    known = {task.flag for task in script_of(domain).tasks}
    assert set(told.values()) <= known
    beside = {span.split()[0] for span in spans(page) if span.startswith("--")}
    options = {flag for param in script_of(domain).command.params for flag in param.opts}
    assert beside <= options


@pytest.mark.parametrize("domain", DOMAIN_MODULES)
def test_a_page_names_tables_and_files_that_are_there(domain: str) -> None:
    page = page_of(domain)
    sql = "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "migrations").glob("*.sql")
    )
    tables = section(page, "Tables")
    named = {span for span in spans(tables) if "_" in span}
    assert {name for name in named if f"create table if not exists public.{name} (" not in sql} <= {
        "safari_command_queue"
    }
    reads, _, writes = tables.partition("- Writes:")
    assert set(READS[domain].split()) <= spans(reads)
    assert set(WRITES.get(domain, "").split()) <= spans(writes)
    for path in (span for span in spans(page) if "/" in span and " " not in span):
        assert (ROOT / path).exists(), path
    checks = re.findall(r"tests/\S+", section(page, "Checks"))
    assert checks
    assert [path for path in checks if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("domain", DOMAIN_MODULES)
def test_a_page_names_columns_that_are_there(domain: str) -> None:
    sql = "\n".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "migrations").glob("*.sql")
    )
    lines = re.findall(
        r"^- `(\w+)`: (.*)$", section(page_of(domain), "Critical columns"), re.MULTILINE
    )
    assert lines
    for table, text in lines:
        first = text.split("(", 1)[0]
        for column in (span for span in spans(first) if re.fullmatch(r"[a-z_]+", span)):
            if "no `" + column in text:
                continue
            assert re.search(rf"\b{column}\b", sql), f"{table}.{column}"
