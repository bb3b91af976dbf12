"""What the worker does itself: opening a page, and the phases of the CRM brain."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput
from actp.macos import is_denied, osascript
from actp.processes import Finished, run_bounded
from actp.safari.catalogue import LOCAL
from actp.safari.outcomes import Outcome, refused_input
from actp.safari.turns import TURN_HELD
from actp.sanitize import excerpt, storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actp.safari.commands import Local
    from actp.safari.outcomes import Verdict

__all__ = ["DRIVING_ACTIONS", "LocalOptions", "run_local"]

# Which local actions drive Safari, so that the turn is held while they run.
DRIVING_ACTIONS: Final = frozenset({"navigate", "sync", "pipeline"})

NAVIGATE_TIMEOUT_SECONDS: Final = 30.0
PHASE_TIMEOUT_SECONDS: Final = 600.0
TAIL_CHARS: Final = 2000
MAX_WARNINGS: Final = 20

# The address is an argument of the script, never a part of it.
_NAVIGATE: Final = (
    "-e",
    "on run argv",
    "-e",
    'tell application "Safari" to set URL of front document to (item 1 of argv)',
    "-e",
    "end run",
)
_PHASES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sync": ("sync",),
        "score": ("score",),
        "generate": ("generate",),
        # The brain's own pipeline also sends, past every limit, so it is never asked for.
        "pipeline": ("sync", "score", "generate"),
    }
)
_COUNTS: Final = (
    ("synced", re.compile(r"Synced (\d+) contacts total")),
    ("synced_linkedin", re.compile(r"(\d+) LinkedIn prospects synced")),
    ("scored", re.compile(r"Scored (\d+) contacts")),
    ("queued", re.compile(r"(\d+) messages queued")),
    ("sent", re.compile(r"(\d+) messages sent")),
)
_READ: Final = re.compile(r"^Read ([a-z]+): \d+ conversations$", re.MULTILINE)
_COUNT_OF_PHASE: Final[Mapping[str, str]] = MappingProxyType(
    {"sync": "synced", "score": "scored", "generate": "queued"}
)
_WARNING: Final = "\u26a0"
ALLOW_SAFARI: Final = (
    "Allow it under System Settings, Privacy & Security, Automation, then bin/queue retry ID"
)
_DATABASE_WARNING = re.compile("\u26a0\ufe0f? +Supabase")
_MISSING_KEY = re.compile(r"\b([A-Z][A-Z0-9_]+) not set\b")


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """The settings that local actions need.

    ``crm_brain_command`` is a command line, split as a shell would but never given to one.
    """

    crm_brain_command: str | None = None
    phase_timeout_seconds: float = PHASE_TIMEOUT_SECONDS
    osascript: str = field(default_factory=osascript)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)


def run_local(command: Local, options: LocalOptions) -> Outcome:
    """Carry out a local action and return its outcome; blocks until it ends."""
    try:
        if command.url is not None:
            return _navigate(command.url, options)
        return _brain(command, options)
    except InvalidInput as error:
        return refused_input(LOCAL, error)


def _navigate(url: str, options: LocalOptions) -> Outcome:
    arguments = (options.osascript, *_NAVIGATE, url)
    try:
        ended = run_bounded(
            arguments, environ=options.environ, timeout_seconds=NAVIGATE_TIMEOUT_SECONDS
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _ends("rejected", "misconfigured", f"osascript: {reason}; navigate needs macOS")
    result = {"url": storable_text(url), "returncode": ended.returncode}
    if ended.timed_out:
        return _ends("retry", "timeout", "Safari did not open the page in time", result)
    if ended.returncode != 0:
        said = excerpt(ended.stderr, 300).strip() or f"exit code {ended.returncode}"
        if is_denied(said):
            return _ends("rejected", "misconfigured", f"osascript: {said}. {ALLOW_SAFARI}", result)
        return _ends("retry", "exit_code", f"osascript: {said}", result)
    return _ends("sent", "done", "", result)


def _brain(command: Local, options: LocalOptions) -> Outcome:
    line = _split_command(options.crm_brain_command)
    phases = _PHASES.get(command.action)
    if phases is None:
        raise InvalidInput(f"unknown action: {command.action}", remedy="")
    if command.action in DRIVING_ACTIONS:
        # Its safari are part of this turn; in line for another turn it would wait for us.
        options = replace(options, environ={**options.environ, TURN_HELD: "1"})
    done: dict[str, Any] = {}
    outcome = _ends("sent", "done", "")
    for phase in phases:
        outcome = _run_phase(phase, (*line, *_flags(phase, command)), options)
        done[phase] = outcome.result
        if outcome.verdict != "sent":
            break
    if len(phases) == 1:
        return outcome
    counts = {name: n for result in done.values() for name, n in result.get("counts", {}).items()}
    summary = {key: outcome.result[key] for key in ("outcome", "reason", "success", "service")}
    if (read := done[phases[0]].get("read")) is not None:
        summary["read"] = read
    return replace(outcome, result={**summary, "counts": counts, "phases": done})


def _split_command(line: str | None) -> list[str]:
    remedy = "Set CRM_BRAIN_CMD, for example to: python3 crm_brain.py"
    try:
        arguments = shlex.split(line or "")
    except ValueError as error:
        raise InvalidInput(f"CRM_BRAIN_CMD cannot be split: {error}.", remedy=remedy) from None
    if not arguments:
        raise InvalidInput("no CRM brain is configured.", remedy=remedy)
    return arguments


def _flags(phase: str, command: Local) -> tuple[str, ...]:
    match phase:
        case "score":
            return ("--score", f"--limit={command.limit}")
        case "generate":
            return ("--generate", f"--min-score={command.min_score}")
        case _:
            return (f"--{phase}",)


def _run_phase(phase: str, arguments: Sequence[str], options: LocalOptions) -> Outcome:
    try:
        ended = run_bounded(
            arguments,
            environ=_environ(options.environ),
            timeout_seconds=options.phase_timeout_seconds,
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _ends(
            "rejected", "misconfigured", f"CRM_BRAIN_CMD: {arguments[0]}: {reason}; correct it"
        )
    return _judged(phase, ended)


def _judged(phase: str, ended: Finished) -> Outcome:
    output = ended.stdout.decode("utf-8", "replace")
    counts = {
        name: int(found[-1][:9]) for name, pattern in _COUNTS if (found := pattern.findall(output))
    }
    warnings = [storable_text(w.strip(), 300) for w in output.splitlines() if _WARNING in w]
    result = {
        "returncode": ended.returncode,
        "counts": counts,
        "warnings": warnings[:MAX_WARNINGS],
        "stdout_tail": storable_text(output[-TAIL_CHARS:]),
    }
    if platforms := _READ.findall(output):
        result["read"] = sorted(set(platforms))
    if ended.timed_out:
        return _ends("retry", "timeout", f"{phase} did not end in time", result)
    if ended.returncode != 0:
        tail = ended.stderr.decode("utf-8", "replace").strip()[-300:]
        said = f"{phase} ended with exit code {ended.returncode}: {tail or 'no message'}"
        return _ends("retry", "exit_code", said, result)
    missing = next(filter(None, map(_MISSING_KEY.search, warnings)), None)
    if missing is not None:
        return _ends("rejected", "misconfigured", f"{phase}: set {missing[1]}", result)
    if any(map(_DATABASE_WARNING.search, warnings)):
        return _ends("retry", "partial", f"{phase}: {warnings[0]}", result)
    if _COUNT_OF_PHASE[phase] not in counts:
        return _ends("retry", "no_verdict", f"{phase} did not say that it succeeded", result)
    return _ends("sent", "done", "", result)


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    passed = dict(environ)
    # The brain knows the key by its older name.
    if role_key := passed.get("SUPABASE_SERVICE_ROLE_KEY"):
        passed["SUPABASE_SERVICE_KEY"] = role_key
    return {**passed, "PYTHONIOENCODING": "utf-8"}


def _ends(
    verdict: Verdict, reason: str, error: str, result: Mapping[str, Any] | None = None
) -> Outcome:
    return Outcome(
        verdict,
        reason,
        error=storable_text(error, 500),
        quota_back=verdict != "sent",
        result={
            "outcome": verdict,
            "reason": reason,
            "success": verdict == "sent",
            "service": LOCAL,
            **(result or {}),
        },
    )
