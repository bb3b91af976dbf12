"""The checks of this host alone, which bin/up runs before it starts anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.doctor import host
from actp.doctor.finding import fine, problem
from actp.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.doctor.finding import Finding
    from actp.settings import Settings

__all__ = ["check_before_start", "local", "readable"]


def check_before_start(settings: Settings) -> None:
    """Raise SettingsError naming every local problem that a tree could not work with."""
    problems = [finding for finding in local(settings, is_up=False) if finding.is_problem]
    if problems:
        raise SettingsError(
            "\n".join(f"{finding.said}. {finding.remedy}" for finding in problems),
            remedy="Then run bin/doctor again for the remaining checks.",
        )


def local(settings: Settings, *, is_up: bool) -> Iterator[Finding]:
    """Yield a finding for each check of folders, locks, disk, limits and ports."""
    yield from readable("folders", host.folders(settings))
    yield from readable("locks", host.lock_folder(settings))
    yield from readable("disk", host.disk(settings))
    yield from host.stop_times(settings)
    yield from host.open_files()
    if is_up:
        yield fine("ports", "checked only while the tree is down")
    else:
        yield from host.ports(settings)
        yield from readable("services' owner", host.service_locks(settings))


def readable(check: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings; a file or folder that cannot be read is one, and ends the check."""
    try:
        yield from findings
    except OSError as error:
        yield problem(
            check,
            f"cannot use {error.filename}: {error.strerror}",
            "Check its kind, owner and rights; ACTP_HOME and ACTP_LOCK_DIR name folders.",
        )
