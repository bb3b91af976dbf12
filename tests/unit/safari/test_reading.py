"""Where a text should stand, it is found if it stands there, and only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.reading import Sight, read_text
from actp.safari.requests import build_request
from simulator.process import SimulatorProcess
from tests.support.safari_clients import safari_client, simulator_settings
from tests.unit.safari.commands_for_tests import command, command_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actp.safari.client import SafariClient
    from actp.safari.commands import Command

SENDING = [service.name for service in HTTP_SERVICES if service.effect == "once"]
OWN = "our_account"
TEXT = "A text that is long enough to be told from others"


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def safari(running: SimulatorProcess, tmp_path: Path) -> Iterator[SafariClient]:
    running.reset()
    with safari_client(simulator_settings(running, tmp_path)) as safari:
        yield safari


def send(safari: SafariClient, sent: Command) -> None:
    request = build_request(sent.service, sent)
    safari.post(sent.service.name, request.path, body=request.json, timeout_seconds=5)


def read(safari: SafariClient, asked: Command, own_handle: str | None = None) -> Sight:
    begun_at = datetime.now(UTC) - timedelta(minutes=1)
    return read_text(safari, asked, own_handle=own_handle, begun_at=begun_at)


@pytest.mark.parametrize("service", SENDING)
def test_a_text_that_was_sent_is_found(safari: SafariClient, service: str) -> None:
    sent = command_of(service, TEXT)
    send(safari, sent)
    assert read(safari, sent).verdict == "found"


@pytest.mark.parametrize("service", SENDING)
def test_a_text_that_was_not_sent_is_not_found(safari: SafariClient, service: str) -> None:
    send(safari, command_of(service, "Another text that is also long enough for it"))
    assert read(safari, command_of(service, TEXT)).verdict == "absent"


@pytest.mark.parametrize("service", SENDING)
def test_a_text_to_nobody_yet_is_not_found(safari: SafariClient, service: str) -> None:
    assert read(safari, command_of(service, TEXT)).verdict == "absent"


@pytest.mark.parametrize("service", ["twitter-dm", "tiktok-dm"])
def test_an_earlier_message_with_the_same_words_is_ambiguous(
    safari: SafariClient, service: str
) -> None:
    for text in (TEXT, "And something after it that is long enough"):
        safari.post(
            service,
            build_request(SERVICES[service], command_of(service)).path,
            body={"username": "ada", "text": text, "force": True},
            timeout_seconds=5,
        )
    assert read(safari, command_of(service, TEXT)).verdict == "ambiguous"


def test_a_short_comment_needs_our_handle(safari: SafariClient) -> None:
    short = command_of("threads-comments", "Nice")
    send(safari, short)
    assert read(safari, short).verdict == "unreadable"
    assert read(safari, short, own_handle="somebody_else").verdict == "absent"


def test_a_tweet_needs_our_handle(safari: SafariClient) -> None:
    sight = read(safari, command("tweet", text=TEXT))
    assert sight.verdict == "unreadable"
    assert "SAFARI_OWN_HANDLES" in sight.detail


@pytest.mark.parametrize(
    ("service", "others"), [("twitter-dm", "adam"), ("tiktok-dm", "ada.byron")]
)
def test_the_thread_of_a_similar_name_is_not_read(
    running: SimulatorProcess, safari: SafariClient, service: str, others: str
) -> None:
    running.receive(service, others, "Hello")
    asked = command("send_dm", service.split("-", maxsplit=1)[0], username="ada_x", text=TEXT)
    if service == "twitter-dm":
        asked = command_of(service, TEXT)
    sight = read(safari, asked)
    assert sight.verdict == "unreadable"
    assert others in sight.detail


def test_the_same_words_to_another_member_of_linkedin_are_not_his(safari: SafariClient) -> None:
    send(safari, command("send_dm", "linkedin", profileUrl="eve-adams", text=TEXT))
    sight = read(safari, command_of("linkedin-automation", TEXT))
    assert sight.verdict == "ambiguous"
    assert "Eve Adams" in sight.detail
