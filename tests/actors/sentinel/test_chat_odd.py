"""What happens to a chat: deleted messages, other bots, waits of Telegram, long texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.actors.sentinel.chat_desk import Desk
from tests.support.phone import Phone, labels

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess
    from tests.support.databases import Database


def test_a_deleted_message_changes_nothing_of_its_decision(desk: Desk, phone: Phone) -> None:
    case = desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    phone.delete(message)
    press = phone.press(message, "was sent")
    desk.receive()
    assert "it was sent" in phone.await_answer(press)
    phone.await_quiet()
    assert (desk.decisions.state(case), phone.messages()) == ("completed", [])


def test_what_telegram_puts_off_for_a_moment_is_said_then(
    desk: Desk, phone: Phone, simulator: SimulatorProcess
) -> None:
    desk.decisions.arrange("unknown_outcome")
    desk.carry()
    message = phone.await_message("Outcome Unknown")
    put_off = {"behaviour": "too_many_requests", "retry_after_seconds": 0, "times": 2}
    rules = [{**put_off, "method": method} for method in ("editMessageText", "sendMessage")]
    simulator.play({"telegram": {"rules": rules}})
    desk.receive()
    phone.press(message, "was sent")
    phone.write("/help")
    phone.await_message("Settled: it was sent")
    phone.await_message("/status: ")


def test_a_long_text_of_emoji_makes_room_for_the_decision(desk: Desk, phone: Phone) -> None:
    desk.decisions.arrange("draft")
    # Half as many characters as Telegram counts.
    desk.admin.execute(
        "update safari_command_queue set params = params || jsonb_build_object('text', %s::text)",
        ("😀" * 1950,),
    )
    desk.carry()
    message = phone.await_message("Draft: ")
    press = phone.press(message, "Approve")
    desk.receive()
    assert "Approved" in phone.await_answer(press)
    edited = phone.await_message("Approved\nby 42 (ada) at ")
    assert (edited["message_id"], labels(edited)) == (message["message_id"], [])


def test_commands_for_other_bots_of_a_group_are_left_to_them(
    database: Database, simulator: SimulatorProcess
) -> None:
    group = "-1001234"
    with database.connect() as admin:
        desk = Desk(database, simulator, admin, group, frozenset({42}))
        phone = Phone(simulator, group)
        desk.receive()
        for text in ("/weather", "/status@weather_bot", "/weather@weather_bot"):
            phone.write(text)
        phone.write("/help@Simulator_Bot")
        phone.write("/weather@simulator_bot")
        phone.await_message("Unknown command")
        assert ["/status: " in message["text"] for message in phone.messages()] == [True, False]
        desk.close()
