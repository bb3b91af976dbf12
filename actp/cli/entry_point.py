"""The flags of safari_cloud_agent.py, each turned into a command of the group.

One flag names what to do; the others refine it. ``--status`` alone is such a flag, and after
``--history`` it takes a value.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.group import actp
from actp.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "safari_cloud_agent"]

ALONE: Final = "\0alone"
_CAMPAIGN: Final = (
    "platform",
    "handles",
    "queries",
    "texts",
    "text",
    "about",
    "spacing",
    "max_posts",
)
_TERMS: Final = ("dry_run", "priority", "at", "expires", "key", "account", "json")


@dataclass(frozen=True, slots=True)
class Mode:
    """What one flag does: the command it stands for and the flags that may refine it."""

    command: tuple[str, ...]
    refined_by: tuple[str, ...] = ("json",)
    values: tuple[str, ...] = ()
    help: str = ""

    def option(self, name: str) -> click.Option:
        """Return the flag as click knows it."""
        flag = f"--{name.replace('_', '-')}"
        if not self.values:
            return click.Option([flag], is_flag=True, help=self.help)
        if self.values[0].startswith("["):
            return click.Option(
                [flag], is_flag=False, flag_value=ALONE, metavar=self.values[0], help=self.help
            )
        shape: dict[str, Any] = {"nargs": len(self.values), "metavar": " ".join(self.values)}
        return click.Option([flag], help=self.help, **shape)


MODES: Final = {
    "daemon": Mode(("daemon",), (), help="Process commands until stopped."),
    "run_once": Mode(("run-once",), ("timeout", "json"), help="Process everything due, then exit."),
    "health": Mode(("health",), help="Check all nine services."),
    "enqueue_dm": Mode(
        ("enqueue", "dm"), _TERMS, ("PLATFORM", "HANDLE", "TEXT"), "Enqueue a direct message."
    ),
    "enqueue_comment": Mode(
        ("enqueue", "comment"), _TERMS, ("PLATFORM", "URL", "TEXT"), "Enqueue a comment."
    ),
    "enqueue_research": Mode(
        ("enqueue", "research"), _TERMS, ("PLATFORM", "QUERY", "N"), "Enqueue research."
    ),
    "campaign": Mode(
        ("campaign", "start"),
        (*_CAMPAIGN, "dry_run", "json"),
        ("warmup|sequence|research",),
        "Start a campaign: --platform P --handles A,B --texts FILE.",
    ),
    "campaign_status": Mode(
        ("campaign", "status"), ("limit", "json"), ("[ID]",), "Show the campaigns, or one of them."
    ),
    "campaign_cancel": Mode(("campaign", "cancel"), values=("ID",), help="End a campaign."),
    "mark_replied": Mode(
        ("campaign", "replied"), ("platform", "json"), ("HANDLE",), "Mark a person as replied."
    ),
    "history": Mode(
        ("history",), ("limit", "platform", "action", "status", "json"), help="List ended commands."
    ),
    "rate_limits": Mode(("limits",), help="Show today's use of the limits."),
    "show": Mode(("show",), values=("ID",), help="Show the timeline of a command."),
    "cancel": Mode(("cancel",), values=("ID",), help="Cancel a command that has not begun."),
    "resolve": Mode(
        ("resolve",), values=("ID", "sent|not-sent"), help="Settle an unknown outcome."
    ),
    "retry": Mode(("retry",), values=("ID",), help="Retry a failed command."),
    "retry_failed": Mode(("retry-failed",), help="Retry what failed on transient errors."),
}
_STATUS: Final = Mode(("status",))

_REFINEMENTS: Final = (
    click.Option(
        ["--status"],
        is_flag=False,
        flag_value=ALONE,
        metavar="[STATUS]",
        help="Show the queue; with --history STATUS, only commands with that status.",
    ),
    click.Option(["--limit"], metavar="N", help="With --history: maximum number of rows."),
    click.Option(["--platform"], help="With --history, --mark-replied: only this platform."),
    click.Option(["--handles"], metavar="A,B", help="With --campaign: the recipients."),
    click.Option(["--queries"], metavar="A,B", help="With --campaign research: the queries."),
    click.Option(["--texts"], metavar="FILE", help="With --campaign: its texts, TOML or JSON."),
    click.Option(
        ["--text"], multiple=True, help="With --campaign: text of a step; repeat it for each step."
    ),
    click.Option(["--about"], metavar="SUBJECT", help="With --campaign: Claude writes the texts."),
    click.Option(["--spacing"], metavar="TIME", help="With --campaign: time between two comments."),
    click.Option(
        ["--max-posts"],
        metavar="N",
        help="With --campaign research: maximum number of posts per query.",
    ),
    click.Option(["--action"], help="With --history: only this action."),
    click.Option(
        ["--dry-run"], is_flag=True, help="With --enqueue-…: validate only, enqueue nothing."
    ),
    click.Option(["--priority"], metavar="N", help="With --enqueue-…: lower runs first."),
    click.Option(["--at"], metavar="TIME", help="With --enqueue-…: not before 2h or a time."),
    click.Option(
        ["--expires"],
        metavar="TIME",
        help="With --enqueue-…: fail it if not sent by then, for example 3d.",
    ),
    click.Option(["--key"], help="With --enqueue-…: enqueue at most once for the same key."),
    click.Option(["--timeout"], metavar="SECONDS", help="With --run-once: stop after this time."),
    click.Option(["--json"], is_flag=True, help="Print JSON."),
)


def main(arguments: Sequence[str] | None = None, program: str = "safari_cloud_agent.py") -> int:
    """Run the flags and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    return run(safari_cloud_agent, given or ["--help"], program)


def _dispatch(**flags: Any) -> int:
    """Process the queue of commands for the nine Safari services."""
    given = {name: value for name, value in flags.items() if value not in {None, False, ()}}
    name, mode, values = _chosen(given)
    refinements = {key: value for key, value in given.items() if key != name}
    for key in refinements:
        if key not in mode.refined_by:
            raise click.UsageError(f"{_flag(key)} cannot be combined with {_flag(name)}.")
    arguments = [*_written(refinements), *(["--", *values] if values else [])]
    context = click.get_current_context()
    command: click.Command = actp
    for word in mode.command:
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        command = found or command
    answer = command.main(arguments, prog_name=context.command_path, standalone_mode=False)
    return answer if isinstance(answer, int) else 0


def _chosen(given: dict[str, Any]) -> tuple[str, Mode, tuple[str, ...]]:
    chosen = [name for name in MODES if name in given]
    status = given.get("status")
    if status == ALONE and "history" in chosen:
        raise click.UsageError("--status needs a value with --history, for example failed.")
    if status == ALONE:
        chosen.append("status")
    elif status is not None and "history" not in chosen:
        raise click.UsageError(f"--status takes a value only with --history, not {status!r}.")
    if not chosen:
        raise click.UsageError(f"{_flag(next(iter(given)))} needs another option.")
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(map(_flag, chosen))} cannot go together.")
    name = chosen[0]
    value = given[name]
    values = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
    return name, MODES.get(name, _STATUS), () if value == ALONE else values


def _written(refinements: dict[str, Any]) -> list[str]:
    return [
        _flag(name) if value is True else f"{_flag(name)}={one}"
        for name, value in refinements.items()
        for one in (value if isinstance(value, tuple) else (value,))
    ]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


safari_cloud_agent = click.Command(
    "safari_cloud_agent",
    params=[*(mode.option(name) for name, mode in MODES.items()), *_REFINEMENTS],
    callback=_dispatch,
    help=_dispatch.__doc__,
)
