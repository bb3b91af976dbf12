"""The folders of the embedded server's data and socket."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actp.store.embedded.account import Account

SYSTEM_DATA = Path("/var/lib/actp-worker")
SHORT_SOCKETS = Path("/tmp")  # noqa: S108  # short on every system; the folder in it is 0700

# sun_path holds 104 bytes on macOS and 108 on Linux, and the file name takes 20 of them.
MAX_SOCKET_FOLDER_BYTES = 80


@dataclass(frozen=True, slots=True)
class Location:
    """The folders of one cluster; ``note`` says why they are not where one would look."""

    base: Path
    sockets: Path
    note: str = ""

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """Return the log of the server."""
        return self.base / "postgres.log"

    @property
    def lock(self) -> Path:
        """Return the file that starters lock."""
        return self.base / "lock"


def locate(home: Path, account: Account) -> Location:
    """Return where the cluster of a home lies, the same for every process that asks.

    A server that cannot enter the home (root's, usually) has its data under /var/lib: we
    never open a folder that somebody closed.
    """
    home = home.expanduser().resolve()
    digest = hashlib.sha256(bytes(home)).hexdigest()[:12]
    base, note = home / "postgres", ""
    if not account.reaches(base):
        base = SYSTEM_DATA / digest
        note = f"the account of the server cannot enter {home}"
    return Location(base, _socket_folder(base, digest), note)


def _socket_folder(base: Path, digest: str) -> Path:
    folder = base / "s"
    # unix_socket_directories is a list, with commas between and quotes around.
    awkward = any(sign in str(folder) for sign in ',"')
    if awkward or len(bytes(folder)) > MAX_SOCKET_FOLDER_BYTES:
        return SHORT_SOCKETS / f"actp-postgres-{digest}"
    return folder
