"""``python -m actp.cli COMMAND``, which is what every launcher in bin/ runs."""

from __future__ import annotations

import sys

from actp.launch import collect_seldom

collect_seldom()

from actp.cli.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
