"""Stops orphaned programs of a dead supervisord, which would block its successor."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["end_orphans", "forget_orphans"]


def end_orphans(run_folder: Path) -> dict[str, psutil.Process]:
    """Tell each program that lives on without a supervisord to end; return them by name.

    A second finder sends it nothing: a second SIGTERM would cut off what is on the wire.
    """
    found = _orphans(run_folder)
    for name, process in found.items():
        told = run_folder / f"{name}.told"
        if told.exists() and told.read_text(encoding="ascii") == str(process.pid):
            continue
        told.touch(mode=0o600)
        told.write_text(str(process.pid), encoding="ascii")
        with suppress(psutil.Error):
            process.terminate()  # never another process that got the same number
    return found


def forget_orphans(run_folder: Path) -> None:
    """Remove the notes about those that have ended."""
    for told in run_folder.glob("*.told"):
        told.unlink(missing_ok=True)


def _orphans(run_folder: Path) -> dict[str, psutil.Process]:
    # Known by what supervisord put into their environment, also before they have said a word. The
    # embedded database shows none: its next start stops the server that runs.
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.uids().real != os.getuid():
                continue
            program = process.environ().get("SUPERVISOR_PROCESS_NAME")
            # A parent of the same tree is supervisord, or a program that ends its own children.
            if program and _is_of(run_folder, process) and not _has_parent_in(run_folder, process):
                found[program] = process
    return found


def _is_of(run_folder: Path, process: psutil.Process) -> bool:
    environment: Mapping[str, str] = process.environ()
    return environment.get("ACTP_RUN") == str(run_folder)


def _has_parent_in(run_folder: Path, process: psutil.Process) -> bool:
    parent = process.parent()
    with suppress(psutil.Error, OSError):
        return parent is not None and _is_of(run_folder, parent)
    return False
