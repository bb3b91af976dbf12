"""The commands of service_registry.py."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from actp.cli.group import Group
from actp.cli.main import run
from actp.cli.output import emit_json
from actp.dispatch.arguments import parse_params
from actp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.dispatch.registry import Registry

__all__ = ["main"]

PROGRAM: Final = "service_registry.py"


def main(registry: Registry, arguments: Sequence[str] | None = None) -> int:
    """Run a command on a registry and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    return run(_group(registry), given or ["--help"], PROGRAM)


def _group(registry: Registry) -> click.Group:
    @click.group(cls=Group, help="Call the domain agents as services.")
    def group() -> None:
        pass

    @group.command("list", help="List every service with its topics, as JSON.")
    def list_() -> int:
        emit_json(registry.list_services())
        return ExitCode.OK

    @group.command(help="Call service.topic with a JSON object, and print the answer as JSON.")
    @click.argument("topic")
    @click.argument("params", required=False)
    def call(topic: str, params: str | None) -> int:
        answer = registry.dispatch(topic, parse_params(params))
        emit_json(answer)
        return ExitCode.OK if answer["ok"] else ExitCode.FAILED

    return group
