from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_SECONDS = 20.0
TOKENS = {
    "threads-comments": "threads-local-dev-token",
    "instagram-comments": "test-token",
    "twitter-comments": "test-token-12345",
    "linkedin-automation": "test-token-12345",
}
SENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "instagram-dm": ("/api/messages/send-from-profile", {"username": "maria", "text": "hello"}),
    "twitter-dm": ("/api/twitter/messages/send-to", {"username": "maria", "text": "hello"}),
    "threads-comments": (
        "/api/threads/comments/post",
        {"postUrl": "https://www.threads.net/@a/post/1", "text": "hello"},
    ),
    "instagram-comments": (
        "/api/instagram/comments/post",
        {"postUrl": "https://www.instagram.com/p/1/", "text": "hello"},
    ),
    "tiktok-comments": (
        "/api/tiktok/comments/post",
        {"postUrl": "https://www.tiktok.com/@a/video/1", "text": "hello"},
    ),
    "twitter-comments": (
        "/api/twitter/comments/post",
        {"postUrl": "https://x.com/a/status/1", "text": "hello"},
    ),
    "tiktok-dm": ("/api/tiktok/messages/send-to", {"username": "maria", "text": "hello"}),
    "linkedin-automation": (
        "/api/linkedin/messages/send-to",
        {"profileUrl": "https://www.linkedin.com/in/maria", "text": "hello"},
    ),
    "market-research": ("/api/research/twitter/search", {"query": "hello"}),
}


class Caller:
    """Calls the services as an honest client does, over real HTTP."""

    def __init__(self, simulator: SimulatorProcess, http: httpx.Client) -> None:
        self.simulator = simulator
        self.http = http

    def post(self, service: str, path: str, body: Any, **more: Any) -> httpx.Response:
        more.setdefault("headers", self.headers(service))
        return self.http.post(f"{self.simulator.url(service)}{path}", json=body, **more)

    def get(self, service: str, path: str) -> httpx.Response:
        return self.http.get(f"{self.simulator.url(service)}{path}", headers=self.headers(service))

    def send(self, service: str, **changes: Any) -> httpx.Response:
        path, body = SENDS[service]
        return self.post(service, path, {**body, **changes})

    def send_with(self, service: str, authorization: str | None) -> httpx.Response:
        path, body = SENDS[service]
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.post(service, path, body, headers=headers)

    @staticmethod
    def headers(service: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKENS[service]}"} if service in TOKENS else {}

    def play(self, service: str, behaviour: str, **more: Any) -> None:
        self.simulator.play({"rules": [{"service": service, "behaviour": behaviour, **more}]})

    def seen(self, kind: str | None = None) -> list[dict[str, Any]]:
        return [line for line in self.simulator.world() if kind in (None, line["kind"])]


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(one_safari=True) as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    nothing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading certificates takes a while
    with httpx.Client(timeout=CALL_SECONDS, trust_env=False, verify=nothing) as client:
        yield client


@pytest.fixture
def call(simulator: SimulatorProcess, http: httpx.Client) -> Caller:
    return Caller(simulator, http)
