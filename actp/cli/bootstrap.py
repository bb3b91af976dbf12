"""Re-executes a script in a Python that has the required packages; imports none of them."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from actp.dispatch.parent import follow
from actp.launch import collect_seldom, end_on_interrupt

ROOT = Path(__file__).resolve().parents[2]
MINIMUM_PYTHON = (3, 11)
PACKAGES = ("click", "httpx", "psycopg", "pydantic", "pykka", "rich")
EXIT_CONFIG = 78  # ExitCode.CONFIG, whose module an old Python cannot read


def ensure_packages(script: str, root: Path = ROOT) -> None:
    """Return if the packages are here, else start the script anew with the project's own Python.

    Exits with a hint where the project has not been set up. Where the script is imported by another
    program it raises ImportError instead, as that program is not ours to replace. A script that a
    dispatcher started ends with it from here on.
    """
    missing = _missing()
    if not missing:
        if _is_program(script):
            end_on_interrupt()
            collect_seldom()
        follow()
        return
    if not _is_program(script):
        raise ImportError(
            f"{Path(script).name}: this Python lacks {', '.join(missing)}; import it from"
            f" {root / '.venv' / 'bin' / 'python'}, which bin/setup makes"
        )
    python = root / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != python.parents[1].resolve():
        arguments = [str(python), str(Path(script).resolve()), *sys.argv[1:]]
        os.execv(arguments[0], arguments)  # noqa: S606  # the same script in another Python
    sys.stderr.write(
        f"{Path(script).name}: this Python lacks {', '.join(missing)}\n"
        f"  Run {root / 'bin' / 'setup'} once, then start it again.\n"
    )
    sys.exit(EXIT_CONFIG)


def _is_program(script: str) -> bool:
    """Return whether Python was started with the script, and did not import it."""
    started = getattr(sys.modules.get("__main__"), "__file__", None)
    return started is not None and Path(started).resolve() == Path(script).resolve()


def _missing() -> list[str]:
    if sys.version_info < MINIMUM_PYTHON:
        return ["version 3.11"]
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]
