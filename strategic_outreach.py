#!/usr/bin/env python3
"""The outreach agent: recipients, times, channels and texts."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.cli.agents.outreach import script  # noqa: E402  # now that what it imports is known here

__all__ = ["DM_PORTS", "script"]

# The ports at which other programs expect the DM services.
DM_PORTS = {"instagram": 3100, "twitter": 3003, "tiktok": 3102, "linkedin": 3105}

if __name__ == "__main__":
    sys.exit(script.main())
