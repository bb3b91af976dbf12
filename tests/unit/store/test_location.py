from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actp.store.embedded.account import Account, server_account
from actp.store.embedded.location import MAX_SOCKET_FOLDER_BYTES, SYSTEM_DATA, locate


def test_data_lies_under_the_home() -> None:
    location = locate(Path("/home/me/.actp"), Account())
    assert location.data == Path("/home/me/.actp/postgres/data")
    assert location.sockets == Path("/home/me/.actp/postgres/s")
    assert location.note == ""


@pytest.mark.parametrize("home", ["/home/" + "long" * 30, "/home/ü" + "ü" * 40, '/home/a,"b'])
def test_a_home_that_no_socket_path_can_hold_gets_a_short_one(home: str) -> None:
    location = locate(Path(home), Account())
    assert len(bytes(location.sockets)) <= MAX_SOCKET_FOLDER_BYTES
    assert location == locate(Path(home), Account())
    assert location.sockets != locate(Path(home, "other"), Account()).sockets


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up rights for the server")
def test_a_home_closed_to_the_server_stays_closed_and_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    location = locate(tmp_path / "home", server_account())
    assert location.base.parent == SYSTEM_DATA
    assert str(tmp_path) in location.note
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_a_name_is_refused_before_the_server_starts(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from actp.errors import StoreUnavailable\n"
        "from actp.store.embedded import access\n"
        "os.setuid(3_999_999)\n"
        "try: access.write(Path(sys.argv[1]))\n"
        "except StoreUnavailable as error: print(error, error.remedy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "user 3999999 has none" in done.stdout
    assert "DATABASE_URL" in done.stdout
