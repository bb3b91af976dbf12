"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.times import duration

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["SPAN", "json_option"]


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

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
