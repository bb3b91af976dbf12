"""The account the server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

UNPRIVILEGED_ACCOUNT = "nobody"
PROBE_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server; without ids it is the current user."""

    uid: int | None = None
    gid: int | None = None

    @property
    def dropped(self) -> bool:
        """Return whether root gives up its rights for the server."""
        return self.uid is not None

    def process_options(self) -> dict[str, Any]:
        """Return what makes subprocess start a child as this account, groups included."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make the account the owner of a path that we made."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def close(self, folder: Path) -> None:
        """Keep a folder for ourselves; the account of the server may pass through it.

        It does not own it: root works in there, and would follow a link that it put in its place.
        """
        if self.dropped:
            os.chown(folder, os.geteuid(), os.getegid(), follow_symlinks=False)
        folder.chmod(0o711 if self.dropped else 0o700)

    def become(self) -> None:
        """Turn this very process into the account, for good."""
        if self.uid is not None and self.gid is not None:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

    def reaches(self, folder: Path) -> bool:
        """Return whether the account may enter the nearest existing parent of a folder."""
        if not self.dropped:
            return True
        while not folder.exists():
            folder = folder.parent
        probe = subprocess.run(
            ["test", "-x", folder],
            env={"PATH": os.defpath},
            cwd="/",
            check=False,
            timeout=PROBE_TIMEOUT_SECONDS,
            **self.process_options(),
        )
        return probe.returncode == 0


def server_account() -> Account:
    """Return the account for the server: an unprivileged one if we are root, else our own."""
    if os.geteuid() != 0:
        return Account()
    entry = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)
