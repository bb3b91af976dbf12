"""Draws what the tasks of the domain safari_cloud answer, as their commands do."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.cli.health import health_table
from actp.cli.limits import limits_table
from actp.cli.output import console, counted, say
from actp.cli.run import say_summary
from actp.cli.status_view import status_view
from actp.safari.session_check import Health
from actp.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["VIEWS"]


def _status(report: dict[str, Any]) -> None:
    console().print(status_view(report))


def _limits(rows: list[dict[str, Any]]) -> None:
    console().print(limits_table(rows))


def _health(answer: dict[str, Any]) -> None:
    services = [Health(**row) for row in answer["services"]]
    console().print(health_table(services, load_settings()))
    healthy = sum(each.status == "healthy" for each in services)
    say(f"{healthy} of {len(services)} services are healthy.")


def _retry(answer: dict[str, Any]) -> None:
    say(f"Retrying {counted(answer['requeued'], 'command')}.")


VIEWS: Final[Mapping[str, Callable[[Any], None]]] = MappingProxyType(
    {
        "health": _health,
        "limits": _limits,
        "retry": _retry,
        "run": say_summary,
        "status": _status,
    }
)
