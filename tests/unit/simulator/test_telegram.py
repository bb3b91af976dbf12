"""The stand-in for Telegram's bot API: polling, buttons and presses, as the original has them."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simulator.process import SimulatorProcess
from tests.support.phone import Phone, labels

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "123456:test"  # noqa: S105  # of a bot that does not exist
KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
POLL_SECONDS = 30


class Bot:
    """A bot that calls the API as any client does."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self._client = httpx.Client(base_url=simulator.url("telegram"), timeout=60, trust_env=False)

    def call(self, method: str, **body: Any) -> tuple[int, Any]:
        answer = self._client.post(f"/bot{TOKEN}/{method}", json=body)
        said = answer.json()
        return answer.status_code, said.get("result", said.get("description"))

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def outside() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def simulator(outside: SimulatorProcess) -> SimulatorProcess:
    outside.reset()
    return outside


@pytest.fixture
def bot(simulator: SimulatorProcess) -> Iterator[Bot]:
    bot = Bot(simulator)
    yield bot
    bot.close()


def test_an_update_comes_until_a_higher_offset_confirms_it(
    bot: Bot, simulator: SimulatorProcess
) -> None:
    phone = Phone(simulator)
    bot.call("sendMessage", chat_id=42, text="Well?", reply_markup=KEYBOARD)
    phone.press(phone.messages()[0], "Yes")
    first = bot.call("getUpdates")[1]
    assert bot.call("getUpdates")[1] == first
    update = first[0]
    query = update["callback_query"]
    assert (query["data"], query["from"]["id"]) == ("y", 42)
    assert (query["message"]["text"], query["message"]["chat"]["type"]) == ("Well?", "private")
    assert bot.call("getUpdates", offset=update["update_id"] + 1)[1] == []
    assert phone.state()["unconfirmed"] == 0


def test_a_long_poll_ends_with_the_first_update(bot: Bot, simulator: SimulatorProcess) -> None:
    came: SimpleQueue[Any] = SimpleQueue()
    poll = threading.Thread(target=lambda: came.put(bot.call("getUpdates", timeout=POLL_SECONDS)))
    poll.start()
    phone = Phone(simulator)
    while phone.state()["polls"] == 0:
        pass
    phone.write("/status")
    poll.join(POLL_SECONDS)
    status, updates = came.get_nowait()
    assert (status, updates[0]["message"]["text"]) == (200, "/status")


def test_a_second_poll_ends_the_first_one_with_a_conflict(
    bot: Bot, simulator: SimulatorProcess
) -> None:
    came: SimpleQueue[Any] = SimpleQueue()
    other = Bot(simulator)
    poll = threading.Thread(target=lambda: came.put(other.call("getUpdates", timeout=POLL_SECONDS)))
    poll.start()
    while Phone(simulator).state()["polls"] == 0:
        pass
    assert bot.call("getUpdates", timeout=0) == (200, [])
    poll.join(POLL_SECONDS)
    other.close()
    status, why = came.get_nowait()
    assert (status, "terminated by other getUpdates" in why) == (409, True)


def test_a_webhook_forbids_polling_until_it_is_deleted(bot: Bot) -> None:
    bot.call("setWebhook", url="https://example.com/hook")
    assert bot.call("getWebhookInfo")[1]["url"] == "https://example.com/hook"
    status, why = bot.call("getUpdates")
    assert (status, "webhook is active" in why) == (409, True)
    bot.call("deleteWebhook")
    assert bot.call("getUpdates") == (200, [])


def test_what_is_not_allowed_is_dropped_when_it_comes(
    bot: Bot, simulator: SimulatorProcess
) -> None:
    bot.call("getUpdates", allowed_updates=["callback_query"])
    Phone(simulator).write("hello")
    bot.call("getUpdates", allowed_updates=["message"])
    assert bot.call("getUpdates") == (200, [])


@pytest.mark.parametrize("data", ["", "x" * 65, "ü" * 33])
def test_a_button_holds_one_to_64_bytes(bot: Bot, data: str) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": data}]]}
    answer = bot.call("sendMessage", chat_id=42, text="Well?", reply_markup=keyboard)
    assert answer == (400, "Bad Request: BUTTON_DATA_INVALID")


def test_edit_without_buttons_removes_them(bot: Bot, simulator: SimulatorProcess) -> None:
    bot.call("sendMessage", chat_id=42, text="Well?", reply_markup=KEYBOARD)
    phone = Phone(simulator)
    message = phone.messages()[0]
    assert labels(message) == ["Yes"]
    edit = {"chat_id": 42, "message_id": message["message_id"], "text": "Yes"}
    assert bot.call("editMessageText", **edit)[0] == 200
    assert (phone.messages()[0]["text"], labels(phone.messages()[0])) == ("Yes", [])
    status, why = bot.call("editMessageText", **edit)
    assert (status, "message is not modified" in why) == (400, True)
    edit["message_id"] = 999
    assert bot.call("editMessageText", **edit) == (400, "Bad Request: message to edit not found")


def test_a_press_is_answered_once_and_in_time(bot: Bot, simulator: SimulatorProcess) -> None:
    phone = Phone(simulator)
    bot.call("sendMessage", chat_id=42, text="Well?", reply_markup=KEYBOARD)
    press = phone.press(phone.messages()[0], "Yes")
    assert bot.call("answerCallbackQuery", callback_query_id=press, text="Done") == (200, True)
    assert phone.await_answer(press) == "Done"
    late = bot.call("answerCallbackQuery", callback_query_id=press, text="Done")
    assert (late[0], "query is too old" in late[1]) == (400, True)
    simulator.play({"telegram": {"answer_within_seconds": 0}})
    press = phone.press(phone.messages()[0], "Yes")
    assert bot.call("answerCallbackQuery", callback_query_id=press, text="Done")[0] == 400
