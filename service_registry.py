#!/usr/bin/env python3
"""The domain agents as services: ``dispatch("prospect.score-all", {})``, from Python or a shell."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.dispatch.registry import Registry  # noqa: E402  # now that its packages are known to be here

__all__ = [
    "dispatch",
    "init_all_services",
    "list_services",
    "list_topics",
    "register_service",
]

_registry = Registry()
_registry.init_all_services()

dispatch = _registry.dispatch
init_all_services = _registry.init_all_services
list_services = _registry.list_services
list_topics = _registry.list_topics
register_service = _registry.register_service

if __name__ == "__main__":
    from actp.cli.agents.registry import main

    sys.exit(main(_registry))
