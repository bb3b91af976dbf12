"""Which process owns which services."""

from __future__ import annotations

from actp.safari.catalogue import SERVICES

__all__ = ["divide"]


def divide(workers: int) -> tuple[tuple[str, ...], ...]:
    """Return the services of each of so many processes; together they are all of them.

    Three are the natural ones: direct messages, comments, and what does not write to people.
    """
    kinds = ("dm", "comment", None)
    groups = [
        tuple(name for name, service in SERVICES.items() if service.kind == kind) for kind in kinds
    ]
    while len(groups) > workers:
        last = groups.pop()
        groups[-1] += last
    while len(groups) < workers:
        groups.sort(key=len)
        biggest = groups.pop()
        half = (len(biggest) + 1) // 2
        groups += [biggest[:half], biggest[half:]]
    return tuple(groups)
