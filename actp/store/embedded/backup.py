"""Backups of the embedded database, with pg_dump and pg_restore."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from actp.errors import InvalidInput, StoreError, StoreUnavailable
from actp.store.embedded.binaries import ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from actp.store.embedded.cluster import Cluster

__all__ = ["dump", "load"]

COPY_TIMEOUT_SECONDS: Final = 3600


def dump(cluster: Cluster, path: Path) -> None:
    """Write a copy of the running database to a new file, for the owner alone.

    Raises InvalidInput for a file that exists; a copy that failed leaves none behind.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        with path.open("xb"), open(draft, "wb", opener=_private) as file:
            _run(cluster, ["pg_dump", "--format=custom", "--dbname", cluster.dsn], stdout=file)
            os.fsync(file.fileno())
        draft.replace(path)
    except FileExistsError:
        raise InvalidInput(f"{path} exists", remedy="Name a new file.") from None
    except BaseException:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise


def load(cluster: Cluster, path: Path) -> None:
    """Put a copy in place of what the running database holds, all or nothing."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", remedy="Name a backup.") from error
    with file:
        options = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error")
        _run(cluster, ["pg_restore", *options, "--dbname", cluster.dsn], stdin=file)


def _run(
    cluster: Cluster,
    command: list[str],
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> None:
    program, *arguments = command
    try:
        done = subprocess.run(
            [cluster.programs / program, *arguments],
            env=ENVIRONMENT,
            cwd="/",
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=COPY_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable(f"{program} took longer than {COPY_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise StoreError(f"{program} failed: {said[0]}", remedy="Nothing was changed.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
