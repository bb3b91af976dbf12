"""Commands as a person runs them, with the time that the whole process takes."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Final

from actp.errors import ActpError
from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["run", "run_agent"]

RUN_TIMEOUT_SECONDS: Final = 90.0


def run(environment: Mapping[str, str], *arguments: str, exit_code: int = 0) -> float:
    """Return the seconds a command takes; raises ActpError unless it ends as expected."""
    program, *rest = arguments
    began = perf_counter()
    done = subprocess.run(
        [PROJECT_ROOT / program, *rest],
        cwd=PROJECT_ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=RUN_TIMEOUT_SECONDS,
    )
    took = perf_counter() - began
    if done.returncode != exit_code:
        said = done.stderr.strip()[-300:]
        raise ActpError(f"{program} ended with {done.returncode}: {said}", remedy="Run it by hand.")
    return took


def run_agent(environment: Mapping[str, str], *flags: str, exit_code: int = 0) -> float:
    """Return the seconds that safari_cloud_agent.py takes."""
    return run(environment, sys.executable, "safari_cloud_agent.py", *flags, exit_code=exit_code)
