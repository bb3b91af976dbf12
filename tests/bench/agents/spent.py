"""A script of an agent as its own process, with the time and the memory that it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actp.errors import ActpError
from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Spent", "spend"]

WEIGH: Final = Path(__file__).with_name("weigh.py")
# It ends the script automatically, earlier.
WEIGH_TIMEOUT_SECONDS: Final = 330.0


class Spent(NamedTuple):
    """What a whole process took, and what it answered with --json."""

    seconds: float
    mebibytes: float
    answer: Any


def spend(environment: Mapping[str, str], script: str, *flags: str) -> Spent:
    """Run a script to its end; raises ActpError unless it ends well."""
    done = subprocess.run(
        [sys.executable, "-IS", WEIGH, sys.executable, script, *flags, "--json"],
        cwd=PROJECT_ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
        timeout=WEIGH_TIMEOUT_SECONDS,
    )
    seconds, mebibytes, code = done.stderr.split()
    if code != "0":
        told = done.stdout.strip()[-300:]
        raise ActpError(f"{script} ended with {code}: {told}", remedy="Run it by hand.")
    return Spent(float(seconds), float(mebibytes), json.loads(done.stdout))
