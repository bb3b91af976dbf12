"""The composition of a worker process: everything its actors need, and their specs."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from actors.runtime.messages import Wake
from actors.runtime.notify import wake_on_notify
from actors.runtime.process import ActorProcess
from actors.runtime.supervisor import ActorSpec, StopStage
from actors.worker.attempt_thread import AttemptThread, Tools
from actors.worker.identity import WorkerIdentity
from actors.worker.ledger import Ledger
from actors.worker.ledger_actor import LEDGER, LedgerActor
from actors.worker.lifeline import LIFELINE, Lifeline
from actors.worker.poller import POLLER, Poller, Polling
from actors.worker.service import ServiceActor
from actp.domains.outreach.hearing import hear_these
from actp.errors import PortTaken
from actp.locks import PortLock, host_key
from actp.marks import SentMarks
from actp.policy import policies, shared_settings
from actp.safari.catalogue import LOCAL, SERVICES, actions_of
from actp.safari.local import LocalOptions
from actp.safari.requests import RequestOptions
from actp.safari.transport import HttpTransport, LocalTransport, TransportOptions, with_ceiling
from actp.safari.turns import TurnTable
from actp.spool import Spool
from actp.vitals import BEATS_PER_LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.errors import ExitCode
    from actp.safari.transport import Transport
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["Worker", "take_ports"]

# A third of a lease: each request over REST is counted and paid for.
ROUNDS_PER_BEAT_OVER_REST: Final = 2


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
                "another process on this host already owns these services",
                remedy="Stop a running tree with bin/down; in tests ACTP_LOCK_DIR separates hosts.",
            )
        self._settings = settings
        self._store = store
        self._locks = locks
        self._boot_id = str(uuid.uuid4())
        self._process = ActorProcess(
            stop_seconds=settings.stop_seconds,
            round_seconds=round_seconds or settings.safari_lease_seconds / BEATS_PER_LEASE,
            beat=beat,
        )
        self._table = TurnTable(settings.actp_lock_dir, settings.safari_turns)
        self._spool = Spool(settings.actp_home / "spool", self._boot_id)
        self._marks = SentMarks(settings.actp_home / "marks", self._boot_id)
        registry = self._process.context.registry
        self._ledger = Ledger(
            store, self._boot_id, self._spool, on_returned=lambda: registry.tell(POLLER, Wake())
        )
        self._attempts = {
            name: AttemptThread(
                Tools(
                    _transport(settings, name),
                    self._table,
                    self._ledger,
                    marks=self._marks,
                    hear=partial(hear_these, store),
                ),
                registry,
            )
            for name in locks
        }
        self._listener = store.listener()
        self._listening = ExitStack()

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that this process owns."""
        return tuple(self._locks)

    def start(self) -> None:
        """Start the actors and listen for notifications."""
        registry = self._process.context.registry
        self._listening.enter_context(wake_on_notify(self._listener, registry, (POLLER,)))
        self._process.start(self._specs(), {name: actions_of(name) for name in self._locks})

    def stop(self) -> None:
        """Ask everything to end in order; returns at once."""
        self._process.stop()

    def wait(self, timeout_seconds: float | None = None) -> ExitCode | None:
        """Return how the process ended, or None when it has not within the time."""
        return self._process.wait(timeout_seconds)

    def close(self) -> None:
        """Give everything back; what hangs is left to the end of the process."""
        self._listening.close()
        self._process.close()
        for attempts in self._attempts.values():
            attempts.close()
        self._ledger.close()
        self._spool.close()
        self._marks.close()
        self._table.close()
        for lock in self._locks.values():
            lock.release()

    def _specs(self) -> tuple[ActorSpec, ...]:
        here, store, me = self._process.context, self._store, self._identity()
        polling = Polling(has_notify=self._listener is not None)
        return (
            ActorSpec(
                LEDGER,
                partial(LedgerActor.start, here, ledger=self._ledger),
                stop_stage=StopStage.WRITE,
            ),
            ActorSpec(
                POLLER,
                partial(Poller.start, here, store=store, me=me, polling=polling),
                stop_stage=StopStage.INTAKE,
            ),
            ActorSpec(
                LIFELINE,
                partial(
                    Lifeline.start,
                    here,
                    store=store,
                    me=me,
                    rounds_per_beat=1 if polling.has_notify else ROUNDS_PER_BEAT_OVER_REST,
                    marks=self._marks,
                ),
                stop_stage=StopStage.SIGN_OFF,
                hears_leases=True,
            ),
            *(
                ActorSpec(
                    name,
                    partial(ServiceActor.start, here, attempts=attempts),
                    stop_stage=StopStage.WORK,
                )
                for name, attempts in self._attempts.items()
            ),
        )

    def _identity(self) -> WorkerIdentity:
        settings = self._settings
        return WorkerIdentity(
            boot_id=self._boot_id,
            host_key=host_key(settings.actp_lock_dir),
            worker=f"{socket.gethostname()}/{os.getpid()}",
            services=tuple(self._locks),
            lease_seconds=settings.safari_lease_seconds,
            spool_folder=settings.actp_home / "spool",
            policies=policies(settings),
            settings=shared_settings(settings),
            accounts=settings.safari_accounts,
        )


def _transport(settings: Settings, name: str) -> Transport:
    service = with_ceiling(SERVICES[name], settings.safari_action_timeout_seconds)
    if name == LOCAL:
        return LocalTransport(service, LocalOptions(crm_brain_command=settings.crm_brain_cmd))
    return HttpTransport(
        service,
        url=settings.service_url(name),
        token=settings.service_token(name),
        options=TransportOptions(
            request=RequestOptions(
                instagram_dm_plain_route=settings.safari_instagram_dm_plain_route
            ),
            is_looking=settings.safari_look,
            is_shadow=settings.safari_shadow,
            is_reading_all=settings.safari_verify == "all",
            own_handles=settings.safari_own_handles,
            logins=settings.safari_logins,
            time_scale=settings.safari_time_scale,
        ),
    )
