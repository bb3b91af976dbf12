"""Defaults that depend on the machine: where we are, whose locks, which time zone."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import sys
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import TZPATH

from actp.checkout import IS_CHECKOUT, PROJECT_ROOT
from actp.errors import SettingsError
from actp.settings.values import is_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOCALTIME = Path("/etc/localtime")
_HOUR = timedelta(hours=1)


def own_crm_brain() -> str:
    """Return the command line of this project's own CRM brain."""
    return shlex.join([sys.executable, str(PROJECT_ROOT / "crm_brain.py")])


def base_folder(platform: str, env: Mapping[str, str]) -> Path:
    """Return the folder of ``.env`` and of relative paths: the checkout, or the user's own."""
    return PROJECT_ROOT if IS_CHECKOUT else state_folder(platform, env)


def absolute(path: Path, env: Mapping[str, str]) -> Path:
    """Return the path of a setting, relative ones from the base folder, ~ expanded."""
    try:
        return base_folder(sys.platform, env) / path.expanduser()
    except RuntimeError:
        return base_folder(sys.platform, env) / path  # ~name of no user


def default_lock_dir(platform: str, env: Mapping[str, str]) -> Path:
    """Return the per-user folder of port locks; ``platform`` is as in ``sys.platform``."""
    return state_folder(platform, env) / "locks"


def state_folder(platform: str, env: Mapping[str, str]) -> Path:
    """Return the folder in which a program of this user keeps its state."""
    home = home_folder(env)
    if platform == "darwin":
        state = home / "Library" / "Application Support"
    else:
        configured = Path(env.get("XDG_STATE_HOME", ""))
        # The XDG specification tells us to ignore relative paths.
        state = configured if configured.is_absolute() else home / ".local" / "state"
    return state / "actp-worker"


def home_folder(env: Mapping[str, str], uid: int | None = None) -> Path:
    """Return the user's home: HOME if it is absolute, else what the user database has.

    A relative one would be another folder, and other locks, in each folder that a command runs in.
    """
    named = Path(env.get("HOME", ""))
    if named.is_absolute():
        return named
    uid = os.getuid() if uid is None else uid
    try:
        return Path(pwd.getpwuid(uid).pw_dir)
    except KeyError:
        raise SettingsError(
            f"HOME is not set, and user {uid} is not in the user database",
            remedy="Set HOME to a folder that this user can write to.",
        ) from None


def host_time_zone(env: Mapping[str, str], localtime: Path = _LOCALTIME) -> str:
    """Return the host's IANA zone, or a fixed-offset one where it has no name.

    ``Etc/GMT-2`` is two hours east: Python and PostgreSQL agree on it, while they read ``UTC+2``
    with opposite signs.
    """
    named = env.get("TZ", "").removeprefix(":")
    if named and not named.startswith("/"):
        # As the C library reads it: a zone, or the rules themselves, never the host's own zone.
        zone = next(filter(is_time_zone, (named, _zone_of_rules(named))), "")
        return zone or f"TZ={named}"  # which validation refuses
    file = Path(named) if named else localtime
    # The link's own text first: what it leads to may be a file under another name.
    paths = (str(file), str(file.readlink()) if file.is_symlink() else "", str(file.resolve()))
    for name in (*map(_zone_in, paths), _same_file(file)):
        if is_time_zone(name):
            return name
    offset = datetime.now().astimezone().utcoffset() or timedelta()
    return fixed_zone(offset)


def _zone_in(path: str) -> str:
    """Return the zone that a path under zoneinfo, or macOS's zoneinfo.default, names."""
    _, _, name = re.sub(r"/zoneinfo[^/]*/", "/zoneinfo/", path).rpartition("/zoneinfo/")
    return name


@cache
def _same_file(localtime: Path) -> str:
    """Return the first zone whose file has the same content; images have a copy, not a link."""
    try:
        content = localtime.read_bytes()
    except OSError:
        return ""
    return _first_zone(content.__eq__)


@cache
def _zone_of_rules(rules: str) -> str:
    """Return the first zone that keeps these rules, which are the last line of its file.

    ``CET-1CEST,M3.5.0,M10.5.0/3`` is such a text.
    """
    return _first_zone(lambda content: content.endswith(f"\n{rules}\n".encode()))


def _first_zone(is_it: Callable[[bytes], bool]) -> str:
    try:
        for folder in map(Path, TZPATH):
            for path in sorted(folder.glob("*/**/*")):
                if path.is_file() and is_it(path.read_bytes()):
                    return str(path.relative_to(folder))
    except OSError:
        pass
    return ""


def fixed_zone(offset: timedelta) -> str:
    """Return the zone of a constant offset; for parts of hours a text that validation refuses."""
    if not offset:
        return "Etc/UTC"
    if offset % _HOUR:
        return f"UTC offset {offset}"
    return f"Etc/GMT{-(offset // _HOUR):+d}"
