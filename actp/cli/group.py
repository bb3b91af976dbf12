"""The one group of commands; a command's module is imported when it is run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click
from click.exceptions import NoSuchCommand

from actp.checkout import IS_CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMMANDS", "actp"]

# Where each command is defined, under its own name with underscores.
COMMANDS: Final = {
    "campaign": "campaign",
    "cancel": "operate",
    "contacts": "contacts",
    "daemon": "run",
    "db": "db",
    "doctor": "doctor",
    "down": "tree",
    "enqueue": "enqueue",
    "health": "health",
    "history": "history",
    "inbox": "inbox",
    "install-service": "install_service",
    "limits": "limits",
    "logs": "tree",
    "pause": "operate",
    "people": "people",
    "queue": "operate",
    "report": "report",
    "resolve": "operate",
    "restart": "tree",
    "resume": "operate",
    "retry": "operate",
    "retry-failed": "operate",
    "review": "review",
    "run-once": "run",
    "sample-data": "sample_data",
    "show": "history",
    "status": "status",
    "up": "tree",
}
# In a checkout its launcher starts it.
INSTALLED_ONLY: Final = {"demo": "demo"}


class LazyGroup(click.Group):
    """A group that imports no more than the command it runs; its help imports all of them."""

    def __init__(self, *, modules: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(**attributes)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return every name."""
        return sorted(self._modules)

    def get_command(
        self,
        ctx: click.Context | None,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Return a command, or None where there is no such name."""
        if cmd_name not in self._modules:
            return None
        module = import_module(f"actp.cli.{self._modules[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name; what comes near is offered otherwise."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            name = unknown.command_name
            raise NoSuchCommand(name, possibilities=self._modules, ctx=ctx) from None


actp = LazyGroup(
    name="actp",
    modules=COMMANDS if IS_CHECKOUT else COMMANDS | INSTALLED_ONLY,
    help="Send commands to the Safari services, and see what becomes of them.",
)
