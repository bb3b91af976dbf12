"""What the doctor finds about the way to people, and about the tree itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from actp.doctor.finding import Finding, fine, problem
from actp.errors import WrongState
from actp.settings.values import is_loopback
from actp.tree import Tree, switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings

__all__ = ["processes", "telegram"]

TELEGRAM_TIMEOUT_SECONDS: Final = 5.0
WELL: Final = frozenset({"RUNNING", "STARTING"})


def telegram(settings: Settings) -> Iterator[Finding]:
    """Ask Telegram who we are; no finding holds the token."""
    token, chat = settings.telegram_bot_token, settings.telegram_chat_id
    if token is None and chat is None:
        yield fine("Telegram", "not set: alerts stay in the database, bin/status shows them")
        return
    if token is None or chat is None:
        missing = "TELEGRAM_CHAT_ID" if token else "TELEGRAM_BOT_TOKEN"
        yield problem("Telegram", f"{missing} is not set", "Set both, or neither.")
        return
    api = settings.telegram_api_url
    try:
        with httpx.Client(
            timeout=TELEGRAM_TIMEOUT_SECONDS, trust_env=not is_loopback(api)
        ) as client:
            status = client.get(f"{api}/bot{token.get_secret_value()}/getMe").status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield problem(
            "Telegram",
            f"{api} does not answer ({type(error).__name__})",
            "Check the network; alerts wait in the database meanwhile.",
        )
        return
    if status == httpx.codes.OK:
        yield fine("Telegram", "it knows our bot")
    else:
        yield problem(
            "Telegram", f"it refuses our token (HTTP {status})", "Check TELEGRAM_BOT_TOKEN."
        )


def processes(settings: Settings) -> Iterator[Finding]:
    """Look whether every process of a tree that is up runs."""
    try:
        found = Tree(settings).supervisor.processes()
    except WrongState as error:  # it may stop while it is looked at
        yield problem("tree", str(error), error.remedy)
        return
    for process in found:
        if process.name in switched_off(settings):
            continue
        if process.state in WELL:
            yield fine("tree", f"{process.name} is {process.state.lower()}")
        else:
            yield problem(
                "tree",
                f"{process.name} is {process.state.lower()}",
                f"See bin/logs {process.name}, then bin/restart {process.name}.",
            )
