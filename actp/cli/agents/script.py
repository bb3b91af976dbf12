"""Makes the command of a domain's script: one flag names the task, the others refine it."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.main import run
from actp.cli.output import emit_json
from actp.domains.tools import Tools
from actp.errors import ExitCode, SchemaMissing, StoreRefused
from actp.settings import load_settings
from actp.store.agents import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Script", "Task"]

ALONE: Final = "\0alone"
# What may be written in several ways, as "X (Twitter)" or "AI Automation".
NAMES: Final = ("platform", "niche")


@dataclass(frozen=True, slots=True)
class Task:
    """One flag and what it does.

    ``run`` is called with the tools and the refinements that were given, by their names; the
    value of a flag with a ``metavar`` comes as ``value``, None where ``[N]`` was left out. It
    returns what is printed with --json; ``show`` prints the same for a person. An ``ok`` of False
    in it makes the exit code FAILED.
    """

    flag: str
    help: str
    run: Callable[..., Mapping[str, Any]]
    show: Callable[[Mapping[str, Any]], None]
    metavar: str | None = None
    type: click.ParamType[Any] | type | None = None
    refined_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the flag's parameter."""
        return self.flag.removeprefix("--").replace("-", "_")

    def option(self) -> click.Option:
        """Return the flag as click knows it."""
        if self.metavar is None:
            return click.Option([self.flag], is_flag=True, help=self.help)
        shape: dict[str, Any] = {"metavar": self.metavar, "type": self.type, "help": self.help}
        if self.metavar.startswith("["):
            shape |= {"is_flag": False, "flag_value": ALONE, "type": None}
        return click.Option([self.flag], **shape)


@dataclass(frozen=True)
class Script:
    """A script at the root of the project, as ``strategic_outreach.py``."""

    name: str
    help: str
    tasks: Sequence[Task]
    refinements: Sequence[click.Option] = field(default=())

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run the flags and return the exit code."""
        given = sys.argv[1:] if arguments is None else arguments
        if arguments is None:
            # A process of one task would spend a tenth of its time looking for cycles among rows.
            gc.disable()
        return run(self.command, given or ["--help"], self.name)

    @property
    def command(self) -> click.Command:
        """The click command with every flag."""
        return click.Command(
            self.name,
            params=[
                *(task.option() for task in self.tasks),
                *self.refinements,
                click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
            ],
            callback=self._dispatch,
            help=self.help,
        )

    def _dispatch(self, *, as_json: bool, **flags: Any) -> int:
        # 0 is a value; an unset flag is False.
        given = {
            name: value
            for name, value in flags.items()
            if value not in (None, ()) and value is not False
        }
        task = self._chosen(given)
        refinements = {name: value for name, value in given.items() if name != task.name}
        for name in refinements:
            if name not in task.refined_by:
                raise click.UsageError(f"{_flag(name)} cannot be combined with {task.flag}.")
        if task.metavar is not None:
            value = given[task.name]
            refinements["value"] = None if value == ALONE else _converted(task, value)
        with Tools(load_settings()) as tools:
            try:
                result = task.run(tools, **_named(tools, refinements))
            except (SchemaMissing, StoreRefused) as error:
                raise explained(error, tools.store) from error
        emit_json(result) if as_json else task.show(result)
        return ExitCode.OK if result.get("ok", True) else ExitCode.FAILED

    def _chosen(self, given: Mapping[str, Any]) -> Task:
        chosen = [task for task in self.tasks if task.name in given]
        if len(chosen) > 1:
            names = " and ".join(task.flag for task in chosen)
            raise click.UsageError(f"{names} cannot go together.")
        if not chosen:
            alone = f"{_flag(next(iter(given)))} needs another option" if given else ""
            known = ", ".join(task.flag for task in self.tasks)
            raise click.UsageError(f"{alone or 'Nothing to do'}: give one of {known}.")
        return chosen[0]


def _named(tools: Tools, refinements: Mapping[str, Any]) -> dict[str, Any]:
    """Return refinements with platform and niche under the names that are stored."""
    given = {name: value for name, value in refinements.items() if name in NAMES}
    if not given:
        return dict(refinements)
    stored = tools.store.call("agent_names", **given)
    return {**refinements, **{name: stored[name] or given[name] for name in given}}


def _converted(task: Task, value: Any) -> Any:
    if task.type is None or not isinstance(value, str):
        return value
    kind = (
        task.type if isinstance(task.type, click.ParamType) else click.types.convert_type(task.type)
    )
    context = click.get_current_context()
    option = next(each for each in context.command.params if each.name == task.name)
    return kind.convert(value, option, context)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
