"""``python -m actp.cli COMMAND``, which is what every launcher in bin/ runs."""

from __future__ import annotations

import gc
import sys

# What is imported stays: looking through it for garbage is a tenth of a short command's CPU.
gc.set_threshold(100_000)

from actp.cli.main import main  # noqa: E402

__all__ = ["program"]


def program() -> int:
    """Run the command line of this process, which ends with it, and return its exit code."""
    code = main(sys.argv[1:])
    # The interpreter would look through everything once more before it ends.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(program())
