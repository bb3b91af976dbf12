"""Every check, in the order in which their findings are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.doctor import host
from actp.doctor.agents import agents
from actp.doctor.database import database
from actp.doctor.finding import fine, problem
from actp.doctor.local import local, readable
from actp.doctor.outside import elsewhere, processes, telegram
from actp.doctor.safari import own_handles, safari
from actp.doctor.services import services
from actp.errors import SettingsError
from actp.settings import load_settings
from actp.settings.load import settings_file
from actp.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.doctor.finding import Finding

__all__ = ["examine"]

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
    yield from local(settings, is_up=is_up)
    yield from host.programs(settings)
    yield from host.environment_file(settings_file())
    yield from host.sleep(settings)
    yield from readable("Safari", host.safari_turn(settings))
    yield from processes(settings) if is_up else ()
    yield from database(settings)
    yield from services(settings)
    yield from own_handles(settings)
    yield from safari(settings) if is_deep else ()
    yield from agents(settings)
    yield from telegram(settings)
    yield from elsewhere(settings)
