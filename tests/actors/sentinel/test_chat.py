"""Alerts with buttons and the actor that receives what is pressed, over a Telegram as it is."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from actors.runtime.messages import Crashed, Drained, Stop
from actors.sentinel.chat import CHAT, Patience
from actp.chat.buttons import Button, Signer
from actp.errors import StoreUnavailable
from tests.actors.house import Grenade
from tests.actors.latch import LatchedStore
from tests.actors.rows import eventually
from tests.actors.sentinel.chat_desk import TOKEN, Desk
from tests.actors.sentinel.test_alerts import holds_for
from tests.store.life import Life
from tests.support.decisions import KINDS
from tests.support.phone import CHAT as CHAT_ID
from tests.support.phone import Phone, buttons, labels, person

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database

QUIET_SECONDS = 0.6
LABELS = {
    "sent": "was sent",
    "not_sent": "was not sent",
    "replied": "They replied",
    "go_on": "continue",
    "pause": "Pause",
    "resume": "Resume",
    "snooze": "Snooze",
    "done": "Done",
    "approve": "Approve",
    "reject": "Reject",
}
DECISIONS = [(kind, action) for kind, actions in KINDS.items() for action in actions]


@pytest.mark.parametrize(("kind", "action"), DECISIONS)
def test_a_press_decides_and_the_message_tells_who_did(
    desk: Desk, phone: Phone, kind: str, action: str
) -> None:
    case = desk.decisions.arrange(kind)
    desk.carry()
    desk.receive()
    eventually(lambda: len(phone.messages()) == 1, "the alert came")
    (message,) = phone.messages()
    shown = message["text"]
    press = phone.press(message, LABELS[action])
    phone.await_answer(press)
    edited = phone.await_message("by 42 (ada) at ")
    assert edited["message_id"] == message["message_id"]
    assert edited["text"].startswith(shown)
    assert desk.decisions.state(case) == KINDS[kind][action]
    assert {who for who, _ in desk.decisions.audit()} == {"telegram:42 (ada)"}
    assert not any(LABELS[action] in label for label in labels(edited))
    if (kind, action) == ("blocked", "resume"):
        lifted = desk.admin.execute("select service, account from safari_resumes").fetchall()
        assert lifted == [("twitter-dm", "")]


def test_in_a_burst_what_can_be_decided_keeps_its_buttons(desk: Desk, phone: Phone) -> None:
    life = Life(desk.database.store)
    for name in ("ada", "bob", "eve", "kim", "lin", "max"):
        life.end(life.enqueue(name), "unknown", error="no answer")
    for number in range(6):
        desk.database.store.call("safari_note", kind="note", subject=f"n{number}", detail={})
    desk.carry()
    eventually(lambda: len(phone.messages()) == 7, "six and a digest came")
    *decided, digest = phone.messages()
    assert all(buttons(message) for message in decided)
    assert not buttons(digest)
    assert "6 alerts at once" in digest["text"]


def test_a_draft_is_shown_as_it_would_be_sent(desk: Desk, phone: Phone) -> None:
    desk.decisions.arrange("draft")
    desk.carry()
    message = phone.await_message("Draft: send dm to ada (Twitter)")
    assert "\n\nHello <b>Ada</b> & all\n\n" in message["text"]


def test_the_reply_of_an_alert_can_be_opened(desk: Desk, phone: Phone) -> None:
    desk.decisions.arrange("reply")
    desk.carry()
    message = phone.await_message("How much is it?")
    assert buttons(message)[0]["url"] == "https://x.com/ada"


def test_a_second_press_of_the_same_button_changes_nothing(desk: Desk, phone: Phone) -> None:
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    # Both before anybody receives, as two people at once.
    first, second = (phone.press(message, "was sent") for _ in range(2))
    third = phone.press(message, "was not sent")
    desk.receive()
    assert "it was sent" in phone.await_answer(first)
    assert "This button was already used" in phone.await_answer(second)
    late = phone.await_answer(third)
    assert "has changed since this was shown" in late
    assert "completed" in late
    assert desk.decisions.state(case) == "completed"
    assert len(desk.decisions.audit()) == 1
    phone.await_quiet()
    (message,) = phone.messages()
    assert "Now: completed, last decided by telegram:42 (ada) at " in message["text"]


def forgeries(signer: Signer, other: Signer, alert: int, mark: str) -> dict[str, str]:
    ours = signer.data(Button("sent", alert, mark))
    head, signature = ours.rsplit("|", 1)
    swapped = signature[:-1] + ("A" if signature[-1] != "A" else "B")
    return {
        "another action": f"{head.replace('sent', 'not_sent')}|{signature}",
        "another alert": f"1|sent|{alert + 1}|{mark}|{signature}",
        "another mark": f"1|sent|{alert}|{'0' * 12}|{signature}",
        "a changed signature": f"{head}|{swapped}",
        "no signature": f"{head}|",
        "a short signature": f"{head}|{signature[:8]}",
        "another key": other.data(Button("sent", alert, mark)),
        "an old form": ours.replace("1|", "0|", 1),
        "words": "sent",
        "nothing": " ",
        "json": json.dumps({"action": "sent"}),
        "sql": "1|sent|1; drop table safari_alerts|000000000000|AAAAAAAAAAAAAAAA",
        "markup": "<b>sent</b>",
        "a lone surrogate's replacement": "\ufffd" * 10,
        "a NUL": "1|sent\x00|1|000000000000|AAAAAAAAAAAAAAAA",
        "other digits": ours.replace(str(alert), "\u0661", 1),
        "a line more": ours + "\n",
    }


def test_a_forged_button_does_nothing_and_is_answered(desk: Desk, phone: Phone) -> None:
    desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    _, _, alert, mark, _ = buttons(message)[0]["callback_data"].split("|")
    other = Signer("another secret", TOKEN, CHAT_ID)
    forged = forgeries(desk.signer(), other, int(alert), mark)
    assert all(first != second for first, second in combinations(forged.values(), 2))
    before, shown = desk.decisions.rows(), phone.messages()
    desk.receive()
    for data in forged.values():
        press = phone.send_data(message, data)
        assert phone.await_answer(press) == "Nothing was changed: this button is unknown."
    phone.await_quiet()
    assert (desk.decisions.rows(), phone.messages()) == (before, shown)
    # The true one still decides.
    assert "it was sent" in phone.await_answer(phone.press(message, "was sent"))


def test_strangers_decide_and_learn_nothing(desk: Desk, phone: Phone) -> None:
    desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    before, shown = desk.decisions.rows(), phone.messages()
    desk.receive()
    data = buttons(message)[0]["callback_data"]
    mallory = person(666, username="mallory")
    inside = phone.send_data(message, data, user=mallory)
    assert "your id 666 is not in TELEGRAM_USERS" in phone.await_answer(inside)
    a_bot = phone.send_data(message, data, user=person(42, is_bot=True))
    assert "Nothing" not in phone.await_answer(a_bot)
    outside = [
        phone.send_data(message, data, user=mallory, chat="666"),
        phone.send_data(message, data, chat="-10042"),
    ]
    for text in ("/status", "/limits", "/help", "hello", "/status@simulator_bot"):
        phone.write(text, user=mallory, chat="666")
        phone.write(text, user=mallory)
    phone.await_quiet()
    assert not any(press in phone.state()["answers"] for press in outside)
    assert (desk.decisions.rows(), phone.messages()) == (before, shown)


def test_in_a_group_the_named_users_decide_and_nobody_else(
    database: Database, simulator: SimulatorProcess
) -> None:
    group = "-1001234"
    with database.connect() as admin:
        desk = Desk(database, simulator, admin, group, frozenset({7}))
        desk.decisions.arrange("unknown_outcome")
        desk.carry()
        phone = Phone(simulator, group, person(8, username="bob"))
        message = phone.await_message("Outcome Unknown")
        desk.receive()
        refused = phone.await_answer(phone.press(message, "was sent"))
        assert "your id 8 is not in TELEGRAM_USERS" in refused
        eve = person(7, username=None, first_name="<b>Eve</b>\u202e")
        assert "it was sent" in phone.await_answer(phone.press(message, "was sent", user=eve))
        assert "by 7 (<b>Eve</b>) at " in phone.await_message("by 7")["text"]
        assert desk.decisions.audit() == [("telegram:7 (<b>Eve</b>)", "resolve")]
        desk.close()


def test_questions_are_answered_in_the_chat(desk: Desk, phone: Phone) -> None:
    desk.decisions.arrange("unknown_outcome")
    desk.receive()
    phone.write("/status")
    status = phone.await_message("Safari queue at ")["text"]
    assert "Unknown: 1 outcome; see what arrived, then:" in status
    (oldest,) = desk.database.store.call("safari_status")["unknown_outcomes"]["oldest"]
    assert f"bin/queue resolve {oldest['id'][:8]} sent|not-sent" in status
    phone.write("/limits")
    assert "twitter dm: 1/" in phone.await_message("Counts reset")["text"]
    phone.write("/help")
    phone.await_message("/status: ")
    phone.write("/drop")
    phone.await_message("Unknown command")


def test_a_question_of_yesterday_and_talk_are_left_alone(desk: Desk, phone: Phone) -> None:
    for text in ("hello", "status", "<b>/status</b>"):
        phone.write(text)
    phone.write("/status", age_seconds=24 * 3600)
    desk.receive()
    phone.write("/help")
    phone.await_message("/status: ")
    assert len(phone.messages()) == 1


def test_a_press_while_nobody_receives_is_handled_by_the_next_one(
    desk: Desk, phone: Phone, simulator: SimulatorProcess
) -> None:
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    # Telegram no longer waits for an answer to the press, but the message is edited.
    simulator.play({"telegram": {"answer_within_seconds": 0}})
    phone.press(message, "was not sent")
    desk.receive()
    phone.await_message("Settled: it was not sent")
    assert desk.decisions.state(case) == "failed not_sent"


def test_two_hosts_never_poll_at_once_and_one_takes_over(desk: Desk, phone: Phone) -> None:
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    patience = Patience(
        poll_seconds=1, margin_seconds=2, renew_seconds=0.5, lease_seconds=4, longest_wait_seconds=1
    )
    houses = {host: desk.receive(host, patience=patience) for host in ("here", "there")}

    def holder() -> str | None:
        row = desk.admin.execute("select holder from safari_telegram").fetchone()
        return row[0] if row else None

    eventually(lambda: holder() is not None, "one receives")
    first = holder()
    assert first is not None
    polls = desk.polls()
    eventually(lambda: desk.polls() >= polls + 3, "it goes on")
    assert holder() == first
    houses[first].tell(CHAT, Grenade())
    eventually(lambda: holder() not in (None, first), "the other took over")
    assert "it was sent" in phone.await_answer(phone.press(message, "was sent"))
    assert desk.decisions.state(case) == "completed"
    assert desk.conflicts() == []


def test_a_lost_database_delays_a_decision_and_does_it_once(desk: Desk, phone: Phone) -> None:
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    store = LatchedStore(desk.database.store)
    house = desk.receive(store=store)
    eventually(lambda: desk.polls() > 0, "it receives")
    store.break_with(StoreUnavailable("gone"))
    press = phone.press(message, "was sent")
    assert holds_for(QUIET_SECONDS, lambda: press not in phone.state()["answers"])
    house.settle(CHAT)
    store.mend()
    assert "it was sent" in phone.await_answer(press)
    assert (desk.decisions.state(case), len(desk.decisions.audit())) == ("completed", 1)


def test_polling_asks_telegram_and_seldom_the_database(desk: Desk) -> None:
    store = LatchedStore(desk.database.store)
    patience = Patience(poll_seconds=1, margin_seconds=30, renew_seconds=60, lease_seconds=180)
    desk.receive(store=store, patience=patience)
    eventually(lambda: desk.polls() >= 4, "it polls")
    assert [call.function for call in store.calls()] == ["safari_telegram_lease"]


def test_a_crashed_receiver_is_replaced_and_does_nothing_twice(desk: Desk, phone: Phone) -> None:
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    house = desk.receive()
    eventually(lambda: desk.polls() > 0, "it receives")
    assert "it was sent" in phone.await_answer(phone.press(message, "was sent"))
    house.tell(CHAT, Grenade())
    house.supervisor.take(Crashed)
    desk.receive()
    phone.await_quiet()
    assert (desk.decisions.state(case), len(desk.decisions.audit())) == ("completed", 1)
    phone.write("/help")
    phone.await_message("/status: ")


@pytest.mark.parametrize("behaviour", ["server_error", "drop", "garbage", "conflict"])
def test_telegram_in_trouble_is_asked_again_and_delays_no_alert(
    desk: Desk, phone: Phone, simulator: SimulatorProcess, behaviour: str
) -> None:
    rule = {"method": "getUpdates", "behaviour": behaviour, "times": 2}
    simulator.play({"telegram": {"rules": [rule]}})
    case = desk.decisions.arrange("unknown_outcome")
    desk.receive()
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    assert "it was sent" in phone.await_answer(phone.press(message, "was sent"))
    assert desk.decisions.state(case) == "completed"


def test_a_blocked_edit_leaves_the_decision_as_it_is(
    desk: Desk, phone: Phone, simulator: SimulatorProcess
) -> None:
    rules = [{"method": "editMessageText", "behaviour": "forbidden"}]
    simulator.play({"telegram": {"rules": rules}})
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    desk.receive()
    message = phone.await_message("Outcome Unknown")
    assert "it was sent" in phone.await_answer(phone.press(message, "was sent"))
    phone.await_quiet()
    assert desk.decisions.state(case) == "completed"


def test_it_stops_at_once_while_a_poll_waits(desk: Desk) -> None:
    house = desk.receive()
    eventually(lambda: desk.polls() > 0, "it receives")
    house.tell(CHAT, Stop())
    house.supervisor.take(Drained)


def test_an_alert_with_a_link_that_telegram_refuses_comes_without_it(
    desk: Desk, phone: Phone
) -> None:
    desk.decisions.arrange("reply")
    desk.admin.execute(
        "update safari_alerts set detail = detail || jsonb_build_object('link', 'https://')"
        " where kind = 'reply'"
    )
    desk.carry()
    message = phone.await_message("How much is it?")
    assert [label.split(" ", 1)[1] for label in labels(message)] == ["Snooze 1 d", "Done"]
    desk.receive()
    phone.press(message, "Snooze")
    edited = phone.await_message("Snoozed until ")
    assert [label.split(" ", 1)[1] for label in labels(edited)] == ["Done"]


def test_the_signature_stands_for_chat_token_and_secret() -> None:
    button = Button("not_sent", 2**63 - 1, "0123456789ab")
    signers = [
        Signer(secret, SecretStr(token), chat)
        for secret in ("a", "b")
        for token in ("1:x", "1:y")
        for chat in ("42", "-42")
    ]
    signed = [signer.data(button) for signer in signers]
    assert len(set(signed)) == len(signers)
    assert all(len(data.encode()) <= 64 for data in signed)
    assert [signer.read(data) for signer, data in zip(signers, signed, strict=True)] == [
        button
    ] * len(signers)
    assert all(
        signer.read(data) is None
        for signer in signers
        for data in signed
        if data != signer.data(button)
    )
