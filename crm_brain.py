#!/usr/bin/env python3
"""The CRM brain: reads inboxes, scores contacts, queues what to write next."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.cli.agents.crm import main  # noqa: E402  # now that what it imports is known here

if __name__ == "__main__":
    sys.exit(main())
