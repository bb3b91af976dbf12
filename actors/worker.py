"""The process: makes everything that actors need, starts them, and ends them."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from functools import partial
from typing import TYPE_CHECKING

import pykka

from actors.base import WARDEN, Surroundings
from actors.courier import Courier
from actors.ledger import LEDGER, Ledger
from actors.lifeline import LIFELINE, Lifeline
from actors.messages import Start, Stop, Wake
from actors.poller import POLLER, Poller, Polling
from actors.process import await_end
from actors.registration import Registration
from actors.series import actions_of
from actors.service import ServiceActor
from actors.switchboard import Switchboard
from actors.timer import Timer
from actors.turnstile import TURNSTILE, Turnstile
from actors.warden import ActorSpec, Oversight, Warden
from actp.errors import PortTaken
from actp.policy import policies, shared_settings
from actp.safari.carrier import HttpCarrier, LocalCarrier, with_ceiling
from actp.safari.catalogue import LOCAL, SERVICES
from actp.safari.local import LocalOptions
from actp.safari.locks import PortLock, host_key
from actp.safari.requests import RequestOptions
from actp.safari.turns import TurnTable
from actp.spool import Spool
from actp.vitals import BEATS_PER_LEASE
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.errors import ExitCode
    from actp.safari.carrier import Carrier
    from actp.settings import Settings
    from actp.store import Listener, Store

__all__ = ["Worker", "take_ports"]

LISTEN_SECONDS = 5.0


def take_ports(settings: Settings, services: tuple[str, ...]) -> dict[str, PortLock]:
    """Return the locks of those services that no other process on this host owns."""
    taken = {}
    for name in services:
        address = LOCAL if name == LOCAL else settings.service_url(name)
        lock = PortLock(settings.actp_lock_dir, address)
        if lock.acquire():
            taken[name] = lock
    return taken


class Worker:
    """The actors of one process, for the services whose locks it was given."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        locks: dict[str, PortLock],
        *,
        round_seconds: float | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        if not locks:
            raise PortTaken(
                "every service of this process is owned by another one on this host",
                remedy="bin/down stops a running tree; ACTP_LOCK_DIR separates hosts in tests.",
            )
        self._settings = settings
        self._store = store
        self._locks = locks
        self._round_seconds = round_seconds or settings.safari_lease_seconds / BEATS_PER_LEASE
        self._beat = beat
        self._boot_id = str(uuid.uuid4())
        self._switchboard = Switchboard()
        self._timer = Timer(self._switchboard)
        self._surroundings = Surroundings(self._switchboard, self._timer)
        self._table = TurnTable(settings.actp_lock_dir, settings.safari_turns)
        self._spool = Spool(settings.actp_home / "spool", self._boot_id)
        self._couriers = {
            name: Courier(_carrier(settings, name), self._switchboard) for name in locks
        }
        self._listener: Listener | None = store.listener()
        self._ended = threading.Event()
        self._exit_code: ExitCode | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that this process owns."""
        return tuple(self._locks)

    def start(self) -> None:
        """Start the warden, which starts the others, and listen for calls."""
        specs = self._specs()
        instruments.prepare(
            {name: actions_of(name) for name in self._locks}, [spec.name for spec in specs]
        )
        warden = Warden.start(
            self._surroundings,
            specs=specs,
            oversight=Oversight(
                round_seconds=self._round_seconds,
                stop_seconds=self._settings.stop_seconds,
            ),
            ended=self._end,
            beat=self._beat,
        )
        self._switchboard.connect(WARDEN, warden)
        self._switchboard.tell(WARDEN, Start())
        if self._listener is not None:
            threading.Thread(
                target=self._listen, args=(self._listener,), name="listener", daemon=True
            ).start()

    def stop(self) -> None:
        """Ask everything to end in order; returns at once."""
        self._switchboard.tell(WARDEN, Stop())

    def wait(self, timeout_seconds: float | None = None) -> ExitCode | None:
        """Return how the process ended, or None when it has not within the time."""
        await_end(self._ended, timeout_seconds)
        return self._exit_code

    def close(self) -> None:
        """Give everything back; what hangs is left to the end of the process."""
        self._timer.close()
        if self._listener is not None:
            self._listener.close()
        pykka.ActorRegistry.stop_all(block=False)
        for courier in self._couriers.values():
            courier.close()
        self._spool.close()
        self._table.close()
        for lock in self._locks.values():
            lock.release()

    def _end(self, code: ExitCode) -> None:
        if self._exit_code is None:
            self._exit_code = code
        self._ended.set()

    def _listen(self, listener: Listener) -> None:
        while not self._ended.is_set():
            if listener.wait(LISTEN_SECONDS):
                self._switchboard.tell(POLLER, Wake())

    def _specs(self) -> tuple[ActorSpec, ...]:
        here, store, me = self._surroundings, self._store, self._registration()
        polling = Polling(has_notify=self._listener is not None)
        return (
            ActorSpec(
                LEDGER,
                partial(Ledger.start, here, store=store, boot_id=me.boot_id, spool=self._spool),
            ),
            ActorSpec(TURNSTILE, partial(Turnstile.start, here, table=self._table)),
            ActorSpec(POLLER, partial(Poller.start, here, store=store, me=me, polling=polling)),
            ActorSpec(LIFELINE, partial(Lifeline.start, here, store=store, me=me)),
            *(
                ActorSpec(
                    name,
                    partial(ServiceActor.start, here, courier=courier, turns=self._table),
                    does_work=True,
                )
                for name, courier in self._couriers.items()
            ),
        )

    def _registration(self) -> Registration:
        settings = self._settings
        return Registration(
            boot_id=self._boot_id,
            host_key=host_key(settings.actp_lock_dir),
            worker=f"{socket.gethostname()}/{os.getpid()}",
            services=tuple(self._locks),
            lease_seconds=settings.safari_lease_seconds,
            spool_folder=settings.actp_home / "spool",
            policies=policies(settings),
            settings=shared_settings(settings),
        )


def _carrier(settings: Settings, name: str) -> Carrier:
    service = with_ceiling(SERVICES[name], settings.safari_action_timeout_seconds)
    if name == LOCAL:
        return LocalCarrier(service, LocalOptions(crm_brain_command=settings.crm_brain_cmd))
    return HttpCarrier(
        service,
        url=settings.service_url(name),
        token=settings.service_token(name),
        options=RequestOptions(instagram_dm_plain_route=settings.safari_instagram_dm_plain_route),
    )
