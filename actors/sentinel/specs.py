"""The actors of the sentinel: services, alerts, campaigns, posts, unknown outcomes.

Several hosts may each run them: the database hands an alert, a target or a post to one.
"""

from __future__ import annotations

import logging
import socket
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from actors.runtime.notify import wake_on_notify
from actors.runtime.supervisor import ActorSpec, StopStage
from actors.sentinel.alerts import ALERTS, AlertActor, Pace
from actors.sentinel.campaigns import CAMPAIGNS, CampaignActor
from actors.sentinel.chat import chat_spec
from actors.sentinel.health import HEALTH, HealthActor, Watch
from actors.sentinel.notices import notice_spec
from actors.sentinel.publisher import publisher_spec
from actors.sentinel.settler import settler_spec
from actors.sentinel.webhooks import webhook_spec
from actp.chat.buttons import Signer
from actp.chat.updates import People
from actp.clients.blotato.client import Blotato
from actp.clients.telegram import Telegram
from actp.locks import host_key
from actp.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pykka import ActorRef

    from actors.runtime.actor import ActorContext
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["sentinel_specs"]

# Whose work may have come with a command or its end; the others go by the clock.
CALLED: Final = (CAMPAIGNS,)
# Over REST each look is a request that is counted: posts wait a little longer there, and alerts for
# the next check of the services, which reports them.
LOOK_SECONDS_OVER_REST: Final = 60.0

_log = logging.getLogger(__name__)


def sentinel_specs(
    settings: Settings, here: ActorContext, opened: ExitStack
) -> tuple[ActorSpec, ...]:
    """Return how the actors are made; what they share is closed with ``opened``."""
    store = opened.enter_context(closing(open_store(settings, application_name="actp-sentinel")))
    telegram = _telegram(settings)
    if telegram is not None:
        opened.enter_context(closing(telegram))
    listener = store.listener()
    opened.enter_context(wake_on_notify(listener, here.registry, CALLED))
    pace = Pace() if listener is not None else Pace(look_seconds=LOOK_SECONDS_OVER_REST)
    specs = _specs(settings, here, store, telegram, pace)
    people = _people(settings)
    if people is not None:
        specs += (chat_spec(settings, here, store, people),)
    webhooks = webhook_spec(settings, here, store, over_rest=listener is None)
    notices = notice_spec(settings, here, store, over_rest=listener is None)
    specs += tuple(spec for spec in (webhooks, notices) if spec is not None)
    specs += (settler_spec(settings, here, store, asks_always=listener is not None),)
    blotato = opened.enter_context(closing(Blotato(settings)))
    if blotato.is_configured:
        look = {} if listener is not None else {"look_seconds": LOOK_SECONDS_OVER_REST}
        specs += (publisher_spec(settings, here, store, blotato, **look),)
    else:
        _log.info("posts stay in the database: set BLOTATO_API_KEY", extra={"action": "posts_kept"})
    return specs


def _specs(
    settings: Settings,
    here: ActorContext,
    store: Store,
    telegram: Telegram | None,
    pace: Pace,
) -> tuple[ActorSpec, ...]:
    watch = Watch(
        host=host_key(settings.actp_lock_dir),
        url_of=settings.service_url,
        token_of=settings.service_token,
        notice_seconds=settings.health_seconds,
        all_well_hour_utc=settings.all_well_hour_utc,
        accounts=settings.safari_accounts,
        logins=settings.safari_logins,
    )
    host = socket.gethostname()
    starts: dict[str, Callable[[], ActorRef[Any]]] = {
        ALERTS: partial(
            AlertActor.start,
            here,
            store=store,
            telegram=telegram,
            host=host,
            pace=pace,
            signer=None if _people(settings) is None else partial(_signer, settings),
        ),
        HEALTH: partial(HealthActor.start, here, store=store, watch=watch),
        CAMPAIGNS: partial(CampaignActor.start, here, store=store),
    }
    return tuple(ActorSpec(name, start, StopStage.WORK) for name, start in starts.items())


def _people(settings: Settings) -> People | None:
    """Return who may decide in Telegram, None where nobody may."""
    if not settings.telegram_buttons or settings.telegram_bot_token is None:
        return None
    people = People(settings.telegram_chat_id or "-", frozenset(settings.telegram_users))
    return None if people.is_empty else people


def _signer(settings: Settings, secret: str) -> Signer:
    token, chat_id = settings.telegram_bot_token, settings.telegram_chat_id
    if token is None or chat_id is None:
        raise ValueError("buttons need a bot and a chat")
    return Signer(secret, token, chat_id)


def _telegram(settings: Settings) -> Telegram | None:
    token, chat_id = settings.telegram_bot_token, settings.telegram_chat_id
    if token is None or chat_id is None:
        return None
    return Telegram(settings.telegram_api_url, token, chat_id)
