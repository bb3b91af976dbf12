"""Locks that a dead process cannot keep: one file each, held with flock."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import stat
import time
import uuid
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from actp.checkout import PROJECT_ROOT
from actp.errors import ActpError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["FileLock", "PortLock", "host_key", "make_private_folder", "owner_of"]

# A look at a lock takes it for a moment; only a lock that stays taken is refused.
ACQUIRE_ATTEMPTS: Final = 5
ACQUIRE_PAUSE_SECONDS: Final = 0.002
_HOST_KEY: Final = re.compile(r"[0-9a-f]{32}")


class FileLock:
    """An exclusive lock on a file, released by ``release`` or by the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock and return whether that worked; never waits for its owner."""
        if self._descriptor is not None:
            return True
        descriptor = _opened(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
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
        make_private_folder(lock_dir)
        super().__init__(_port_path(lock_dir, address))

    def acquire(self) -> bool:
        """Take the lock and write into its file which process has it, for ``owner_of``."""
        is_new = self._descriptor is None
        if super().acquire() and is_new and self._descriptor is not None:
            owner = f"pid {os.getpid()} of {PROJECT_ROOT}".encode()
            with contextlib.suppress(OSError):  # a full disk
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, owner, 0)
        return self._descriptor is not None


def owner_of(lock_dir: Path, address: str) -> str | None:
    """Return which process holds the lock of a service's address; None where none does."""
    path = _port_path(lock_dir, address)
    if not is_file_locked(path):
        return None
    return path.read_text(encoding="utf-8", errors="replace") or f"see lsof {path}"


def is_file_locked(path: Path) -> bool:
    """Return whether any process holds the lock on a file."""
    try:
        descriptor = _opened(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _opened(path: Path, flags: int) -> int:
    """Return a descriptor of a lock's file; raises SettingsError where it is another user's."""
    try:
        return os.open(path, flags, 0o600)
    except PermissionError as error:
        raise SettingsError(
            f"{path} cannot be opened: {error.strerror}",
            remedy="Change its folder to belong to this user, or set ACTP_LOCK_DIR.",
        ) from error


def make_private_folder(folder: Path, setting: str = "ACTP_LOCK_DIR") -> None:
    """Make a folder for one user alone; raises SettingsError where others may write to it.

    ``setting`` is the one that names another folder.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise SettingsError(
            f"the folder {folder} cannot be created: {error.strerror}",
            remedy=f"Set {setting} to a folder that you own.",
        ) from error
    if found.st_uid != os.geteuid():
        raise SettingsError(
            f"the folder {folder} belongs to another user",
            remedy=f"Set {setting} to a folder that you own.",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(
            f"other users can write to the folder {folder}",
            remedy=f"Run chmod 700 {shlex.quote(str(folder))}, or set {setting}.",
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
    make_private_folder(lock_dir)
    path = lock_dir / "host-id"
    folder = os.open(lock_dir, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # held for the moment that a file takes
        if not _HOST_KEY.fullmatch(_content(path)):
            draft = path.with_name("host-id.new")
            draft.write_text(uuid.uuid4().hex, encoding="ascii")
            draft.replace(path)
        return _content(path)
    except OSError as error:
        raise ActpError(
            f"{path} cannot be written: {error.strerror}",
            remedy="Free some space, or set ACTP_LOCK_DIR to a writable folder.",
        ) from error
    finally:
        os.close(folder)


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
