"""``python -m actors.campaigner``: moves campaigns on; several hosts may run one."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING

from actors.campaigns import CAMPAIGNS, CampaignActor
from actors.messages import Wake
from actors.process import ActorProcess, run_until_told
from actors.warden import ActorSpec
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.store import open_store
from actp.vitals import Vitals, run_program
from metrics import instruments
from metrics.serve import exposed

if TYPE_CHECKING:
    from actors.switchboard import Switchboard
    from actp.errors import ExitCode
    from actp.store import Listener

__all__ = ["main"]

LISTEN_SECONDS = 5.0


def main() -> int:
    """Move campaigns on until SIGTERM or SIGINT."""
    return run_program(_work)


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    with ExitStack() as stack:
        store = open_store(settings, application_name="actp-campaigner")
        stack.enter_context(closing(store))
        stack.enter_context(exposed("campaigner", instruments.REGISTRY, settings))
        process = ActorProcess(stop_seconds=settings.stop_seconds, beat=vitals.beat)
        here = process.surroundings
        if (listener := store.listener()) is not None:
            ended = threading.Event()
            stack.callback(listener.close)
            stack.callback(ended.set)
            _listen(listener, here.switchboard, ended)
        campaigns = partial(CampaignActor.start, here, store=store)
        return run_until_told(process, (ActorSpec(CAMPAIGNS, campaigns, does_work=True),))


def _listen(listener: Listener, switchboard: Switchboard, ended: threading.Event) -> None:
    """Let each call of the database have the campaigns looked at."""

    def listen() -> None:
        while not ended.is_set():
            if listener.wait(LISTEN_SECONDS):
                switchboard.tell(CAMPAIGNS, Wake())

    threading.Thread(target=listen, name="listener", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
