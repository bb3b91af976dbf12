"""Where a text should stand, it is found if it stands there, and only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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


class Page:
    """A service whose every route shows the same."""

    def __init__(self, **said: Any) -> None:
        self.said = {"success": True, **said}

    def get(self, *_: Any, **__: Any) -> Any:
        return self.said

    def post(self, *_: Any, **__: Any) -> Any:
        return self.said


@pytest.mark.parametrize(
    ("begun", "tweeted", "is_proof"),
    [
        (10, (1, 60), True),
        (10, (99_999, 1, 60), True),
        (10, (1, 2, 3), False),  # ours may be the next
        (10, (99_999, 1, 2), False),  # a pinned one does not tell
        (10, (60, 90), False),  # the timeline may be an old one
        (120, (1, 600, 900), False),
    ],
)
def test_a_missing_tweet_was_not_sent_where_nothing_is_left_out(
    begun: int, tweeted: tuple[int, ...], *, is_proof: bool
) -> None:
    now = datetime.now(UTC)
    times = [(now - timedelta(minutes=each)).isoformat() for each in tweeted]
    page = Page(tweets=[{"handle": f"@{OWN}", "text": "x", "timestamp": at} for at in times])
    begun_at = now - timedelta(minutes=begun)
    sight = read_text(page, command("tweet", text=TEXT), own_handle=OWN, begun_at=begun_at)
    assert (sight.verdict, sight.proves_absence) == ("absent", is_proof)


@pytest.mark.parametrize(("begun", "count", "is_proof"), [(1, 3, 1), (1, 20, 0), (120, 3, 0)])
def test_what_a_whole_conversation_lacks_was_not_sent(
    begun: int, count: int, *, is_proof: bool
) -> None:
    page = Page(messages=[{"text": "x", "isOutbound": True}] * count)
    begun_at = datetime.now(UTC) - timedelta(minutes=begun)
    sight = read_text(page, command_of("twitter-dm", TEXT), own_handle=None, begun_at=begun_at)
    assert (sight.verdict, sight.proves_absence) == ("absent", is_proof)


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
