"""``python -m actors.sentinel``: services, alerts, campaigns, posts: what goes on beside commands.

Several hosts may each run one: the database hands an alert, a target or a post to one of them.
"""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from actors.runtime.notify import wake_on_notify
from actors.runtime.process import ActorProcess, run_until_told
from actors.runtime.supervisor import ActorSpec, StopStage
from actors.sentinel.alerts import ALERTS, AlertActor, Pace
from actors.sentinel.campaigns import CAMPAIGNS, CampaignActor
from actors.sentinel.health import HEALTH, HealthActor, Watch
from actors.sentinel.publisher import publisher_spec
from actors.sentinel.settler import settler_spec
from actp.clients.blotato import Blotato
from actp.clients.telegram import Telegram
from actp.locks import host_key
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.store import open_store
from actp.vitals import Vitals, run_program
from metrics import instruments
from metrics.serve import exposed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka import ActorRef

    from actors.runtime.actor import ActorContext
    from actp.errors import ExitCode
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["main"]

# Whose work may have come with a command or its end; the others go by the clock.
CALLED: Final = (CAMPAIGNS,)
# Over REST each look is a request that is counted: alerts and posts wait a little longer there.
LOOK_SECONDS_OVER_REST: Final = 15.0

_log = logging.getLogger(__name__)


def main() -> int:
    """Do all of it until SIGTERM or SIGINT."""
    return run_program(_work)


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(settings, application_name="actp-sentinel")))
        telegram = _telegram(settings)
        if telegram is not None:
            stack.enter_context(closing(telegram))
        stack.enter_context(exposed("sentinel", instruments.REGISTRY, settings))
        process = ActorProcess(stop_seconds=settings.stop_seconds, beat=vitals.beat)
        here = process.context
        listener = store.listener()
        stack.enter_context(wake_on_notify(listener, here.registry, CALLED))
        pace = Pace() if listener is not None else Pace(look_seconds=LOOK_SECONDS_OVER_REST)
        specs = _specs(settings, here, store, telegram, pace)
        if settings.safari_verify != "off":
            specs += (settler_spec(settings, here, store, asks_always=listener is not None),)
        blotato = stack.enter_context(closing(Blotato(settings)))
        if blotato.is_configured:
            look = {} if listener is not None else {"look_seconds": LOOK_SECONDS_OVER_REST}
            specs += (publisher_spec(settings, here, store, blotato, **look),)
        else:
            _log.info(
                "posts stay in the database: set BLOTATO_API_KEY", extra={"action": "posts_kept"}
            )
        return run_until_told(process, specs)


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
    )
    host = socket.gethostname()
    starts: dict[str, Callable[[], ActorRef[Any]]] = {
        ALERTS: partial(
            AlertActor.start, here, store=store, telegram=telegram, host=host, pace=pace
        ),
        HEALTH: partial(HealthActor.start, here, store=store, watch=watch),
        CAMPAIGNS: partial(CampaignActor.start, here, store=store),
    }
    return tuple(ActorSpec(name, start, StopStage.WORK) for name, start in starts.items())


def _telegram(settings: Settings) -> Telegram | None:
    token, chat_id = settings.telegram_bot_token, settings.telegram_chat_id
    if token is None or chat_id is None:
        return None
    return Telegram(settings.telegram_api_url, token, chat_id)


if __name__ == "__main__":
    sys.exit(main())
