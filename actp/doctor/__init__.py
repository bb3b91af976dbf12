"""Preflight checks: finds problems and names a remedy for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.doctor import host
from actp.doctor.agents import agents
from actp.doctor.database import database
from actp.doctor.finding import Finding, fine, problem
from actp.doctor.outside import elsewhere, processes, telegram
from actp.doctor.safari import own_handles, safari
from actp.doctor.services import services
from actp.errors import SettingsError
from actp.settings import load_settings
from actp.settings.load import settings_file
from actp.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings

__all__ = ["Finding", "check_before_start", "examine"]

_SETTINGS = "settings"


def examine(*, is_deep: bool = False) -> Iterator[Finding]:
    """Yield every finding as it is made; without settings nothing else can be looked at."""
    yield host.release()
    try:
        settings = load_settings()
    except SettingsError as error:
        for line in str(error).splitlines():
            yield problem(_SETTINGS, line, error.remedy)
        return
    yield fine(_SETTINGS, "all valid")
    try:
        is_up = Tree(settings).is_up()
    except OSError:  # the check of its folders reports it
        is_up = False
    yield from _local(settings, is_up=is_up)
    yield from host.programs(settings)
    yield from host.environment_file(settings_file())
    yield from host.sleep(settings)
    yield from _readable("Safari", host.safari_turn(settings))
    yield from processes(settings) if is_up else ()
    yield from database(settings)
    yield from services(settings)
    yield from own_handles(settings)
    yield from safari(settings) if is_deep else ()
    yield from agents(settings)
    yield from telegram(settings)
    yield from elsewhere(settings)


def check_before_start(settings: Settings) -> None:
    """Raise SettingsError naming every local problem that a tree could not work with."""
    problems = [finding for finding in _local(settings, is_up=False) if finding.is_problem]
    if problems:
        raise SettingsError(
            "\n".join(f"{finding.said}. {finding.remedy}" for finding in problems),
            remedy="Then run bin/doctor again for the remaining checks.",
        )


def _local(settings: Settings, *, is_up: bool) -> Iterator[Finding]:
    yield from _readable("folders", host.folders(settings))
    yield from _readable("locks", host.lock_folder(settings))
    yield from _readable("disk", host.disk(settings))
    yield from host.stop_times(settings)
    yield from host.open_files()
    if is_up:
        yield fine("ports", "checked only while the tree is down")
    else:
        yield from host.ports(settings)
        yield from _readable("services' owner", host.service_locks(settings))


def _readable(check: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield the findings; a file or folder that cannot be read is one, and ends the check."""
    try:
        yield from findings
    except OSError as error:
        yield problem(
            check,
            f"cannot use {error.filename}: {error.strerror}",
            "Check its kind, owner and rights; ACTP_HOME and ACTP_LOCK_DIR name folders.",
        )
