"""Alerts on a phone, and hosts that carry them and receive what is pressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from actors.sentinel.alerts import ALERTS, AlertActor, Pace
from actors.sentinel.chat import CHAT, ChatActor, Patience
from actp.chat.buttons import Signer
from actp.chat.receiver import Receiver
from actp.chat.updates import People
from actp.clients.telegram import Telegram
from tests.actors.house import House
from tests.support.decisions import Decisions
from tests.support.phone import CHAT as CHAT_ID
from tests.support.phone import Phone

if TYPE_CHECKING:
    import psycopg

    from actp.store import Store
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

TOKEN = SecretStr("123456:test")
PACE = Pace(look_seconds=0.1, pause_seconds=0.05)
PATIENCE = Patience(
    poll_seconds=1, margin_seconds=5, renew_seconds=0.5, lease_seconds=2, longest_wait_seconds=0.3
)


@dataclass
class Desk:
    """The alerts of a database on a phone, and hosts that carry and receive."""

    database: Database
    simulator: SimulatorProcess
    admin: psycopg.Connection
    chat_id: str = CHAT_ID
    users: frozenset[int] = frozenset()
    houses: list[House] = field(default_factory=list)
    carriers: list[Telegram] = field(default_factory=list)

    @property
    def decisions(self) -> Decisions:
        return Decisions(self.database.store, self.admin)

    def carry(self) -> House:
        """Let an actor carry alerts with buttons."""
        house, telegram = self._house(), self._telegram()
        self.carriers.append(telegram)
        actor = AlertActor.start(
            house.context,
            store=self.database.store,
            telegram=telegram,
            host="this-mac",
            pace=PACE,
            signer=partial(Signer, token=TOKEN, chat_id=self.chat_id),
        )
        house.move_in(ALERTS, actor)
        return house

    def receive(
        self,
        host: str = "this-mac",
        store: Store | None = None,
        patience: Patience = PATIENCE,
    ) -> House:
        """Let one more host receive."""
        house = self._house()
        store = store or self.database.store
        telegram = self._telegram()
        people = People(self.chat_id, self.users)

        def receiver(secret: str) -> Receiver:
            signer = Signer(secret, TOKEN, self.chat_id)
            return Receiver(store, telegram, people, signer, host)

        actor = ChatActor.start(
            house.context,
            store=store,
            telegram=telegram,
            receiver=receiver,
            host=host,
            patience=patience,
        )
        house.move_in(CHAT, actor)
        return house

    def signer(self) -> Signer:
        found = self.admin.execute("select secret from safari_telegram").fetchone()
        assert found is not None
        return Signer(found[0], TOKEN, self.chat_id)

    def polls(self) -> int:
        return int(Phone(self.simulator).state()["polls"])

    def conflicts(self) -> list[dict[str, Any]]:
        return [
            line
            for line in self.simulator.world()
            if line["kind"] == "telegram_refused" and "Conflict" in line["text"]
        ]

    def close(self) -> None:
        for house in self.houses:
            house.close()
        for telegram in self.carriers:
            telegram.close()

    def _house(self) -> House:
        house = House()
        self.houses.append(house)
        return house

    def _telegram(self) -> Telegram:
        return Telegram(self.simulator.url("telegram"), TOKEN, self.chat_id)
