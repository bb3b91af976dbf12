"""On what the figures were measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from tests.bench.sizes import Sizes
    from tests.bench.stage import Stage

__all__ = ["describe"]

PACKAGES: Final = ("psycopg", "httpx", "pykka", "procrastinate", "pgqueuer")
GIT_TIMEOUT_SECONDS: Final = 10
GIB_BYTES: Final = 1024**3


def describe(stage: Stage, sizes: Sizes) -> str:
    """Return machine, versions, date and sizes as a markdown list."""
    with stage.database() as database, database.connect() as connection:
        row = connection.execute(
            "select current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit')"
        ).fetchone()
    server, fsync, commit = row or ("?", "?", "?")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB_BYTES
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"""\
- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}
- machine: {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs ({_processor()}), \
{memory:.0f} GiB; load at the end {load}
- Python {platform.python_version()}, {packages}
- PostgreSQL {server} (embedded), fsync {fsync}, synchronous_commit {commit}
- sizes: {sizes.drained_commands} commands drained, {sizes.drain_rounds} rounds, \
{sizes.pickups} pickups, {sizes.claims} claims, {sizes.starts} starts, \
{sizes.idle_seconds:g} s idle"""


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=GIT_TIMEOUT_SECONDS,
    )
    return said.stdout.strip() or "unknown"
