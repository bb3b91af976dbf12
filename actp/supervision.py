"""A client for this host's supervisord."""

from __future__ import annotations

import socket
import xmlrpc.client
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final

from actp.errors import ActpError, WrongState

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Process", "Supervisor", "TreeStopping"]

# supervisord answers everything at once, unless it is asked to wait for a process.
ANSWER_TIMEOUT_SECONDS: Final = 5.0
SHUTDOWN_STATE: Final = 6  # the fault with which it answers everything while it stops


class TreeStopping(WrongState):
    """Raised where supervisord answers only that it is ending everything."""


@dataclass(frozen=True, slots=True)
class Process:
    """What supervisord knows of one process; ``pid`` is 0 when there is none."""

    group: str
    name: str
    state: str
    pid: int
    description: str

    @property
    def full_name(self) -> str:
        """Return the name under which it is started and stopped."""
        return f"{self.group}:{self.name}"


@dataclass(frozen=True, slots=True)
class Supervisor:
    """supervisord behind a socket; raises WrongState where nobody answers."""

    address: Path
    answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS

    def is_up(self) -> bool:
        """Return whether it answers, be it that it is stopping."""
        try:
            self._ask("supervisor.getState")
        except TreeStopping:
            return True
        except WrongState:
            return False
        return True

    def pid(self) -> int:
        """Return its process number."""
        return int(self._ask("supervisor.getPID"))

    def shut_down(self) -> None:
        """Ask it to end everything in order; returns at once."""
        self._ask("supervisor.shutdown")

    def processes(self) -> list[Process]:
        """Return every process of the tree, in the order of its configuration."""
        return [
            Process(
                said["group"], said["name"], said["statename"], said["pid"], said["description"]
            )
            for said in self._ask("supervisor.getAllProcessInfo")
        ]

    def start(self, name: str) -> None:
        """Start a process; returns at once."""
        self._ask("supervisor.startProcess", name, False)

    def stop(self, name: str) -> None:
        """Have a process ended, by force when its time is over; returns at once."""
        self._ask("supervisor.stopProcess", name, False)

    def _ask(self, method: str, *arguments: str | bool) -> Any:
        transport = _Transport(self.address, self.answer_timeout_seconds)
        try:
            with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as proxy:
                return getattr(proxy, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == SHUTDOWN_STATE:
                raise TreeStopping(
                    "the tree is stopping: requests in flight finish first",
                    remedy="Wait until bin/down has ended, then try again.",
                ) from fault
            raise ActpError(f"supervisord refused {method}: {fault.faultString}") from fault
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise WrongState("the tree is down", remedy="bin/up starts it.") from error


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__()
        self._path = path
        self._timeout_seconds = timeout_seconds

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _Connection(self._path, self._timeout_seconds)
        # Where the base class looks for what it is to close.
        self._connection = host, connection
        return connection


class _Connection(HTTPConnection):
    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
