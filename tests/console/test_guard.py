"""Who is let in, and what is refused before it has any effect."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from starlette.responses import HTMLResponse
from uvicorn.server import ServerState

from actp.cli.main import run
from actp.errors import ExitCode
from actp.tls import certificates
from console.doors import LINK_SECONDS, SESSION_SECONDS, Doors
from console.forms import ACTIONS
from console.guard import Guard
from console.link import console
from console.serve import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.datastructures import Headers
    from starlette.types import ASGIApp

    from console.guard import Refusal
    from tests.console.conftest import Served


def test_a_link_opens_one_session(served: Served) -> None:
    link = served.doors.new_link()
    with httpx.Client(base_url=served.url) as browser:
        assert browser.get("/").status_code == 403
        answer = browser.get("/enter", params={"link": link})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert browser.get("/").status_code == 200
    with httpx.Client(base_url=served.url) as thief:
        assert thief.get("/enter", params={"link": link}).status_code == 403
        assert thief.get("/").status_code == 403
    assert link not in (served.home / "console.log").read_text()
    assert link not in "".join(path.name for path in served.home.rglob("*"))


def age(folder: Path, seconds: float) -> None:
    """Make everything that was issued there older."""
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        issued_at = path.stat().st_mtime - seconds
        os.utime(path, (issued_at, issued_at))


def hang_up(listener: socket.socket) -> None:
    listener.accept()[0].close()


def test_the_command_gives_a_link_to_a_console_and_to_no_other_program(
    guarded: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in guarded.environment.items():
        monkeypatch.setenv(name, value)
    assert run(console, [], "bin/console") == ExitCode.OK
    link = capsys.readouterr().out.split()[1]
    assert httpx.get(link).headers["location"] == "/"
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=hang_up, args=[other]).start()
        flags = ["--port", str(other.getsockname()[1])]
        assert run(console, flags, "bin/console") == ExitCode.WRONG_STATE
    said = capsys.readouterr()
    assert "taken by another program" in said.err
    assert "link=" not in said.out


def test_links_and_sessions_end(tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    link, late = doors.new_link(), doors.new_link()
    session = doors.enter(link)
    assert session is not None
    assert doors.is_open(session)
    assert not doors.is_open("")
    assert not doors.is_open("x" * 10_000)
    assert not doors.is_open("../../etc/passwd")
    age(tmp_path, LINK_SECONDS + 1)
    assert doors.enter(late) is None
    assert doors.is_open(session)
    age(tmp_path, SESSION_SECONDS)
    assert not doors.is_open(session)
    left = doors.enter(doors.new_link())
    assert left is not None
    assert doors.is_open(left)
    doors.leave(left)
    assert not doors.is_open(left)


ELSEWHERE = {"Origin": "http://evil.example"}
CROSS = {"Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 400),
        ("GET", {"Host": "127.0.0.1"}, 400),
        ("GET", {"Host": "127.0.0.1:1"}, 400),
        ("GET", {"Host": "localhost.evil:{port}"}, 400),
        ("GET", {"Host": "127.0.0.1.nip.io:{port}"}, 400),
        ("GET", {"Host": "localhost.:{port}"}, 400),
        ("GET", {"Host": "127.1:{port}"}, 400),
        ("GET", {"Host": "[::1]"}, 400),
        ("GET", {"Host": "[::1]:{port}"}, 200),
        ("GET", {"Host": "LOCALHOST:{port}"}, 200),
        ("GET", ELSEWHERE, 403),
        ("GET", CROSS, 403),
        ("GET", {**CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ("GET", {**CROSS, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ("GET", {"Sec-Fetch-Site": "same-site"}, 403),
        ("PUT", {}, 405),
        ("DELETE", {}, 405),
        ("OPTIONS", {}, 405),
        ("TRACE", {}, 405),
        ("POST", {}, 403),
        ("POST", ELSEWHERE, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Origin": "https://127.0.0.1:{port}"}, 403),
        ("POST", {"Origin": "http://localhost:{port}"}, 403),
        ("POST", {"Origin": "http://127.0.0.1:1"}, 403),
        ("POST", {"Origin": "{own}", "Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Origin": "{own}", "Content-Type": "multipart/form-data; boundary=x"}, 415),
        ("PATCH", {}, 405),
        ("CONNECT", {}, 405),
        ("POST", {"Origin": "{own}", **CROSS}, 403),
        ("POST", {"Origin": "{own}", "Sec-Fetch-Site": "none"}, 403),
        ("POST", {"Origin": "{own}", "Host": "evil.example"}, 400),
        ("POST", {"Origin": "{own}", "Content-Type": "text/plain"}, 415),
        ("POST", {"Origin": "{own}", "Content-Type": "application/json"}, 415),
        ("POST", {"Origin": "{own}", "Cookie": "{cookie}forged"}, 403),
        ("POST", {"Origin": "{own}", "Cookie": ""}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/act/pause", "/x/../act/pause", "//act/pause"])
def test_what_does_not_come_from_the_console_has_no_effect(
    guarded: Served, method: str, headers: dict[str, str], status: int, path: str
) -> None:
    own = guarded.url
    sent = {
        "Cookie": guarded.cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        **{
            name: value.format(own=own, port=guarded.port, cookie=guarded.cookie)
            for name, value in headers.items()
        },
    }
    body = b"platform=all" if method == "POST" else b""
    with httpx.Client(base_url=own, timeout=30, verify=certificates()) as client:
        request = client.build_request(
            method, "/" if method == "GET" else "/act/pause", headers=sent, content=body
        )
        if method != "GET":
            request.url = request.url.copy_with(raw_path=path.encode())
        assert client.send(request).status_code == status
    assert guarded.database.store.call("safari_status")["pauses"] == []


def raw(served: Served, *headers: str, seconds: float = 30) -> str:
    """Send a form with these headers as they stand, and return the first line of the answer.

    Where none comes within ``seconds``, it is empty.
    """
    port = served.port
    lines = (
        "POST /act/pause HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Cookie: {served.cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        "Connection: close",
        *(header.replace("{own}", served.url) for header in headers),
    )
    with (
        socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection,
        suppress(TimeoutError),
    ):
        connection.sendall("\r\n".join((*lines, "", "platform=all")).encode())
        return connection.makefile("rb").readline().decode()
    return ""


def test_headers_that_say_two_things_are_refused(guarded: Served) -> None:
    sent = ("Origin: {own}", "Content-Length: 12")
    evil, chunked = "Origin: http://evil.example", "Transfer-Encoding: chunked"
    assert " 403 " in raw(guarded, *sent, evil)
    assert " 403 " in raw(guarded, evil, *sent)
    assert " 403 " in raw(
        guarded, *sent, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"
    )
    assert " 4" in raw(guarded, *sent, chunked)
    assert " 4" in raw(guarded, *sent, "Content-Length: 3")
    assert " 4" in raw(guarded, *sent, "Host: evil.example")
    assert guarded.database.store.call("safari_status")["pauses"] == []


def test_a_nul_is_a_bad_request_and_a_page_that_closes_is_no_error(guarded: Served) -> None:
    addresses = ("/commands/%00", "/commands?to=%00", "/people?find=a%00", "/review?contains=%00")
    for address in addresses:
        assert guarded.client.get(address).status_code == 400, address
    assert guarded.post("/act/pause", platform="all", note="\0").status_code == 400
    # It closes before its form is whole; the fixture sees to it that nothing is logged as an error.
    assert raw(guarded, "Origin: {own}", "Content-Length: 99", seconds=0.1) == ""
    assert guarded.client.get("/limits").status_code == 200


def test_a_form_that_is_too_large_or_of_unknown_length_is_refused(served: Served) -> None:
    origin = {"Origin": served.url, "Content-Type": "application/x-www-form-urlencoded"}
    large = b"platform=all&note=" + b"x" * 70_000
    assert served.client.post("/act/pause", content=large, headers=origin).status_code == 413
    chunks = iter([b"platform=all"])
    assert served.client.post("/act/pause", content=chunks, headers=origin).status_code == 413
    assert served.database.store.call("safari_status")["pauses"] == []


def test_a_read_only_console_refuses_every_action_and_has_no_button(shown: Served) -> None:
    command = shown.life.enqueue()
    for action in (*ACTIONS, "nothing"):
        assert shown.post(f"/act/{action}", id=command, platform="all").status_code == 403
    for path in ("/enqueue", "/campaigns/new"):
        assert shown.post(path, action="send_dm").status_code == 403
    assert shown.life.state(command)[0] == "pending"
    for page in (
        "/",
        "/commands",
        f"/commands/{command}",
        "/limits",
        "/unknown",
        "/campaigns",
        "/people",
        "/people/twitter:ada",
        "/enqueue",
        "/campaigns/new",
        "/inbox",
        "/review",
    ):
        assert 'method="post"' not in shown.client.get(page).text


def test_every_answer_carries_the_rules_for_the_browser(served: Served) -> None:
    for path in ("/", "/nowhere", "/static/console.css", "/commands/no-id", "/enter"):
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers
    assert served.client.get("/static/../guard.py").status_code == 404
    assert served.client.get("/static/%2e%2e/guard.py").status_code == 404


def test_a_console_on_the_port_of_http_is_reached_without_a_port(tmp_path: Path) -> None:
    answers: list[int] = []

    def refused(refusal: Refusal, _: Headers) -> ASGIApp:
        answers.append(refusal.status)
        return HTMLResponse("", refusal.status)

    for port, host in ((80, "127.0.0.1"), (8700, "127.0.0.1:8700"), (8700, "127.0.0.1")):
        guard = Guard(
            HTMLResponse("page"), port=port, doors=Doors(tmp_path), may_write=True, refused=refused
        )
        transport = httpx.ASGITransport(guard)

        async def ask(transport: httpx.ASGITransport = transport, host: str = host) -> None:
            async with httpx.AsyncClient(transport=transport) as client:
                await client.get("http://127.0.0.1/", headers={"Host": host})

        asyncio.run(ask())
    # Both right names come as far as the session.
    assert answers == [403, 403, 400]


class HastyConnection(Connection):
    """Waits for a request no longer than the loop takes to look."""

    first_request_seconds = 0.0


def test_a_connection_without_a_request_is_closed() -> None:
    config = uvicorn.Config(HTMLResponse("a page"), lifespan="off")
    config.load()
    state = ServerState()
    made: list[Connection] = []

    def patient() -> Connection:
        made.append(Connection(config, state, {}))
        return made[-1]

    async def connect() -> None:
        listen = asyncio.get_running_loop().create_server
        async with await listen(patient, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            answers, requests = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                requests.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                await answers.readuntil(b"a page")
                made[0].close_if_unused()
            requests.close()
        hasty = await listen(lambda: HastyConnection(config, state, {}), "127.0.0.1", 0)
        async with hasty:
            port = hasty.sockets[0].getsockname()[1]
            answers, silent = await asyncio.open_connection("127.0.0.1", port)
            assert await answers.read() == b""
            silent.close()

    asyncio.run(connect())
