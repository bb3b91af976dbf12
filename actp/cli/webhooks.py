"""``webhooks``: lists and retries webhook deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import console, counted, emit_json, say, table, text
from actp.cli.times import short_time
from actp.operators import act, operator_here
from actp.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["webhooks"]


@click.group(cls=Group)
def webhooks() -> None:
    """List results on their way to RESULT_WEBHOOK_URL, and deliver them again."""


@webhooks.command("list")
@click.option(
    "--state",
    type=click.Choice(["waiting", "delivered", "given_up"]),
    help="Only results in this state.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, help="Maximum number of results."
)
@json_option
def list_results(*, state: str | None, limit: int, as_json: bool) -> None:
    """List the last results, newest first."""
    settings = load_settings()
    with database(settings) as store:
        answer = store.call("safari_webhooks", state=state, row_limit=limit)
    if as_json:
        emit_json(answer)
        return
    if settings.result_webhook_url is None:
        say("RESULT_WEBHOOK_URL is not set: nothing is delivered.")
    _show(answer)


@webhooks.command()
@click.argument("key", required=False)
@json_option
def retry(key: str | None, *, as_json: bool) -> None:
    """Retry abandoned deliveries, or the result with this KEY."""
    with database() as store:
        answer = act(store, operator_here("cli"), "webhooks_retry", key=key)
    if as_json:
        emit_json(answer)
    else:
        say(f"{counted(answer['due'], 'result')} due now.")


def _show(answer: Mapping[str, Any]) -> None:
    say(
        f"{answer['waiting']:,} waiting, {answer['delivered']:,} delivered,"
        f" {answer['given_up']:,} given up."
    )
    if not answer["rows"]:
        return
    shown = table("key", "command", "what", "state", "tries", "next", "error", numbers=("tries",))
    for row in answer["rows"]:
        shown.add_row(
            text(row["key"]),
            text(row["command_id"][:8]),
            text(row["type"]),
            text(row["state"].replace("_", " ")),
            text(row["attempts"]),
            short_time(row["next_attempt_at"]),
            text(row["error"], longest=60),
        )
    console().print(shown)
