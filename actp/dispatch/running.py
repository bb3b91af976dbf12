"""Runs one task: the script as its own process, bounded, logged, one at a time over hosts."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from errno import ENOENT
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

from actp.dispatch.agents import AGENTS, Agents
from actp.dispatch.arguments import arguments_for, find
from actp.dispatch.leases import LEASE_SECONDS, Holder, Lease, Wanted, take_lease
from actp.dispatch.parent import VARIABLE, parent_pipe
from actp.dispatch.reading import masked, read, secrets_of
from actp.errors import ExitCode
from actp.processes import Finished, run_bounded
from actp.sanitize import storable
from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from actp.dispatch.agents import Command
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["Dispatcher", "Run"]

SIGNAL_BASE: Final = 128


@dataclass(frozen=True, slots=True)
class Run:
    """What happened to a task; ``result`` is what its row holds, ``skipped`` has none."""

    domain: str
    task: str
    status: Literal["ok", "error", "skipped"]
    result: Mapping[str, Any] = field(default_factory=dict)
    duration_ms: int = 0

    @property
    def exit_code(self) -> int:
        """The exit code that says the same: the script's own, 128 + N for signal N."""
        if self.status != "error":
            return ExitCode.OK
        if self.result.get("timed_out"):
            return ExitCode.TIMED_OUT
        code = self.result.get("returncode")
        if not code:
            return ExitCode.FAILED
        return int(code) if code > 0 else SIGNAL_BASE - int(code)

    @property
    def headline(self) -> str:
        """One line for a person: the task's own, its error, or its first figures."""
        if self.status == "skipped":
            return str(self.result["skipped"])
        if self.status == "error":
            return str(self.result["error"]).partition("\n")[0]
        data = self.result.get("data")
        if not isinstance(data, dict):
            return "done"
        figures = [f"{name.replace('_', ' ')} {n}" for name, n in data.items() if type(n) is int]
        return str(data.get("headline") or ", ".join(figures[:4]) or "done")

    def shown(self) -> dict[str, Any]:
        """Return all of it for a program to read."""
        return {
            "domain": self.domain,
            "task": self.task,
            "status": self.status,
            "headline": self.headline,
            "duration_ms": self.duration_ms,
            "result": dict(self.result),
        }


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Runs tasks with its settings and database by its table, until ``is_stopping``."""

    settings: Settings
    store: Store
    agents: Agents = field(default_factory=lambda: AGENTS)
    root: Path = PROJECT_ROOT
    lease_seconds: float = LEASE_SECONDS
    is_stopping: Callable[[], bool] = lambda: False

    def run(self, domain: str, task: str, params: Mapping[str, Any] | None = None) -> Run:
        """Run a task to its end and log it; ``skipped`` where it runs already.

        Raises InvalidInput for an unknown task or parameters that no flag can be, and StoreError
        where the database does not answer.
        """
        command = find(self.agents, domain, task)
        flags = [*arguments_for(command, params or {}), "--json"]
        secrets = secrets_of(self.settings)
        kept = json.loads(masked(json.dumps(storable(dict(params or {}))), secrets))
        lease = take_lease(
            self.store, self.settings, Wanted(domain, task, kept, self.lease_seconds)
        )
        if isinstance(lease, Holder):
            said = f"running since {lease.since} on {lease.host_name}"
            return Run(domain, task, "skipped", {"skipped": said})
        began = monotonic()
        result: dict[str, Any] = {"stdout": "", "returncode": None, "data": None}
        error: str | None = "interrupted"
        try:
            with lease:
                ended = self._spawn(command, flags, lease)
            result, error = read(ended, secrets, command.timeout_seconds)
        except OSError as failure:
            error = f"{command.script} cannot be started: {failure.strerror}"
        finally:
            # Also for Ctrl-C and SIGTERM, which go on from here.
            duration_ms = round((monotonic() - began) * 1000)
            ok = error is None
            if error is not None:
                result["error"] = error
            lease.end(
                "agent_task_end",
                ok=ok,
                result=result,
                duration_ms=duration_ms,
                error=error,
                # A slip of the operator is none of the agent.
                tell=result["returncode"] != ExitCode.USAGE,
            )
        return Run(domain, task, "ok" if ok else "error", result, duration_ms)

    def _spawn(self, command: Command, flags: Sequence[str], lease: Lease) -> Finished:
        script = self.root / command.script
        if not script.is_file():
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
        with parent_pipe() as descriptor:
            return run_bounded(
                (sys.executable, str(script), *flags),
                environ={**os.environ, VARIABLE: str(descriptor), "PYTHONIOENCODING": "utf-8"},
                timeout_seconds=command.timeout_seconds,
                pass_fds=(descriptor,),
                is_stopping=lambda: lease.is_over or self.is_stopping(),
            )
