"""Checks of this host: folders, locks, ports, programs."""

from __future__ import annotations

import os
import platform
import resource
import shlex
import shutil
import socket
from configparser import RawConfigParser
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from actp import __version__, macos
from actp.boot import installed_stop_seconds
from actp.doctor.finding import Finding, fine, problem, warning
from actp.errors import ActpError, SettingsError
from actp.locks import make_private_folder, owner_of
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.turns import turns_here
from actp.settings.load import line_of, read_bindings
from actp.settings.names import ALIASES, KNOWN
from actp.tree import CONFIGURATION, KILL_MARGIN_SECONDS, STOP_MARGIN_SECONDS, Tree
from metrics.serve import SINGLE_PROGRAMS, port_of, worker_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dotenv.parser import Binding

    from actp.settings import Settings

__all__ = [
    "disk",
    "environment_file",
    "folders",
    "lock_folder",
    "open_files",
    "ports",
    "programs",
    "release",
    "safari_turn",
    "service_locks",
    "sleep",
    "stop_times",
]

LEAST_FREE_MB: Final = 500
LEAST_OPEN_FILES: Final = 1024
PROBE_BYTES: Final = 4096
LOCAL_HOST: Final = "127.0.0.1"


def release() -> Finding:
    """Return the version of this copy, and what it runs on, as a report of a fault needs it."""
    system = f"macOS {macos.version() or '(no version)'}" if macos.is_mac() else platform.platform()
    python = f"Python {platform.python_version()}"
    return fine("version", f"actp-worker {__version__}, {python}, {system}")


def folders(settings: Settings) -> Iterator[Finding]:
    """Look whether data, logs and sockets can be written."""
    tree = Tree(settings)
    reported = set()
    for folder in (settings.actp_home, tree.run_folder, tree.log_folder):
        nearest = folder
        while not nearest.exists():
            nearest = nearest.parent
        if nearest in reported:
            continue
        reported.add(nearest)
        if not nearest.is_dir():
            yield problem("folders", f"{nearest} is not a folder", "Move it, or set ACTP_HOME.")
        elif not os.access(nearest, os.W_OK | os.X_OK):
            yield problem(
                "folders",
                f"{nearest} is not writable",
                "Change its owner to the user that runs this, or set ACTP_HOME to another folder.",
            )
        elif fault := _write_fault(nearest):
            yield problem(
                "folders", f"{nearest}: {fault}", "Free some space, or mount it writable."
            )
        else:
            yield fine("folders", f"{folder} is writable")


def _write_fault(folder: Path) -> str | None:
    """Write a small file and remove it; return what went wrong."""
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None


def open_files() -> Iterator[Finding]:
    """Check the limit of open files; supervisord needs 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST_OPEN_FILES:
        yield problem(
            "open files",
            f"the limit is {hard}, the tree needs {LEAST_OPEN_FILES}",
            f"Run ulimit -n {LEAST_OPEN_FILES}, or raise the limit of the service manager.",
        )
    else:
        yield fine("open files", f"the limit is {LEAST_OPEN_FILES} or more")


def environment_file(path: Path | None) -> Iterator[Finding]:
    """Look whether others can read the file with the keys, and for names that it sets twice."""
    if path is None or not path.is_file():
        return
    yield from _repeated(path)
    status = path.stat()
    if status.st_uid not in {0, os.geteuid()}:
        yield problem(
            "secrets",
            f"{path} belongs to another user",
            f"Run chown $USER {shlex.quote(str(path))}.",
        )
    elif status.st_mode & 0o077:
        yield problem(
            "secrets", f"other users can read {path}", f"Run chmod 600 {shlex.quote(str(path))}."
        )
    else:
        yield fine("secrets", f"only its owner can read {path}")


def _repeated(path: Path) -> Iterator[Finding]:
    """Report names set to different values; the last line of a name is in force."""
    lines: dict[str, list[Binding]] = {}
    for binding in read_bindings(path):
        lines.setdefault(ALIASES.get(binding.key or "", binding.key or ""), []).append(binding)
    for name in sorted(KNOWN & lines.keys()):
        *others, last = lines[name]
        if any(it.value != last.value for it in others):
            at = [str(line_of(it)) for it in lines[name]]
            yield warning(
                "settings",
                f"{name} is set on lines {', '.join(at[:-1])} and {at[-1]} of {path}",
                "Keep one of them; the last one is used, but the full name before an alias.",
            )


def sleep(settings: Settings) -> Iterator[Finding]:
    """Look whether a Mac may go to sleep and stop everything."""
    said = macos.sleep_settings()
    if not said:
        return
    minutes = said.get("sleep", "0").split()[0]
    if minutes not in {"0", ""} and not settings.keep_awake:
        yield problem(
            "sleep",
            f"this Mac sleeps after {minutes} minutes, and then nothing is sent",
            "Set KEEP_AWAKE=true, or run sudo pmset -a sleep 0.",
        )
    else:
        yield fine("sleep", "this Mac stays awake while the tree runs, unless you close the lid")


def safari_turn(settings: Settings) -> Iterator[Finding]:
    """Look whether Safari is kept free though nobody works with it."""
    for turn in turns_here(settings.actp_lock_dir, settings.safari_turns):
        if turn.is_left:
            remedy = "Wait, or run bin/resume --safari once nothing moves in Safari."
            yield problem("Safari", turn.words, remedy)
        else:
            yield fine("Safari", turn.words)


def lock_folder(settings: Settings) -> Iterator[Finding]:
    """Look whether the folder of locks is there and ours alone."""
    folder = settings.actp_lock_dir
    try:
        make_private_folder(folder)
    except ActpError as error:
        yield problem("locks", str(error), error.remedy)
    else:
        yield fine("locks", f"{folder} belongs to this user")


def service_locks(settings: Settings) -> Iterator[Finding]:
    """Look whether a worker outside our tree drives a service; for while the tree is down."""
    owners: dict[str, list[str]] = {}
    for service in HTTP_SERVICES:
        try:
            owner = owner_of(settings.actp_lock_dir, settings.service_url(service.name))
        except SettingsError as error:
            yield problem("services' owner", str(error), error.remedy)
            return
        if owner is not None:
            owners.setdefault(owner, []).append(service.name)
    for owner, names in owners.items():
        yield problem(
            "services' owner",
            f"another process on this host drives {', '.join(names)}: {owner}",
            "Stop it: run bin/down in its folder, or stop that run.",
        )
    if not owners:
        yield fine("services' owner", "no other process drives the services")


def disk(settings: Settings) -> Iterator[Finding]:
    """Look for room: a full disk stops the database and the spool."""
    folder = settings.actp_home
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free // 2**20
    said = f"{free_mb:,} MB free at {folder}"
    if free_mb < LEAST_FREE_MB:
        remedy = f"Free at least {LEAST_FREE_MB} MB, or set ACTP_HOME to a disk with room."
        yield problem("disk", said, remedy)
    else:
        yield fine("disk", said)


def ports(settings: Settings) -> Iterator[Finding]:
    """Look whether the metrics' ports are free; for while the tree is down."""
    base = settings.metrics_port_base
    if not base:
        yield fine("ports", "metrics are off")
        return
    names = [*(worker_name(number) for number in range(settings.workers)), *SINGLE_PROGRAMS]
    taken = sorted(port for name in names if not _is_free(port := port_of(base, name)))
    if taken:
        yield problem(
            "ports",
            f"in use by another program: {', '.join(map(str, taken))} on {LOCAL_HOST}",
            "Stop it, or set METRICS_PORT_BASE to another port (0: no metrics).",
        )
    else:
        yield fine("ports", f"{port_of(base, names[0])} to {port_of(base, names[-1])} are free")


def stop_times(settings: Settings) -> Iterator[Finding]:
    """Look whether everybody above a worker lets it end what is on the wire."""
    needed_seconds = int(settings.stop_seconds) + KILL_MARGIN_SECONDS
    configuration = RawConfigParser(inline_comment_prefixes=(" ;",))
    configuration.read(CONFIGURATION)
    given = configuration.get("program:worker", "stopwaitsecs", fallback="10")
    if given.isdigit() and int(given) < needed_seconds:
        yield problem(
            "stop times",
            f"{CONFIGURATION.name} gives a worker {given} s to stop, not {needed_seconds} s",
            "Set stopwaitsecs back to %(ENV_ACTP_KILL_AFTER_SECONDS)s.",
        )
    else:
        yield fine("stop times", f"a worker has {needed_seconds} s to stop")
    installed = installed_stop_seconds()
    longest_seconds = settings.stop_seconds + STOP_MARGIN_SECONDS
    if installed is not None and installed < longest_seconds:
        yield problem(
            "stop times",
            f"the installed service gives the tree {installed:g} s, it can need"
            f" {longest_seconds:g} s",
            "Run bin/install-service again.",
        )


def programs(settings: Settings) -> Iterator[Finding]:
    """Look for what local actions run."""
    if macos.is_mac():
        program = macos.osascript()
        yield (
            fine("osascript", f"{program} found, macOS {macos.version() or '(no version)'}")
            if shutil.which(program)
            else problem(
                "osascript", f"{program} cannot be run", "It is part of macOS: check PATH."
            )
        )
    try:
        words = shlex.split(settings.crm_brain_cmd)
    except ValueError as error:
        yield problem("CRM brain", f"CRM_BRAIN_CMD: {error}", "Close its quotes.")
        return
    missing = _missing(words)
    if missing is None:
        yield fine("CRM brain", f"{words[0]} is executable")
    else:
        yield problem("CRM brain", missing, "Give CRM_BRAIN_CMD absolute paths that exist.")


def _missing(words: list[str]) -> str | None:
    if shutil.which(words[0]) is None:
        return f"CRM_BRAIN_CMD names {words[0]}, which is not executable"
    scripts = [word for word in words[1:] if word.endswith(".py") and not _exists(word)]
    return f"CRM_BRAIN_CMD names {scripts[0]}, which does not exist" if scripts else None


def _exists(word: str) -> bool:
    return os.path.exists(os.path.expanduser(word))  # noqa: PTH110, PTH111 - a word, not a path yet


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL_HOST, port))
        except OSError:
            return False
    return True
