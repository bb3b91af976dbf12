"""The daily sweep: runs one task of each domain in order, and reports them in one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from actp.dispatch.agents import SWEEP
from actp.dispatch.leases import Holder, Wanted, take_lease
from actp.errors import ActpError, StoreUnavailable
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actp.dispatch.running import Dispatcher

__all__ = ["Line", "Sweep", "sweep"]

MAX_TEXT_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """What one domain did; the text is for a person."""

    domain: str
    task: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """What happened to a sweep; ``skipped`` says who is at one already."""

    lines: Sequence[Line]
    skipped: str | None = None

    @property
    def passed(self) -> int:
        """How many domains succeeded."""
        return sum(line.ok for line in self.lines)

    @property
    def ok(self) -> bool:
        """Whether all of them did, or somebody else sees to it."""
        return self.passed == len(self.lines)

    def shown(self) -> dict[str, Any]:
        """Return all of it for a program to read."""
        return {
            "ok": self.ok,
            "passed": self.passed,
            "total": len(self.lines),
            "skipped": self.skipped,
            "lines": [
                {"domain": line.domain, "task": line.task, "ok": line.ok, "text": line.text}
                for line in self.lines
            ],
        }


def sweep(
    dispatcher: Dispatcher,
    steps: Sequence[tuple[str, str]] = SWEEP,
    tell: Callable[[Line], None] = lambda _: None,
    begin: Callable[[str, str], None] = lambda _domain, _task: None,
) -> Sweep:
    """Run the steps in order, failures included, and alert once.

    ``begin`` is called before each step with its domain and task, ``tell`` after it with its line.

    Raises StoreError where the database does not answer before the first one or after the last.
    """
    wanted = Wanted("dispatch", "sweep", {}, dispatcher.lease_seconds, logged=False)
    lease = take_lease(dispatcher.store, dispatcher.settings, wanted)
    if isinstance(lease, Holder):
        return Sweep((), f"running since {lease.since} on {lease.host_name}")
    lines: list[Line] = []
    with lease:
        for domain, task in steps:
            if dispatcher.is_stopping():
                lines.append(Line(domain, task, ok=False, text="not begun: stopped"))
                continue
            begin(domain, task)
            line = _line(dispatcher, domain, task)
            lines.append(line)
            tell(line)
    swept = Sweep(lines)
    told = swept.shown()
    lease.end("agent_sweep_end", **{name: told[name] for name in ("passed", "total", "lines")})
    return swept


def _line(dispatcher: Dispatcher, domain: str, task: str) -> Line:
    try:
        run = dispatcher.run(domain, task)
    except ActpError as error:
        text = str(error).partition("\n")[0] if isinstance(error, StoreUnavailable) else str(error)
        return Line(domain, task, ok=False, text=storable_text(text, MAX_TEXT_CHARS))
    # One that runs elsewhere is being done.
    return Line(domain, task, run.status != "error", storable_text(run.headline, MAX_TEXT_CHARS))
