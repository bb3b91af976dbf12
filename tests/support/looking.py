"""A transport of each service that looks before it sends, on the simulator."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from actp.safari.catalogue import SERVICES
from actp.safari.commands import parse_command
from actp.safari.front import Front
from actp.safari.outcomes import Outcome
from actp.safari.transport import HttpTransport, TransportOptions
from tests.support.osascript import path_with_osascript

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from actp.safari.commands import Command
    from simulator.process import SimulatorProcess

__all__ = ["commands_of", "looked", "transport"]

# Another person or post each time, so that no page is there already.
NAMES = ("ada", "eve", "kim", "zoe", "bob")
_POSTS = {
    "instagram": "https://www.instagram.com/p/C{n}abc/",
    "threads": "https://www.threads.com/@{name}/post/C{n}abc",
    "tiktok": "https://www.tiktok.com/@{name}/video/730{n}",
    "twitter": "https://x.com/{name}/status/17{n}",
}


def commands_of(service: str) -> Iterator[Command]:
    """Yield commands of a service, each for another person."""
    platform, _, kind = service.partition("-")
    for number, name in enumerate(NAMES):
        params = {"text": f"Hello {name}"}
        if kind == "comments":
            params["postUrl"] = _POSTS[platform].format(n=number, name=name)
        elif platform == "linkedin":
            params["profileUrl"] = f"https://www.linkedin.com/in/{name}/"
        else:
            params["username"] = name
        action = "comment" if kind == "comments" else "send_dm"
        row = {"id": str(number), "action": action, "platform": platform, "params": params}
        yield parse_command(row)


@contextmanager
def transport(  # noqa: PLR0913  what a worker's own has
    service: str,
    simulator: SimulatorProcess,
    folder: Path,
    *,
    is_looking: bool = True,
    logins: Mapping[str, str] | None = None,
    time_scale: float = 1.0,
) -> Iterator[HttpTransport]:
    """Give the transport of a service on a Mac, as a worker has it."""
    path = path_with_osascript(simulator, folder)
    made = SERVICES[service]
    opened = HttpTransport(
        made,
        url=simulator.url(service),
        token=None if made.default_bearer is None else SecretStr(made.default_bearer),
        options=TransportOptions(
            front=Front(environ={**os.environ, "PATH": path}),
            is_looking=is_looking,
            logins=logins or {},
            time_scale=time_scale,
        ),
    )
    try:
        yield opened
    finally:
        opened.close()


def looked(opened: HttpTransport, command: Command) -> Command:
    """Look as a worker does, and return the command; fail where it could not be sent."""
    found = opened.look(command)
    assert not isinstance(found, Outcome), found
    return found
