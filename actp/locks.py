"""Locks that a dead process cannot keep: one file each, held with flock."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import stat
import time
import uuid
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from actp.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["FileLock", "PortLock", "host_key", "is_held", "make_lock_dir"]

# A look at a lock takes it for a moment; only a lock that stays taken is refused.
ACQUIRE_ATTEMPTS: Final = 5
ACQUIRE_PAUSE_SECONDS: Final = 0.002


class FileLock:
    """An exclusive lock on a file, released by ``release`` or by the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock and return whether that worked; never waits for its owner."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(ACQUIRE_ATTEMPTS):
            if attempt:
                time.sleep(ACQUIRE_PAUSE_SECONDS)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def release(self) -> None:
        """Give the lock back; the file stays, for removing it would race with a taker."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        """Return itself; the lock is taken by ``acquire``, whose answer must be read."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self.release()


class PortLock(FileLock):
    """The right of one process on this host to drive the service at an address."""

    def __init__(self, lock_dir: Path, address: str) -> None:
        make_lock_dir(lock_dir)
        super().__init__(_port_path(lock_dir, address))


def is_held(lock_dir: Path, address: str) -> bool:
    """Return whether any process holds the lock of a service's address."""
    return is_file_locked(_port_path(lock_dir, address))


def is_file_locked(path: Path) -> bool:
    """Return whether any process holds the lock on a file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def make_lock_dir(lock_dir: Path) -> None:
    """Make the folder for one user alone; raises SettingsError where others may write to it."""
    lock_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = lock_dir.stat()
    if found.st_uid != os.geteuid():
        raise SettingsError(
            f"the lock folder {lock_dir} belongs to another user",
            remedy="Set ACTP_LOCK_DIR to a folder of your own.",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(
            f"others may write to the lock folder {lock_dir}",
            remedy=f"Run chmod 700 {lock_dir}, or set ACTP_LOCK_DIR.",
        )


def _port_path(lock_dir: Path, address: str) -> Path:
    parts = urlsplit(address if "//" in address else f"//{address}")
    host = parts.hostname or address
    host = "127.0.0.1" if host in {"localhost", "::1"} else host
    place = (
        f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}{parts.path.rstrip('/')}"
    )
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", place)[:60]
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return lock_dir / f"port-{readable}-{digest}.lock"


def host_key(lock_dir: Path) -> str:
    """Return what names this host and user in the database, made once and kept in the folder.

    A name of the network would change when a laptop moves.
    """
    make_lock_dir(lock_dir)
    path = lock_dir / "host-id"
    if not path.exists():
        made = uuid.uuid4().hex
        draft = lock_dir / f"host-id-{made}"
        draft.write_text(made, encoding="ascii")
        # A link appears with its whole content, and the first one stays.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii")
