"""One action on every command that a filter matches: count, ask, act or refuse."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from actp.cli.filters import refuse_absent
from actp.cli.output import counted
from actp.errors import InvalidInput, WrongState
from actp.operators import act, operator_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.store import Json, Store

__all__ = ["agreed", "bulk", "bulk_options"]


def bulk_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every action by filter takes besides the filter."""
    options = [
        click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
        click.option(
            "--expect",
            type=click.IntRange(0),
            metavar="N",
            help="Refuse unless the filter matches N commands.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def bulk(
    store: Store,
    action: str,
    chosen: Mapping[str, str],
    *,
    yes: bool,
    expect: int | None,
    **arguments: Json,
) -> dict[str, Any]:
    """Do ``action`` to what the filter matches, after the operator agreed to the number.

    Raises InvalidInput without an agreement or with too many matches, WrongState when the number
    is not ``expect`` or has changed since it was shown, NotFound for a name that no command has.
    """
    seen = store.call("safari_matching", filter=chosen, action=action)
    count = seen["count"]
    if seen["is_more"]:
        raise InvalidInput(
            f"the filter matches more than {counted(count, 'command')}",
            remedy="Narrow it, for example with --since, --service or --campaign.",
        )
    if not count and expect != 0:
        refuse_absent(store, chosen)
    if expect is not None and expect != count:
        raise WrongState(
            f"the filter matches {counted(count, 'command')}, not {expect:,}: nothing was changed",
            remedy="Run bin/history with the same options to see what it matches.",
        )
    services = seen["services"]
    where = ", ".join(services[:4]) + (", …" if len(services) > 4 else "")
    question = f"{action.capitalize()} {counted(count, 'command')} ({where})?"
    if count and not yes and expect is None and not agreed(question):
        raise InvalidInput("nothing was changed", remedy="Answer y, or give --yes.")
    if not count:
        return {"action": action, "done": 0, "left_alone": 0}
    answer: dict[str, Any] = act(
        store,
        operator_here("cli"),
        "bulk",
        filter=chosen,
        action=action,
        expected=count,
        seen_at=seen["at"],
        **arguments,
    )
    return answer


def agreed(question: str) -> bool:
    """Ask on the terminal; False for a no, and where nobody is there to answer."""
    try:
        return click.confirm(question, err=True)
    except (click.Abort, OSError):
        sys.stderr.write("\n")
        return False
