"""Small scripts that stand for those of the domains, and the table that names them."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, Final

from actp.dispatch.agents import Command

if TYPE_CHECKING:
    from pathlib import Path

    from actp.dispatch.agents import Agents

ROOT_LINE: Final = "import json, os, sys, signal, subprocess\n"
SCRIPTS: Final = {
    "good.py": """
        print(json.dumps({"headline": "12 scored", "scored": 12, "argv": sys.argv[1:]}))
    """,
    "bad.py": """
        sys.stderr.write("bad.py: the service is down\\n  Start it.\\n")
        sys.exit(69)
    """,
    "partial.py": """
        print(json.dumps({"ok": False, "error": "one platform of two failed"}))
        sys.exit(1)
    """,
    "talkative.py": """
        print("key", os.environ["ANTHROPIC_API_KEY"])
        print("x" * 1_000_000)
        print("the end \\x00")
    """,
    "waits.py": """
        from actp.dispatch.parent import follow
        follow()
        child = subprocess.Popen(["sleep", "600"])
        with open(FOLDER + "/pids", "w") as pids:
            pids.write(f"{os.getpid()} {child.pid}\\n")
        with open(FOLDER + "/gate") as gate:
            gate.read()
        print(json.dumps({"headline": "let through"}))
        child.kill()
    """,
    "killed.py": """
        os.kill(os.getpid(), signal.SIGKILL)
    """,
}
TASKS: Final[Agents] = {
    "prospect": {
        "score-all": Command("good.py", "--score-all"),
        "score": Command("good.py", "--score", value="id"),
    },
    "trends": {"detect": Command("bad.py", "--trends")},
    "creators": {"sync": Command("partial.py", "--research", bare="--market-sync")},
    "outreach": {"send": Command("waits.py", "--send")},
    "youtube": {"analyze": Command("waits.py", "--analyze", timeout_seconds=0.3)},
    "scheduler": {"optimize": Command("killed.py", "--optimize")},
    "content-mix": {"gaps": Command("nowhere.py", "--gaps")},
    "remotion": {"pipeline": Command("talkative.py", "--pipeline")},
}


def write_scripts(folder: Path, root: Path) -> None:
    """Write them all; ``waits.py`` leaves its pids, and goes on once its gate is opened."""
    for name, body in SCRIPTS.items():
        head = f"{ROOT_LINE}sys.path.insert(0, {str(root)!r})\nFOLDER = {str(folder)!r}\n"
        (folder / name).write_text(head + textwrap.dedent(body))
    os.mkfifo(folder / "gate")
