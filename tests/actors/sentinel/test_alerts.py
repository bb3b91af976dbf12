"""The alert actor between a real outbox and a Telegram that behaves, or not."""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from actors.runtime.messages import Drained, Stop
from actors.sentinel.alerts import ALERTS, AlertActor, Pace, Undelivered
from actp.clients.telegram import Telegram
from actp.errors import StoreUnavailable
from tests.actors.house import Grenade, House
from tests.actors.latch import LatchedStore
from tests.actors.rows import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actp.store import Store
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

TOKEN = SecretStr("123456:test")
# As in earnest, but for the waits of people.
PACE = Pace(look_seconds=0.1, pause_seconds=0.2, lost_after_seconds=0.3)
# What must not happen is looked for during this time.
QUIET_SECONDS = 0.6


class Outbox:
    """The alerts of a database, and the actors that carry them."""

    def __init__(self, database: Database, simulator: SimulatorProcess) -> None:
        self.database = database
        self.simulator = simulator
        self.houses: list[House] = []
        self.clients: list[Telegram] = []

    def put(self, *keys: str, kind: str = "note") -> None:
        with self.database.connect() as connection:
            for key in keys:
                connection.execute(
                    "select safari_alert(%s, %s, jsonb_build_object('said', %s::text))",
                    (key, kind, key),
                )

    def carry(
        self, *, store: Store | None = None, pace: Pace = PACE, token: SecretStr | None = TOKEN
    ) -> House:
        """Let one more actor carry alerts."""
        house = House()
        self.houses.append(house)
        telegram = None
        if token is not None:
            telegram = Telegram(self.simulator.url("telegram"), token, "42")
            self.clients.append(telegram)
        house.move_in(
            ALERTS,
            AlertActor.start(
                house.context,
                store=store or self.database.store,
                telegram=telegram,
                host="this-mac",
                pace=pace,
            ),
        )
        return house

    def rows(self) -> list[dict[str, Any]]:
        with self.database.connect() as connection:
            found = connection.execute("select to_jsonb(a) from safari_alerts a order by id")
            return [row[0] for row in found]

    def play(self, *rules: dict[str, Any], **settings: Any) -> None:
        self.simulator.play({"telegram": {"rules": rules, **settings}})

    def await_messages(self, *wanted: str) -> None:
        """Wait until exactly these words, in this order, have each come in one message."""

        def have_come() -> bool:
            messages = self.simulator.messages()
            return len(messages) >= len(wanted)

        eventually(have_come, f"{wanted} came")
        messages = self.simulator.messages()
        assert len(messages) == len(wanted), messages
        assert all(word in message for word, message in zip(wanted, messages, strict=True))

    def await_settled(self) -> None:
        eventually(lambda: all(row["delivered_at"] for row in self.rows()), "all was delivered")

    def refused(self) -> list[dict[str, Any]]:
        return [line for line in self.simulator.world() if line["kind"] == "telegram_refused"]


@pytest.fixture
def outbox(database: Database, simulator: SimulatorProcess) -> Iterator[Outbox]:
    outbox = Outbox(database, simulator)
    yield outbox
    for house in outbox.houses:
        house.close()
    for client in outbox.clients:
        client.close()


def holds_for(seconds: float, condition: Callable[[], bool]) -> bool:
    """Return whether a condition holds all the time."""
    end = monotonic() + seconds
    eventually(lambda: monotonic() > end or not condition(), "the time was over")
    return condition()


def test_alert_raised_by_a_check_is_sent_without_delay(outbox: Outbox) -> None:
    house = outbox.carry(pace=Pace(look_seconds=3600.0, pause_seconds=0.05))
    eventually(lambda: house.settle(ALERTS) is not None, "it has looked")
    outbox.put("later")
    house.tell(ALERTS, Undelivered())
    outbox.await_messages("later")


def test_alerts_are_told_one_by_one_in_order_with_a_pause(outbox: Outbox) -> None:
    outbox.play(min_gap_seconds=PACE.pause_seconds)
    outbox.put("one", "two", "three")
    outbox.carry()
    outbox.await_messages("one", "two", "three")
    outbox.await_settled()
    assert outbox.refused() == []


def test_a_burst_is_told_in_one_message(outbox: Outbox) -> None:
    outbox.put(*(f"trouble-{number}" for number in range(12)))
    outbox.carry()
    outbox.await_messages("12x note")
    outbox.await_settled()
    assert all(row["grouped"] for row in outbox.rows())


def test_what_is_asked_for_by_name_is_in_no_digest(outbox: Outbox) -> None:
    outbox.put(*(f"trouble-{number}" for number in range(6)))
    with outbox.database.connect() as connection:
        for kind, detail in (
            ("sweep_complete", '{"passed": 9, "total": 9, "lines": []}'),
            ("render_complete", '{"hook": "A hook", "platforms": ["tiktok"]}'),
            (
                "campaign_complete",
                '{"campaign_type": "warmup", "targets": 5, "completed": 4, "seconds": 263}',
            ),
        ):
            connection.execute(
                "insert into safari_alerts (key, kind, detail) values (%s, %s, %s)",
                (kind, kind, detail),
            )
    outbox.carry()
    outbox.await_messages("Daily Sweep: 9/9", "A hook", "Completed: 4/5", "6x note")
    outbox.await_settled()


def test_five_are_no_burst(outbox: Outbox) -> None:
    outbox.put(*"abcde")
    outbox.carry()
    outbox.await_messages(*(f"said: {key}" for key in "abcde"))


def test_two_sentinels_tell_an_alert_once(outbox: Outbox) -> None:
    outbox.play(min_gap_seconds=PACE.pause_seconds * 0.9)
    outbox.carry()
    outbox.carry()
    for keys in (("one",), ("two", "three"), ("four",)):
        outbox.put(*keys)
    outbox.await_messages("one", "two", "three", "four")
    outbox.await_settled()
    assert outbox.refused() == []


def test_retry_after_is_honoured_and_the_mailbox_answers_meanwhile(outbox: Outbox) -> None:
    outbox.play({"behaviour": "too_many_requests", "retry_after_seconds": 1, "times": 1})
    outbox.put("one")
    house = outbox.carry()
    eventually(lambda: len(outbox.refused()) == 1, "Telegram refused")
    house.settle(ALERTS)
    settled_at = time()
    outbox.put("two")
    outbox.await_messages("one", "two")
    refused, first, _ = (line["at"] for line in outbox.simulator.world())
    assert first - refused >= 1.0
    assert settled_at < first
    assert len(outbox.refused()) == 1


def test_a_dead_telegram_loses_nothing(outbox: Outbox) -> None:
    outbox.simulator.down("telegram")
    outbox.put("one", "two")
    outbox.carry()
    eventually(lambda: any(row["error"] for row in outbox.rows()), "the failure was stored")
    outbox.put("three")
    outbox.simulator.up("telegram")
    outbox.await_messages("one", "two", "three")
    outbox.await_settled()


def test_broken_markup_comes_as_plain_text(outbox: Outbox) -> None:
    outbox.play({"behaviour": "unparsable", "times": 1})
    outbox.put("1 < 2")
    outbox.carry()
    outbox.await_messages("said: 1 < 2")
    outbox.await_settled()
    assert len(outbox.refused()) == 1


def test_wrong_token_keeps_the_alert(
    outbox: Outbox,
) -> None:
    outbox.play(token="123456:another")  # noqa: S106  # of a simulated bot
    outbox.put("one")
    outbox.carry()
    eventually(lambda: len(outbox.refused()) == 1, "Telegram refused")
    eventually(lambda: bool(outbox.rows()[0]["next_attempt_at"]), "it was put off")
    assert "TELEGRAM_BOT_TOKEN" in outbox.rows()[0]["error"]
    assert holds_for(QUIET_SECONDS, lambda: len(outbox.refused()) == 1)
    outbox.carry(token=SecretStr("123456:another"))
    outbox.await_messages("one")


def test_without_telegram_alerts_stay_where_they_are(outbox: Outbox) -> None:
    outbox.put("one")
    house = outbox.carry(token=None)
    house.settle(ALERTS)
    assert holds_for(QUIET_SECONDS, lambda: not outbox.simulator.messages())
    assert outbox.rows()[0]["attempts"] == 0
    house.tell(ALERTS, Stop())
    assert house.supervisor.take(Drained).name == ALERTS


def test_a_long_alert_comes_in_parts_each_once(outbox: Outbox) -> None:
    refusal = {"behaviour": "too_many_requests", "retry_after_seconds": 0}
    outbox.play({**refusal, "after": 1, "times": 1})
    with outbox.database.connect() as connection:
        connection.execute(
            "select safari_alert('long', 'long_note', jsonb_object_agg(n, repeat('<&>', 90)))"
            " from generate_series(1, 40) n"
        )
    outbox.carry()
    eventually(lambda: len(outbox.simulator.messages()) > 1, "parts came")
    outbox.await_settled()
    parts = outbox.simulator.messages()
    assert len(set(parts)) == len(parts)
    assert len(outbox.refused()) == 1


def test_a_lost_database_is_told_once_and_so_is_its_return(outbox: Outbox) -> None:
    store = LatchedStore(outbox.database.store)
    store.break_with(StoreUnavailable("nobody listens"))
    outbox.carry(store=store)
    outbox.await_messages("Database Lost: this-mac")
    assert holds_for(QUIET_SECONDS, lambda: len(outbox.simulator.messages()) == 1)
    outbox.put("one")
    store.mend()
    outbox.await_messages("Database Lost", "Database Back: this-mac", "one")


def test_a_short_absence_of_the_database_is_not_told(outbox: Outbox) -> None:
    store = LatchedStore(outbox.database.store)
    store.break_with(StoreUnavailable("nobody listens"))
    outbox.carry(store=store, pace=Pace(look_seconds=0.1, pause_seconds=0.1))
    store.await_calls("safari_alerts_reopen", 2)
    store.mend()
    outbox.put("one")
    outbox.await_messages("one")


def test_what_was_sent_is_settled_though_the_database_went_away_meanwhile(outbox: Outbox) -> None:
    outbox.play({"behaviour": "hang", "seconds": 0.3, "times": 1})
    store = LatchedStore(outbox.database.store)
    outbox.put("one")
    outbox.carry(store=store, pace=Pace(look_seconds=0.1, pause_seconds=0.1))
    outbox.await_messages("one")
    store.break_with(StoreUnavailable("nobody listens"))
    store.await_calls("safari_alerts_done", 1)
    store.mend()
    outbox.await_settled()
    assert holds_for(QUIET_SECONDS, lambda: len(outbox.simulator.messages()) == 1)


def test_a_stop_hands_back_what_was_not_sent(outbox: Outbox) -> None:
    outbox.put("one", "two", "three")
    house = outbox.carry(pace=Pace(look_seconds=0.1, pause_seconds=5.0))
    outbox.await_messages("one")
    house.tell(ALERTS, Stop())
    assert house.supervisor.take(Drained).name == ALERTS
    first, *others = outbox.rows()
    assert first["delivered_at"]
    assert [(row["delivered_at"], row["next_attempt_at"]) for row in others] == [(None, None)] * 2
    assert all(row["claimed_until"] is None for row in others)


def test_alert_of_a_crashed_actor_is_sent_after_its_claim_expires(outbox: Outbox) -> None:
    pace = Pace(look_seconds=0.1, pause_seconds=0.5, claim_seconds=1.0, send_within_seconds=0.9)
    outbox.put("one", "two")
    house = outbox.carry(pace=pace)
    eventually(lambda: bool(outbox.rows()[0]["delivered_at"]), "the first was settled")
    house.tell(ALERTS, Grenade())
    outbox.carry(pace=pace)
    outbox.await_messages("one", "two")
