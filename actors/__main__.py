"""``python -m actors N``: the N-th worker process of the tree, as supervisord starts it."""

from __future__ import annotations

import sys

from actors.division import divide
from actors.run import run_daemon
from actp.errors import ActpError, ExitCode
from actp.settings import load_settings

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run one share of the services; the first argument says which, from 0."""
    try:
        settings = load_settings()
        shares = divide(settings.workers)
        if len(arguments) != 1 or arguments[0] not in map(str, range(len(shares))):
            sys.stderr.write(f"usage: python -m actors 0..{len(shares) - 1}\n")
            return ExitCode.USAGE
        return run_daemon(settings, shares[int(arguments[0])])
    except ActpError as error:
        sys.stderr.write(f"{error}\n{error.remedy}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
