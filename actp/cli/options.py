"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.times import duration

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["SPAN", "filled", "json_option"]


class Span(click.ParamType[Any]):
    """A length of time such as ``90s``, ``2h`` or ``1h30m``."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """See click."""
        span = duration(str(value))
        if not span:
            self.fail(f"{value!r} is not a length of time; write 90s, 30m, 2h or 3d.", param, ctx)
        return span


SPAN = Span()


def filled(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse a blank value, as of a shell variable that is not set: it would match everything."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty. Omit the option to match everything.")
    return value


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
