"""Who may connect to the server: the account of this process, and root.

A socket's folder keeps ordinary accounts out, but not other programs of the account that the server
runs as; under root that is one that many programs share.
"""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Final

from actp.errors import StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["options", "write"]

_FILES: Final = {"hba_file": "pg_hba.conf", "ident_file": "pg_ident.conf"}
READABLE: Final = 0o644


def options(base: Path) -> dict[str, str]:
    """Return the settings that make a server read the files beside its data."""
    return {name: str(base / file) for name, file in _FILES.items()}


def write(base: Path) -> None:
    """Write the files, where they are not so already: a full disk keeps what is there.

    The accounts may take any role: a program of less rights names its own in its address.
    """
    try:
        accounts = {"root", pwd.getpwuid(os.geteuid()).pw_name}
    except KeyError:
        raise StoreUnavailable(
            f"the local PostgreSQL admits users by name, and user {os.geteuid()} has none",
            remedy="Run it as a user of this host, or set DATABASE_URL.",
        ) from None
    _keep(base / _FILES["hba_file"], "local all all peer map=actp\n")
    _keep(
        base / _FILES["ident_file"],
        "".join(f'actp "{account}" all\n' for account in sorted(accounts)),
    )


def _keep(path: Path, text: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(READABLE)  # the server's account reads it, whatever this process's umask
    draft.replace(path)
