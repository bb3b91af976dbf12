"""actp-worker as an installed package: the folders of its repository under one import root.

Inside, the code imports ``actp``, ``actors`` and ``metrics`` as it does in a checkout; only this
package is visible to others in the environment that it is installed into.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent


def main() -> int:
    """Run one command line; programs that it starts find the same folders."""
    sys.path.insert(0, str(ROOT))
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([inherited] if inherited else [])])
    from actp import launch  # noqa: PLC0415 - found now that its folder is known

    launch.end_on_interrupt()
    launch.collect_seldom()
    from actp.cli.main import main as run  # noqa: PLC0415

    return run(sys.argv[1:])
