"""What the documents name must exist: links, commands, files, settings, functions, alerts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from actors.scheduler.jobs import JOBS
from actp.alerts.domain_texts import DOMAIN_WRITERS
from actp.cli.agents import abtest, growth, outreach, prospect, remotion, trends, youtube
from actp.cli.group import actp
from actp.cli.reference import reference, script_commands
from actp.dispatch.agents import AGENTS
from actp.errors import ExitCode
from actp.settings.names import ALIASES, ENV_FILE_NAME, KNOWN
from tests.support.alert_kinds import alert_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = (abtest, growth, outreach, prospect, remotion, trends, youtube)
SCRIPTS = script_commands()
# It has commands instead of flags.
REGISTRY = "service_registry.py"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Elsewhere a person writes what a person may write: placeholders, and alternatives with a bar.
PLACEHOLDER = re.compile(r"^(?:[A-Z_]{2,}|ID|…|\S+\|\S+|[0-9a-f]{6,8})$")
FOLDERS = ("actors", "actp", "bin", "demo", "docs", "metrics", "migrations", "simulator", "tests")
LONGEST_README_LINES = 200
LONGEST_PAGE_LINES = 350
SETTING = re.compile(r"^(?:[A-Z][A-Z0-9]*_[A-Z0-9_]+|WORKERS)$")
NOT_OURS = frozenset({"CLOCK_BOOTTIME", "JOB_ID"})
# Folders that a running worker makes under ACTP_HOME.
MADE_AT_RUN_TIME = frozenset({"metrics/targets"})
# The sentinel tells them itself: the database, which keeps alerts, is what they are about.
ALERTS_WITHOUT_A_ROW = frozenset({"database_back", "database_lost"})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def spans(page: Path) -> list[str]:
    """Every `code span` of a page."""
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", prose(page))]


def command_lines(page: Path) -> Iterator[str]:
    """Every command that a page shows: in spans, and after a prompt."""
    blocks = re.findall(r"^\$ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    for line in [*spans(page), *blocks]:
        if re.match(r"bin/\w|(?:python3 )?\w+\.py\b", line):
            yield line.split(" #")[0].removeprefix("python3 ").strip()


def sql() -> str:
    files = [*(ROOT / "migrations").rglob("*.sql"), *(ROOT / "actp" / "store").glob("*.sql")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def tables() -> set[str]:
    return set(re.findall(r"create table (?:if not exists )?(?:public\.)?(\w+)", sql()))


def slug(heading: str) -> str:
    """The anchor that a heading has on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def headings_of(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)


def usage_of(launcher: Path) -> str:
    lines = launcher.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("# "))


def options_of(command: click.Command) -> set[str]:
    return {"--help"} | {opt for param in command.params for opt in param.opts}


def every_option(command: click.Command) -> set[str]:
    if not isinstance(command, click.Group):
        return options_of(command)
    context = click.Context(command)
    below = (command.get_command(context, name) for name in command.list_commands(context))
    return options_of(command).union(*(every_option(it) for it in below if it is not None))


def wrong_in(line: str) -> str | None:
    """What is wrong with a command line, or None."""
    name, *words = shlex.split(line)
    launcher = ROOT / name
    if not launcher.is_file():
        return f"{name} is not there"
    flags = [word.split("=")[0] for word in words if word.startswith("--")]
    if script := SCRIPTS.get(name):
        return next(
            (f"{flag}: unknown to {name}" for flag in flags if flag not in options_of(script)), None
        )
    command = actp.get_command(None, launcher.name)
    if command is None:
        return next((f"{flag}: unknown" for flag in flags if flag not in usage_of(launcher)), None)
    for word in words:
        if not isinstance(command, click.Group) or PLACEHOLDER.match(word):
            break
        if word in command.commands:
            command = command.commands[word]
        elif not word.startswith("--"):
            return f"{word}: no such command of {name}"
    known = every_option(command)
    return next((f"{flag}: unknown to {name}" for flag in flags if flag not in known), None)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in map(slug, headings_of(file))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_shown_would_be_understood(page: Path) -> None:
    assert {line: wrong for line in command_lines(page) if (wrong := wrong_in(line))} == {}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_flag_that_is_named_exists(page: Path) -> None:
    launchers = "\n".join(usage_of(path) for path in (ROOT / "bin").iterdir())
    known = every_option(actp).union(*map(options_of, SCRIPTS.values()))
    known |= set(re.findall(r"--[a-z-]+", launchers))
    named = {flag for span in spans(page) for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", span)}
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = {span for span in spans(page) if re.fullmatch(r"[\w.]+(?:/[\w.-]+)+/?", span)}
    ours = {path for path in named - MADE_AT_RUN_TIME if path.split("/")[0] in FOLDERS}
    assert {path for path in ours if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = KNOWN | ALIASES.keys() | {ENV_FILE_NAME} | NOT_OURS
    named = {word.split("=")[0] for span in spans(page) for word in span.split()}
    assert {name for name in named if SETTING.match(name)} - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_table_and_function_that_is_named_exists(page: Path) -> None:
    known = set(re.findall(r"public\.(safari_\w+)", sql())) | tables() | AGENTS.keys()
    known |= {job.name for job in JOBS}
    named = {span for span in spans(page) if re.fullmatch(r"safari_[a-z_]+", span)}
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_that_is_named_exists(page: Path) -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    assert {span for span in spans(page) if re.fullmatch(r"test_\w+", span)} - known == set()


def test_the_architecture_names_every_table() -> None:
    assert tables() - set(spans(ROOT / "docs" / "architecture.md")) == set()


def test_the_runbook_names_every_scheduled_job() -> None:
    assert {job.name for job in JOBS} - set(spans(ROOT / "docs" / "operations.md")) == set()


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_README_LINES
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert {page for page in pages if f"]({page})" not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_is_too_long_to_be_read(page: Path) -> None:
    if page.name != "CHANGELOG.md":
        assert len(page.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE_LINES


def test_the_page_of_commands_names_every_exit_code_and_script() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert {code for code in ExitCode if f"\n| {int(code)} |" not in text} == set()
    scripts = {path.name for path in ROOT.glob("*.py")}
    assert scripts == SCRIPTS.keys() | {REGISTRY}
    assert {name for name in scripts if name not in text} == set()


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "run: .venv/bin/python -m actp.cli.reference > docs/cli.md"


def test_every_promise_has_tests() -> None:
    pages = (ROOT / "docs" / f"{name}.md" for name in ("reliability", "availability"))
    page = "\n".join(path.read_text(encoding="utf-8") + "\n## end" for path in pages)
    promises = dict(re.findall(r"^## P(\d+) .*?$(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL))
    assert {*range(1, 13), 17, 18, 19} <= {int(number) for number in promises}
    assert [number for number, text in promises.items() if "- `tests/" not in text] == []


def test_every_alert_has_a_section_in_the_runbook() -> None:
    kinds = alert_kinds() | DOMAIN_WRITERS.keys() | ALERTS_WITHOUT_A_ROW
    assert kinds - set(headings_of(ROOT / "docs" / "alerts.md")) == set()


def test_the_checks_would_notice() -> None:
    assert wrong_in("bin/nothing") == "bin/nothing is not there"
    assert wrong_in("bin/queue reslove ID sent") == "reslove: no such command of bin/queue"
    assert wrong_in("bin/status --wtach") == "--wtach: unknown to bin/status"
    assert wrong_in("bin/demo --quick") == "--quick: unknown"
    assert wrong_in("bin/queue resolve ID sent|not-sent") is None
    assert wrong_in("strategic_outreach.py --sned") == "--sned: unknown to strategic_outreach.py"
    assert {"unknown_outcome", "quarantined", "quota_reached", "blocked"} <= alert_kinds()
    assert {"campaign_held", "process_stuck", "schedule_failed"} <= alert_kinds()
    assert {"safari_command_queue", "safari_campaign_targets", "safari_migrations"} <= tables()
