"""Actions of people and agents, recorded under the name of who asked for them."""

from __future__ import annotations

import getpass
import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actp.store import Json, Store

__all__ = ["act", "operator_here"]


def operator_here(entrance: str) -> str:
    """Return the user of this process for the audit: ``ada@mac/cli``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname().partition('.')[0]}/{entrance}"


def act(store: Store, operator: str, action: str, /, **arguments: Json) -> Any:
    """Do one action of ``safari_act`` and return its answer; the audit names the operator."""
    return store.call("safari_act", action=action, arguments=arguments, operator=operator)
