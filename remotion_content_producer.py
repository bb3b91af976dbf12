#!/usr/bin/env python3
"""The remotion agent: short videos of what resonates, rendered and published."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.cli.agents.remotion import script  # noqa: E402  # now that its imports are known to be here
from actp.settings.accounts import DEFAULT_ACCOUNTS  # noqa: E402

__all__ = ["BLOTATO_ACCOUNTS", "script"]

# The accounts that posts appear on unless BLOTATO_ACCOUNTS is set, by platform.
BLOTATO_ACCOUNTS = {platform: int(account) for platform, account in DEFAULT_ACCOUNTS.items()}

if __name__ == "__main__":
    sys.exit(script.main())
