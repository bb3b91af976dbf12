"""The one group of commands; a command's module is imported when it is run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from click.exceptions import NoSuchCommand

from actp import __version__
from actp.checkout import IS_CHECKOUT, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMMANDS", "PROGRAMS", "Entry", "Group", "actp"]


class Entry(NamedTuple):
    """The module below ``actp.cli`` that defines a command, and the line that help shows for it."""

    module: str
    summary: str


# A command is defined under its own name, with underscores. Help shows these lines without
# importing thirty modules.
COMMANDS: Final = {
    "campaign": Entry("campaign", "Run campaigns: sequences of comments and messages."),
    "cancel": Entry("operate", "Cancel commands that have not begun."),
    "completion": Entry("completion", "Print shell completion for bash, zsh or fish."),
    "contacts": Entry("contacts", "Manage the do-not-contact list."),
    "daemon": Entry("run", "Process commands until stopped."),
    "db": Entry("db", "Maintain the database."),
    "doctor": Entry("doctor", "Check settings, folders, database, services, agents and alerts."),
    "down": Entry("tree", "Stop every process, in order."),
    "enqueue": Entry("enqueue", "Add commands to the queue."),
    "health": Entry("health", "Check the nine services."),
    "history": Entry("history", "List and search commands."),
    "inbox": Entry("inbox", "List conversations that wait for your answer, and answer them."),
    "init": Entry("init", "Create .env: database, tokens, handles and hours."),
    "install-service": Entry("install_service", "Start the tree at each login."),
    "limits": Entry("limits", "Show and set the limits."),
    "logs": Entry("tree", "Show the logs of the tree."),
    "pause": Entry("operate", "Pause sending, for one platform or all."),
    "people": Entry("people", "Import, show, join and separate contacts."),
    "queue": Entry("operate", "Decide on old, unknown and failed commands."),
    "report": Entry("report", "Write a report with charts."),
    "resolve": Entry("operate", "Settle an unknown outcome."),
    "restart": Entry("tree", "Restart the programs of the tree, one after the other."),
    "resume": Entry("operate", "Resume after a pause, or free Safari."),
    "retry": Entry("operate", "Retry failed or cancelled commands."),
    "retry-failed": Entry("operate", "Retry everything that ran out of retries."),
    "review": Entry("review", "List drafts that wait for approval, and approve them."),
    "run-once": Entry("run", "Process everything due, then exit."),
    "sample-data": Entry("sample_data", "Add made-up contacts and posts to try out the agents."),
    "show": Entry("history", "Show the timeline of a command."),
    "status": Entry("status", "Show the queue, limits, services and what needs attention."),
    "up": Entry("tree", "Migrate the database and start every process."),
    "webhooks": Entry("webhooks", "List webhook results, and deliver them again."),
}
# Programs beside this one, which a launcher of a checkout starts: each one's module.
PROGRAMS: Final = {
    "console": Entry("console.link", "Open the live console in a browser."),
    "demo": Entry("demo", "Run two dozen commands through simulated services."),
    "mcp": Entry("console.mcp_server", "Serve the queue to an agent over MCP."),
    "simulate": Entry("demo.practice", "Run simulated services to practice with."),
}


class Group(click.Group):
    """A group whose help shows the first sentence of each command in full."""

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return the line that help shows for a command."""
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=1000) if command is not None else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click, which cuts each line at the width of the terminal."""
        with formatter.section("Commands"):
            formatter.write_dl([(n, self.summary(ctx, n)) for n in self.list_commands(ctx)])


def _spell_help(command: click.Command) -> None:
    """Let help name the commands of an installed copy."""
    command.help = spelled(command.help or "")
    for option in command.params:
        if isinstance(option, click.Option):
            option.help = spelled(option.help or "")
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _spell_help(each)


class LazyGroup(Group):
    """A group that imports only the command it runs."""

    def __init__(
        self, *, entries: Mapping[str, Entry], programs: Mapping[str, Entry], **attributes: Any
    ) -> None:
        super().__init__(**attributes)
        self._entries = entries
        self._programs = programs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return every name."""
        return sorted([*self._entries, *self._programs])

    def summary(self, ctx: click.Context, name: str) -> str:  # noqa: ARG002 - see Group
        """Return the line that help shows for a command."""
        return (self._entries.get(name) or self._programs[name]).summary

    def get_command(
        self,
        ctx: click.Context | None,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Return a command, or None where there is no such name."""
        if cmd_name in self._programs:
            from actp.cli.program import program  # noqa: PLC0415 - as below

            return program(cmd_name, self._programs[cmd_name])
        if cmd_name not in self._entries:
            return None
        module = import_module(f"actp.cli.{self._entries[cmd_name].module}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        if not IS_CHECKOUT:
            _spell_help(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name; an unknown one suggests the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            name = unknown.command_name
            known = self.list_commands(ctx)
            raise NoSuchCommand(name, possibilities=known, ctx=ctx) from None


actp: Final = click.version_option(__version__, prog_name="actp-worker")(
    LazyGroup(
        name="actp",
        entries=COMMANDS,
        # In a checkout a launcher in bin/ starts them.
        programs={} if IS_CHECKOUT else PROGRAMS,
        help="Queue commands for the Safari services, and track their outcomes.",
    )
)
