"""How long --health takes where all nine services hang."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from actp.errors import ExitCode
from actp.settings import SERVICE_SETTINGS
from tests.bench.figures import Figure, Quantity, median
from tests.bench.shell import run_agent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["measure"]

TARGET_SECONDS: Final = 3.0


def measure(stage: Stage, sizes: Sizes) -> Iterator[Figure]:
    """Let nine ports accept every connection and never say a word."""
    with ExitStack() as stack, stage.database() as database:
        urls = {}
        for stem in SERVICE_SETTINGS.values():
            silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            urls[f"{stem}_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = stage.environment({**database.environment, **urls})
        seconds = [
            run_agent(environment, "--health", exit_code=ExitCode.FAILED)
            for _ in range(sizes.starts)
        ]
    yield Figure(
        "--health with nine hanging services",
        Quantity(median(seconds), "s"),
        at_most=TARGET_SECONDS,
    )
