"""Runs operators' and agents' actions, and records them under the operator's name."""

from __future__ import annotations

import getpass
import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

from actp.safari.turns import TurnTable

if TYPE_CHECKING:
    from actp.settings import Settings
    from actp.store import Json, Store

__all__ = ["act", "free_safari", "operator_here"]


def operator_here(entrance: str) -> str:
    """Return the user of this process for the audit: ``ada@mac/cli``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname().partition('.')[0]}/{entrance}"


def free_safari(settings: Settings) -> dict[str, list[str]]:
    """Take Safari back from programs that have ended; return whose turns were freed and kept."""
    with closing(TurnTable(settings.actp_lock_dir, settings.safari_turns)) as table:
        freed = list(table.free())
        return {"freed": freed, "kept": [turn.holder for turn in table.taken()]}


def act(store: Store, operator: str, action: str, /, **arguments: Json) -> Any:
    """Do one action of ``safari_act`` and return its answer; the audit names the operator."""
    return store.call("safari_act", action=action, arguments=arguments, operator=operator)
