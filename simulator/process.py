"""The simulator as its own process, for tests and the demo."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from simulator.catalogue import CONTROL, ports

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["SimulatorFailed", "SimulatorProcess", "free_port_base"]

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
CONTROL_SECONDS = 20.0
WAIT_SECONDS = 40.0
HOST = "127.0.0.1"
PORTS_NEEDED = len(ports())
PORTS_IN_A_ROW = 16
SHARES = 16
# Below the ephemeral ports of Linux and macOS, so that no outgoing connection takes them.
LOWEST_PORT, HIGHEST_PORT = 12_000, 32_000
ATTEMPTS = 200
EXIT_PORT_TAKEN = 75
EFFECTS = ("dm", "comment", "tweet", "publish")
REPOSITORY = Path(__file__).resolve().parent.parent


class SimulatorFailed(Exception):
    """Raised when the simulator does not start or refuses an order."""


def free_port_base() -> int:
    """Find as many ports in a row as are needed that nothing listens on now."""
    dice = random.Random(os.getpid() ^ time.monotonic_ns())
    rows = (HIGHEST_PORT - LOWEST_PORT) // PORTS_IN_A_ROW
    for _ in range(ATTEMPTS):
        # Ports are found now and taken later: each process looks at other rows.
        row = dice.randrange(rows // SHARES) * SHARES + os.getpid() % SHARES
        base = LOWEST_PORT + row * PORTS_IN_A_ROW
        if all(_is_free(base + offset) for offset in range(PORTS_NEEDED)):
            return base
    raise SimulatorFailed(f"found no {PORTS_NEEDED} free ports in a row")


class SimulatorProcess:
    """Starts ``python -m simulator`` and stops it with SIGTERM at the end of the block.

    Without a port base it takes free ports. It ends automatically should the starting process die.
    """

    def __init__(  # noqa: PLR0913  the flags of the command
        self,
        *,
        port_base: int | None = None,
        scenario: dict[str, Any] | None = None,
        world_path: Path | None = None,
        latency_ms: float = 0.0,
        one_safari: bool = False,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        self._given_base = port_base
        self._scenario = scenario
        self._folder = tempfile.TemporaryDirectory(prefix="simulator-")
        self.world_path = world_path or Path(self._folder.name) / "world.jsonl"
        self._latency_ms = latency_ms
        self._one_safari = one_safari
        self._ready_seconds = ready_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}
        # An empty TLS context: all is plain HTTP, and loading certificates takes a while.
        nothing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._control = httpx.Client(timeout=CONTROL_SECONDS, trust_env=False, verify=nothing)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> Self:
        """Start it, again after a kill, and wait until all services listen."""
        base = self._given_base or free_port_base()
        while not self._started(base):
            if self._given_base is not None:
                raise SimulatorFailed(f"ports {base} to {base + PORTS_NEEDED - 1} are taken")
            base = free_port_base()
        self._given_base = base
        return self

    @property
    def port_base(self) -> int:
        """Give the port of the first service."""
        if self._given_base is None:
            raise SimulatorFailed("the simulator has not been started")
        return self._given_base

    @property
    def pid(self) -> int:
        """Give the id of the process."""
        if self._process is None:
            raise SimulatorFailed("the simulator has not been started")
        return self._process.pid

    def url(self, service: str) -> str:
        """Give the address of a service, without a slash at the end."""
        return f"http://{HOST}:{self._ports[service]}"

    def world(self) -> list[dict[str, Any]]:
        """Read everything in the world log; works after a kill too."""
        if not self.world_path.exists():
            return []
        return [json.loads(line) for line in self.world_path.read_bytes().splitlines()]

    def effects(self, service: str | None = None) -> list[dict[str, Any]]:
        """Read what people saw: DMs, comments, tweets and posts."""
        return [
            line
            for line in self.world()
            if line["kind"] in EFFECTS and service in (None, line["service"])
        ]

    def play(self, scenario: dict[str, Any]) -> None:
        """Replace rules and settings."""
        self._order("/scenario", scenario)

    def safari(self, **changes: Any) -> None:
        """Change how Safari is laid out, such as ``running=False`` or ``front="twitter-dm"``."""
        self._order("/safari", changes)

    def tabs(self) -> dict[str, Any]:
        """Read the windows, tabs and claims."""
        answer: dict[str, Any] = self._control.get(f"{self.url(CONTROL)}/safari").json()
        return answer

    def requests(self, service: str) -> list[str]:
        """Read what a service was asked, oldest first, such as ``GET /health``."""
        return [request for name, request in self.ask("/requests") if name == service]

    def messages(self) -> list[str]:
        """Read what was sent by Telegram, as its reader sees it."""
        return [line["text"] for line in self.world() if line["kind"] == "telegram"]

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask a control route, with a body by POST, and return its JSON."""
        url = f"{self.url(CONTROL)}{path}"
        answer = self._control.get(url) if body is None else self._control.post(url, json=body)
        if answer.status_code != httpx.codes.OK:
            raise SimulatorFailed(answer.text)
        return answer.json()

    def down(self, service: str) -> None:
        """Make a service, or a neighbour such as telegram, refuse connections."""
        self._order(f"/services/{service}/down")

    def up(self, service: str) -> None:
        """Make a service listen again."""
        self._order(f"/services/{service}/up")

    def crash(self, service: str) -> None:
        """Kill a service; it restarts after its ``restart_after_seconds``."""
        self._order(f"/services/{service}/crash")

    def receive(self, service: str, handle: str, text: str, *, dated: bool = True) -> None:
        """Let somebody write to us; real inboxes show no date."""
        body = {"handle": handle, "text": text, "dated": dated}
        self._order(f"/services/{service}/inbox", body)

    def wait_for(self, seconds: float = WAIT_SECONDS, **wanted: str | int) -> None:
        """Wait until all of this holds; raises SimulatorFailed when the time is over.

        ``effects=N`` lines in the world log, ``used=N`` requests decided by rules, ``up=NAME``,
        ``down=NAME``, ``quiet=NAME``: nothing goes on behind the answers of that service.
        """
        answer = self._control.get(
            f"{self.url(CONTROL)}/wait",
            params={**wanted, "seconds": seconds},
            timeout=seconds + CONTROL_SECONDS,
        )
        if answer.status_code != httpx.codes.OK:
            raise SimulatorFailed(answer.text)

    def release(self) -> None:
        """Let the requests act that a rule holds."""
        self._order("/release")

    def usage(self) -> list[dict[str, int]]:
        """Tell, in the order of the rules, how many requests each met and decided."""
        answer = self._control.get(f"{self.url(CONTROL)}/scenario")
        usage: list[dict[str, int]] = answer.json()["usage"]
        return usage

    def reset(self) -> None:
        """Return to the scenario of the start, with an empty world."""
        self._order("/reset")

    def kill(self) -> None:
        """Kill it without a chance to tidy up."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._reap(self._process)

    def stop(self) -> int:
        """Stop it with SIGTERM and give its exit code."""
        process = self._process
        if process is None:
            raise SimulatorFailed("the simulator has not been started")
        if process.poll() is None:
            process.terminate()
        return self._reap(process)

    def close(self) -> None:
        """Stop it, if it runs, and remove what it left."""
        if self._process is not None:
            self.stop()
        self._control.close()
        self._folder.cleanup()

    def _started(self, base: int) -> bool:
        command = [sys.executable, "-m", "simulator", "--until-stdin-closes"]
        command += ["--port-base", str(base), "--world", str(self.world_path)]
        command += ["--latency-ms", str(self._latency_ms)]
        if self._scenario is not None:
            path = Path(self._folder.name) / "scenario.json"
            path.write_text(json.dumps(self._scenario))
            command += ["--scenario", str(path)]
        if self._one_safari:
            command += ["--one-safari"]
        # Ctrl-C reaches every process of a terminal's group; this one is ended by whom it serves.
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        if _says_ready(process, self._ready_seconds):
            self._process = process
            self._ports = ports(base)
            return True
        if process.poll() is None:
            process.kill()
        code = self._reap(process)
        if code == EXIT_PORT_TAKEN:
            return False
        raise SimulatorFailed(f"the simulator was not ready; exit code {code}, see its stderr")

    def _order(self, path: str, body: dict[str, Any] | None = None) -> None:
        answer = self._control.post(f"{self.url(CONTROL)}{path}", json=body or {})
        if answer.status_code != httpx.codes.OK:
            raise SimulatorFailed(answer.text)

    @staticmethod
    def _reap(process: subprocess.Popen[bytes]) -> int:
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait(STOP_SECONDS)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return code


def _says_ready(process: subprocess.Popen[bytes], seconds: float) -> bool:
    pipe = process.stdout
    if pipe is None:
        return False
    deadline = time.monotonic() + seconds
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left)[0]:
            return False
        chunk = os.read(pipe.fileno(), 4096)
        said += chunk
        if said.endswith(b"ready\n"):
            return True
        if not chunk:
            process.wait(STOP_SECONDS)
            return False
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
