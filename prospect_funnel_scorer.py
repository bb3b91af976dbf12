#!/usr/bin/env python3
"""Who is near to buying, and whom to write to next."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.cli.agents.prospect import script  # noqa: E402  # now that its imports are known

if __name__ == "__main__":
    sys.exit(script.main())
