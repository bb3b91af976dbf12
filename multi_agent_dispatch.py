#!/usr/bin/env python3
"""The dispatcher of the domain agents: runs their tasks, one at a time, and logs each run."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.cli.agents.dispatch import main  # noqa: E402  # now that what it imports is known to be here
from actp.dispatch import agents  # noqa: E402

__all__ = ["AGENTS", "DOMAIN_MODULES", "main"]

# The table as other programs read it: {domain: {task: (script, flags)}}.
AGENTS = {
    domain: {
        task: (command.script, [command.flag, *command.with_flags])
        for task, command in tasks.items()
    }
    for domain, tasks in agents.AGENTS.items()
}
DOMAIN_MODULES = dict(agents.DOMAIN_MODULES)

if __name__ == "__main__":
    sys.exit(main())
