"""``python -m actors N``: the N-th worker process of the tree, as supervisord starts it."""

from __future__ import annotations

import sys

from actors.worker.partition import divide
from actors.worker.run import run_daemon
from actp.errors import ExitCode
from actp.settings import load_settings
from actp.vitals import Vitals, run_program

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Run one share of the services; the first argument says which, from 0."""

    def work(vitals: Vitals) -> int:
        settings = load_settings()
        shares = divide(settings.workers)
        if len(arguments) != 1 or arguments[0] not in map(str, range(len(shares))):
            sys.stderr.write(f"usage: python -m actors 0..{len(shares) - 1}\n")
            return ExitCode.USAGE
        index = int(arguments[0])
        return run_daemon(settings, shares[index], index=index, beat=vitals.beat)

    return run_program(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
