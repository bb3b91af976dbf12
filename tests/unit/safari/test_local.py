"""Local actions run real programs, bounded, and judge them by what they say."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from actp.errors import InvalidInput
from actp.processes import MAX_OUTPUT_BYTES, run_bounded
from actp.safari.local import LocalOptions, run_local
from tests.unit.safari.commands_for_tests import local_command

BRAIN = """
import os, sys
with open(os.environ["SEEN"], "a") as seen:
    print(*sys.argv[1:], os.environ.get("SUPABASE_SERVICE_KEY", ""), file=seen)
print("🧠 CRM brain")
"""
LINES = {
    "sync": "✅ Synced 12 contacts total",
    "score": "✅ Scored 7 contacts",
    "generate": "✅ 3 messages queued",
}
DEADLINE_SECONDS = 40.0


def brain(tmp_path: Path, body: str, **more: Any) -> LocalOptions:
    """Return options whose CRM brain notes its arguments and then runs a body."""
    script = tmp_path / "a brain.py"
    script.write_text(BRAIN + body)
    environ = {**os.environ, "SEEN": str(tmp_path / "seen"), "SUPABASE_SERVICE_ROLE_KEY": "key"}
    line = shlex.join([sys.executable, str(script)])
    return LocalOptions(crm_brain_command=line, environ=environ, **more)


def says(*lines: str) -> str:
    return "\n".join(f"print({line!r})" for line in lines)


def every_line() -> str:
    return says(*LINES.values())


def test_each_phase_has_its_flags_and_the_key_under_its_older_name(tmp_path: Path) -> None:
    options = brain(tmp_path, every_line())
    for asked in (
        local_command("sync"),
        local_command("score", limit="7"),
        local_command("score"),
        local_command("generate", min_score=40),
        local_command("pipeline"),
    ):
        assert run_local(asked, options).verdict == "sent"
    assert (tmp_path / "seen").read_text().splitlines() == [
        "--sync key",
        "--score --limit=7 key",
        "--score --limit=20 key",
        "--generate --min-score=40 key",
        "--sync key",
        "--score --limit=20 key",
        "--generate --min-score=20 key",
    ]


def test_counts_are_read_from_what_it_says(tmp_path: Path) -> None:
    result = run_local(local_command("sync"), brain(tmp_path, says(LINES["sync"]))).result
    assert result["counts"] == {"synced": 12}
    assert result["returncode"] == 0
    assert "🧠" in result["stdout_tail"]


def test_a_pipeline_adds_up_its_phases(tmp_path: Path) -> None:
    outcome = run_local(local_command("pipeline"), brain(tmp_path, every_line()))
    assert outcome.result["counts"] == {"synced": 12, "scored": 7, "queued": 3}
    assert list(outcome.result["phases"]) == ["sync", "score", "generate"]


@pytest.mark.parametrize("action", ["sync", "pipeline"])
def test_what_a_brain_says_it_read_is_told(tmp_path: Path, action: str) -> None:
    read = says("Read twitter: 3 conversations", "Read instagram: 0 conversations", *LINES.values())
    outcome = run_local(local_command(action), brain(tmp_path, read))
    assert outcome.result["read"] == ["instagram", "twitter"]
    silent = run_local(local_command(action), brain(tmp_path, every_line()))
    assert "read" not in silent.result


def test_a_pipeline_ends_with_the_phase_that_fails(tmp_path: Path) -> None:
    outcome = run_local(local_command("pipeline"), brain(tmp_path, says(LINES["sync"])))
    assert (outcome.verdict, outcome.reason) == ("retry", "no_verdict")
    assert list(outcome.result["phases"]) == ["sync", "score"]


@pytest.mark.parametrize(
    ("body", "verdict", "reason", "word"),
    [
        (says("nothing"), "retry", "no_verdict", "did not say"),
        (says("✅ Scored 7 contacts") + "\nsys.exit(1)", "retry", "exit_code", "exit code 1"),
        ("\nraise ValueError('abc')", "retry", "exit_code", "ValueError: abc"),
        (
            says("⚠️  Supabase GET crm_contacts: HTTP 404: x", "✅ Scored 0 contacts"),
            "retry",
            "partial",
            "HTTP 404",
        ),
        (
            says("⚠️  ANTHROPIC_API_KEY not set — skipping scoring"),
            "rejected",
            "misconfigured",
            "set ANTHROPIC_API_KEY",
        ),
    ],
)
def test_an_exit_code_of_zero_alone_is_no_success(
    tmp_path: Path, body: str, verdict: str, reason: str, word: str
) -> None:
    outcome = run_local(local_command("score"), brain(tmp_path, body))
    assert (outcome.verdict, outcome.reason) == (verdict, reason)
    assert word in outcome.error
    assert outcome.result["outcome"] == verdict


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (None, "Set CRM_BRAIN_CMD"),
        ("  ", "Set CRM_BRAIN_CMD"),
        ("python3 'crm", "cannot be split"),
        ("/no/such/brain", "No such file"),
    ],
)
def test_a_brain_that_is_not_there_is_a_permanent_error(line: str | None, word: str) -> None:
    outcome = run_local(local_command("sync"), LocalOptions(crm_brain_command=line))
    assert outcome.verdict == "rejected"
    assert word in outcome.error


def test_a_line_of_shell_is_not_run_by_a_shell(tmp_path: Path) -> None:
    line = f"{sys.executable} -c 'print(1)' ; touch {tmp_path / 'made'}"
    run_local(local_command("sync"), LocalOptions(crm_brain_command=line))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("limit", ["x", 0, True, {}, "1; rm"])
def test_a_limit_that_is_no_number_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        local_command("score", limit=limit)


def test_a_brain_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
with open({str(pid_file)!r} + ".new", "w") as file:
    file.write(str(child.pid))
os.rename({str(pid_file)!r} + ".new", {str(pid_file)!r})
child.wait()
"""
    outcome = run_local(local_command("sync"), brain(tmp_path, body, phase_timeout_seconds=1.0))
    assert (outcome.verdict, outcome.reason) == ("retry", "timeout")
    assert _ends(int(pid_file.read_text()))


def test_a_child_that_keeps_the_output_open_does_not_keep_us(tmp_path: Path) -> None:
    body = says(LINES["sync"]) + (
        "\nimport subprocess"
        "\nsubprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])"
        "\nsys.stdout.flush(); os._exit(0)"
    )
    started = time.monotonic()
    assert run_local(local_command("sync"), brain(tmp_path, body)).verdict == "sent"
    assert time.monotonic() - started < DEADLINE_SECONDS


def test_only_the_last_of_a_long_output_is_kept() -> None:
    script = f"print('x' * {4 * MAX_OUTPUT_BYTES}); print('end')"
    ended = run_bounded(
        [sys.executable, "-c", script], environ=os.environ, timeout_seconds=DEADLINE_SECONDS
    )
    assert ended.returncode == 0
    assert len(ended.stdout) == MAX_OUTPUT_BYTES
    assert ended.stdout.endswith(b"end\n")


def osascript(tmp_path: Path, body: str) -> LocalOptions:
    script = tmp_path / "osascript.py"
    script.write_text(f"import json, sys\n{body}\n")
    program = tmp_path / "osascript"
    # A path with a space cannot stand in a first line.
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(script)])} "$@"\n')
    program.chmod(0o755)
    return LocalOptions(osascript=str(program))


def test_the_address_is_an_argument_and_never_a_part_of_the_script(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    options = osascript(tmp_path, f"json.dump(sys.argv[1:], open({str(seen)!r}, 'w'))")
    url = "https://example.org/?q=it's&x=$(id)"
    outcome = run_local(local_command("navigate", url=url), options)
    assert (outcome.verdict, outcome.result["url"]) == ("sent", url)
    *script, last = json.loads(seen.read_text())
    assert last == url
    assert "example.org" not in "".join(script)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        5,
        "file:///etc/passwd",
        "javascript:alert(1)",
        'https://x.org/"',
        "https://x.org/ y",
        "https://",
    ],
)
def test_only_addresses_of_the_web_are_opened(url: Any) -> None:
    with pytest.raises(InvalidInput):
        local_command("navigate", url=url)


def test_where_there_is_no_osascript_the_command_fails_for_good(tmp_path: Path) -> None:
    options = LocalOptions(osascript=str(tmp_path / "none"))
    outcome = run_local(local_command("navigate", url="https://example.org"), options)
    assert (outcome.verdict, outcome.reason) == ("rejected", "misconfigured")
    assert "navigate needs macOS" in outcome.error


def test_a_safari_that_refuses_is_asked_again(tmp_path: Path) -> None:
    options = osascript(tmp_path, "sys.exit('execution error: Safari got an error')")
    outcome = run_local(local_command("navigate", url="https://example.org"), options)
    assert (outcome.verdict, outcome.reason) == ("retry", "exit_code")
    assert "Safari got an error" in outcome.error


DENIED = (
    "0:9: execution error: Not authorized to send Apple events to Safari. (-1743)",
    "0:9: execution error: Keine Berechtigung f\u00fcr Apple-Events an Safari. (-1743)",
    "execution error: A privilege violation occurred. (-10004)",
)
PASSING = (
    "31:40: execution error: Safari got an error: Application isn\u2019t running. (-600)",
    "execution error: Safari got an error: AppleEvent timed out. (-1712)",
    "execution error: the number (-1743) in an address",
)


@pytest.mark.parametrize("said", [*DENIED, *PASSING])
def test_a_missing_permission_ends_navigate_with_its_remedy(tmp_path: Path, said: str) -> None:
    options = osascript(tmp_path, f"sys.stderr.reconfigure(encoding='utf-8'); sys.exit({said!r})")
    outcome = run_local(local_command("navigate", url="https://example.org"), options)
    assert outcome.verdict == ("rejected" if said in DENIED else "retry")
    assert ("Privacy & Security, Automation" in outcome.error) is (said in DENIED)


def _ends(pid: int) -> bool:
    """Return whether a process is gone, or only waits for its parent, within the deadline."""
    state = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if state.parent.parent.is_dir() and b") Z" in state.read_bytes():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
    os.kill(pid, signal.SIGKILL)
    return False


def test_a_mac_runs_its_own_osascript_whatever_path_says() -> None:
    code = "import sys; sys.platform = 'darwin'; from actp import macos; print(macos.osascript())"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "/usr/bin/osascript"
