"""Starts the tree at login: a launchd agent on macOS, a systemd user unit on Linux."""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from string import Template
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from actp.errors import ActpError, NotFound
from actp.macos import LaunchAgent, launchctl_remedy
from actp.settings import PROJECT_ROOT
from actp.settings.host import home_folder
from actp.tree import STOP_MARGIN_SECONDS, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.settings import Settings

__all__ = ["Service", "install", "installed_stop_seconds", "service", "uninstall"]

LABEL: Final = "actp-worker"
TEMPLATES: Final = PROJECT_ROOT / "boot"
COMMAND_TIMEOUT_SECONDS: Final = 120
LOOK_SECONDS: Final = 0.2
IN_THE_SESSION: Final = "Run it in the login session of the user who is logged in to Safari."
# Over the tree's own margin, so that its end is never cut short.
STOP_RESERVE_SECONDS: Final = 15
# launchd gives a PATH without Homebrew's folders.
PATH: Final = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Service:
    """A file that the system reads, and the commands that make it known and unknown."""

    path: Path
    text: str
    load: tuple[tuple[str, ...], ...]
    unload: tuple[tuple[str, ...], ...]
    # Succeeds while it is loaded, where unloading returns before it is done.
    look: tuple[str, ...] | None = None


def service(
    settings: Settings,
    *,
    platform: str = sys.platform,
    env: Mapping[str, str] | None = None,
    root: Path = PROJECT_ROOT,
) -> Service:
    """Return the service of this host; ``platform`` is as in ``sys.platform``."""
    env = os.environ if env is None else env
    path = _path(platform, env)
    values = {
        "label": LABEL,
        "root": str(root),
        "up": str(root / "bin" / "up"),
        "path": PATH,
        "log": str(Tree(settings).log_folder / "boot.log"),
        "stop_seconds": str(
            ceil(settings.stop_seconds + STOP_MARGIN_SECONDS + STOP_RESERVE_SECONDS)
        ),
    }
    if platform == "darwin":
        quoted = {name: escape(value) for name, value in values.items()}
        agent = LaunchAgent(LABEL, path)
        return Service(
            path,
            _filled("launchd.plist", quoted),
            load=(agent.load,),
            unload=(agent.unload,),
            look=agent.look,
        )
    quoted = {**values, "root": _percent(values["root"]), "up": _systemd_quoted(values["up"])}
    systemctl = ("systemctl", "--user")
    return Service(
        path,
        _filled("systemd.service", quoted),
        load=((*systemctl, "daemon-reload"), (*systemctl, "enable", "--now", path.name)),
        unload=((*systemctl, "disable", "--now", path.name),),
    )


def install(made: Service) -> None:
    """Write the file and have the system start it; one that is there already is replaced."""
    if made.path.exists():
        _unload(made)
    try:
        made.path.parent.mkdir(parents=True, exist_ok=True)
        made.path.write_text(made.text, encoding="utf-8")
    except OSError as error:
        raise ActpError(
            f"cannot write {made.path}: {error.strerror}",
            remedy=f"Change the owner of {made.path.parent} to the user that runs this.",
        ) from error
    _load(made)


def uninstall(made: Service) -> None:
    """Have the system end and forget it; raises NotFound when it is not installed."""
    if not made.path.exists():
        raise NotFound(f"{made.path} does not exist", remedy="bin/install-service installs it.")
    _unload(made)
    made.path.unlink()


def installed_stop_seconds(
    platform: str = sys.platform, env: Mapping[str, str] | None = None
) -> float | None:
    """Return how long the installed service lets the tree stop; None when there is none."""
    path = _path(platform, os.environ if env is None else env)
    try:
        content = path.read_bytes()
        if platform == "darwin":
            return float(plistlib.loads(content)["ExitTimeOut"])
        found = re.search(rb"^TimeoutStopSec=(\d+)$", content, re.MULTILINE)
        return float(found[1]) if found else None
    except (OSError, ValueError, KeyError, plistlib.InvalidFileException):
        return None


def _path(platform: str, env: Mapping[str, str]) -> Path:
    home = home_folder(env)
    if platform == "darwin":
        return home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    configured = Path(env.get("XDG_CONFIG_HOME", ""))
    folder = configured if configured.is_absolute() else home / ".config"
    return folder / "systemd" / "user" / f"{LABEL}.service"


def _filled(name: str, values: Mapping[str, str]) -> str:
    return Template((TEMPLATES / name).read_text(encoding="utf-8")).substitute(values)


def _percent(value: str) -> str:
    return value.replace("%", "%%")


def _systemd_quoted(value: str) -> str:
    """Return a value as it stands between double quotes in ExecStart."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return _percent(escaped)


def _unload(made: Service) -> None:
    for command in made.unload:
        _run(command)
    if made.look is None:
        return
    pause, deadline = Event(), monotonic() + COMMAND_TIMEOUT_SECONDS
    while _run(made.look).returncode == 0:
        if monotonic() > deadline:
            raise ActpError(
                f"the service did not end within {COMMAND_TIMEOUT_SECONDS} s",
                remedy="Run bin/down, then run it again.",
            )
        pause.wait(LOOK_SECONDS)


def _load(made: Service) -> None:
    for command in made.load:
        done = _run(command)
        if done.returncode:
            raise ActpError(
                f"{shlex.join(command)} failed: {done.stderr.strip() or done.returncode}",
                remedy=launchctl_remedy(done.returncode) or IN_THE_SESSION,
            )


def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ActpError(
            f"{command[0]} does not work here: {error}", remedy=IN_THE_SESSION
        ) from error
