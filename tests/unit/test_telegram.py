"""The client of Telegram's bot API, against a stand-in that refuses as Telegram does."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from actp.clients.telegram import Telegram
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "123456:a-secret-nobody-may-read"  # noqa: S105  # of a bot that does not exist
CHAT = "42"


@pytest.fixture(scope="module")
def outside() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(scenario={"telegram": {"token": TOKEN, "chat_id": CHAT}}) as simulator:
        yield simulator


@pytest.fixture
def simulator(outside: SimulatorProcess) -> SimulatorProcess:
    outside.reset()
    return outside


@pytest.fixture
def telegram(simulator: SimulatorProcess) -> Iterator[Telegram]:
    client = Telegram(simulator.url("telegram"), SecretStr(TOKEN), CHAT)
    yield client
    client.close()


def play(simulator: SimulatorProcess, **rule: Any) -> None:
    simulator.play({"telegram": {"token": TOKEN, "chat_id": CHAT, "rules": [rule]}})


def test_a_message_arrives_as_its_reader_sees_it(
    telegram: Telegram, simulator: SimulatorProcess
) -> None:
    assert telegram.send("<b>1 &lt; 2</b>").verdict == "delivered"
    assert simulator.messages() == ["1 < 2"]


def test_broken_markup_is_unparsable_and_arrives_as_plain_text(
    telegram: Telegram, simulator: SimulatorProcess
) -> None:
    assert telegram.send("1 < 2").verdict == "unparsable"
    assert telegram.send("1 < 2", is_html=False).verdict == "delivered"
    assert simulator.messages() == ["1 < 2"]


def test_too_many_requests_name_the_time_to_wait(
    telegram: Telegram, simulator: SimulatorProcess
) -> None:
    play(simulator, behaviour="too_many_requests", retry_after_seconds=7)
    delivery = telegram.send("hello")
    assert (delivery.verdict, delivery.wait_seconds) == ("later", 7.0)


@pytest.mark.parametrize("behaviour", ["server_error", "drop"])
def test_a_telegram_in_trouble_is_tried_later(
    telegram: Telegram, simulator: SimulatorProcess, behaviour: str
) -> None:
    play(simulator, behaviour=behaviour)
    assert telegram.send("hello").verdict == "later"


@pytest.mark.parametrize(
    ("behaviour", "remedy"),
    [
        ("forbidden", "unblock"),
        ("no_rights", "what the bot may do in that chat"),
        ("migrated", "set TELEGRAM_CHAT_ID=-1001234567890"),
        ("unauthorized", "TELEGRAM_BOT_TOKEN"),
    ],
)
def test_a_bot_that_may_no_longer_write_needs_a_person(
    telegram: Telegram, simulator: SimulatorProcess, behaviour: str, remedy: str
) -> None:
    play(simulator, behaviour=behaviour)
    delivery = telegram.send("hello")
    assert delivery.verdict == "misconfigured"
    assert remedy in str(delivery.error)


def test_a_deleted_message_is_not_taken_for_a_wrong_chat(telegram: Telegram) -> None:
    delivery = telegram.edit(7, "hello")
    assert delivery.error == "HTTP 400: Bad Request: message to edit not found"


@pytest.mark.parametrize(
    ("token", "chat", "setting"),
    [
        ("123456:another", CHAT, "TELEGRAM_BOT_TOKEN"),
        ("no-token-at-all", CHAT, "TELEGRAM_BOT_TOKEN"),
        (TOKEN, "43", "TELEGRAM_CHAT_ID"),
    ],
)
def test_a_wrong_setting_is_named(
    simulator: SimulatorProcess, token: str, chat: str, setting: str
) -> None:
    client = Telegram(simulator.url("telegram"), SecretStr(token), chat)
    delivery = client.send("hello")
    client.close()
    assert delivery.verdict == "misconfigured"
    assert setting in str(delivery.error)


def test_no_error_holds_the_token() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    token = f"{TOKEN}\nwith-a-line-break"
    for url in (f"http://127.0.0.1:{port}", "http://127.0.0.1:1"):
        client = Telegram(url, SecretStr(token), CHAT)
        delivery = client.send("hello")
        client.close()
        assert delivery.verdict == "later"
        assert "secret" not in f"{delivery} {client!r} {vars(client)}"
