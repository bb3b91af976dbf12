"""Checks of alert channels, webhooks and the processes of the tree."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import httpx

from actp.chat.updates import People
from actp.clients.notify import channels
from actp.clients.webhook import Webhook
from actp.clients.wire import described, json_object
from actp.doctor.finding import Finding, fine, problem, warning
from actp.errors import ActpError, SettingsError, WrongState
from actp.settings.values import is_loopback
from actp.store import open_store
from actp.tree import Tree, switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings

__all__ = ["elsewhere", "processes", "telegram"]

TELEGRAM_TIMEOUT_SECONDS: Final = 5.0
REFUSED: Final = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN})
WELL: Final = frozenset({"RUNNING", "STARTING"})


def telegram(settings: Settings) -> Iterator[Finding]:
    """Check the bot token with Telegram; no finding contains it."""
    token, chat = settings.telegram_bot_token, settings.telegram_chat_id
    if token is None and chat is None:
        yield fine("Telegram", "not set: alerts stay in the database, bin/status shows them")
        return
    if token is None or chat is None:
        missing = "TELEGRAM_CHAT_ID" if token else "TELEGRAM_BOT_TOKEN"
        yield problem("Telegram", f"{missing} is not set", "Set both, or neither.")
        return
    try:
        with httpx.Client(
            base_url=f"{settings.telegram_api_url}/bot{token.get_secret_value()}",
            timeout=TELEGRAM_TIMEOUT_SECONDS,
            trust_env=not is_loopback(settings.telegram_api_url),
        ) as client:
            yield from _bot(client, chat)
            if settings.telegram_buttons:
                yield from _buttons(client, settings, chat)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield problem(
            "Telegram",
            f"{settings.telegram_api_url} does not answer ({type(error).__name__})",
            "Check the network; alerts wait in the database.",
        )


def _bot(client: httpx.Client, chat: str) -> Iterator[Finding]:
    status = client.get("/getMe").status_code
    if status != httpx.codes.OK:
        yield problem(
            "Telegram", f"the bot token was rejected (HTTP {status})", "Check TELEGRAM_BOT_TOKEN."
        )
        return
    yield fine("Telegram", "the bot token is valid")
    found = client.get("/getChat", params={"chat_id": chat})
    if found.status_code in REFUSED:
        yield problem(
            "Telegram",
            f"the bot does not see the chat: {described(found, None)}",
            "Check TELEGRAM_CHAT_ID. Write to the bot, or add it to the group.",
        )


def _buttons(client: httpx.Client, settings: Settings, chat: str) -> Iterator[Finding]:
    if People(chat, frozenset(settings.telegram_users)).is_empty:
        yield problem(
            "Telegram buttons",
            "buttons do nothing: the chat is a group and TELEGRAM_USERS is empty",
            "Set TELEGRAM_USERS to the ids of the people who can press buttons.",
        )
        return
    hook = json_object(client.get("/getWebhookInfo")).get("result")
    if isinstance(hook, dict) and hook.get("url"):
        yield problem(
            "Telegram buttons",
            "a webhook of another program receives the presses",
            "Delete it with the bot API's deleteWebhook, or use a separate bot.",
        )
        return
    yield from _receiver(settings)


def _receiver(settings: Settings) -> Iterator[Finding]:
    try:
        with closing(open_store(settings, application_name="actp-doctor")) as store:
            state = store.call("safari_telegram_state")
    except ActpError:
        return  # what keeps the database away has its own line
    if state["error"]:
        yield problem(
            "Telegram buttons",
            f"{state['holder']} cannot receive: {state['error']}",
            "Presses wait at Telegram for up to a day.",
        )
    elif state["holder"] is None:
        yield warning(
            "Telegram buttons",
            "no host receives presses",
            "Start the tree with bin/up; presses wait at Telegram for up to a day.",
        )
    else:
        yield fine("Telegram buttons", f"host {state['holder'][:8]} receives presses")


def elsewhere(settings: Settings) -> Iterator[Finding]:
    """Look at the other places for alerts, and at the receiver of results; sends nothing."""
    if settings.apprise_urls is not None:
        try:
            to = channels(settings.apprise_urls)
        except SettingsError as error:
            yield problem("alerts elsewhere", str(error), error.remedy)
        else:
            yield fine("alerts elsewhere", ", ".join(channel.name for channel in to))
    url, secret = settings.result_webhook_url, settings.result_webhook_secret
    if url is not None and secret is not None:
        why = Webhook(url, secret).can_connect()
        if why is None:
            yield fine("result webhook", "the receiver can be reached")
        else:
            yield problem(
                "result webhook",
                f"the receiver cannot be reached: {why}",
                "Check RESULT_WEBHOOK_URL; results wait, and bin/webhooks list shows them.",
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
