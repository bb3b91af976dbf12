"""One process at a time owns a service, and a dead one does not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from actp.checkout import PROJECT_ROOT
from actp.errors import ActpError, SettingsError
from actp.locks import PortLock, host_key, make_private_folder, owner_of
from tests.unit.safari.children import child, kill

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534
SECONDS = 60
ADDRESS = "http://127.0.0.1:3001"
HOLD = """
import sys
from pathlib import Path
from actp.locks import PortLock
lock = PortLock(Path(sys.argv[1]), sys.argv[2])
assert lock.acquire()
"""


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    lock_dir = tmp_path / "locks"
    lock, other = PortLock(lock_dir, ADDRESS), PortLock(lock_dir, ADDRESS)
    assert owner_of(lock_dir, ADDRESS) is None
    assert lock.acquire()
    assert lock.acquire(), "taking what one holds is no error"
    assert owner_of(lock_dir, ADDRESS)
    assert not other.acquire()
    lock.release()
    assert owner_of(lock_dir, ADDRESS) is None
    assert other.acquire()
    other.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock_dir = tmp_path / "locks"
    with child(HOLD, lock_dir, ADDRESS) as holder, PortLock(lock_dir, ADDRESS) as lock:
        assert owner_of(lock_dir, ADDRESS) == f"pid {holder.pid} of {PROJECT_ROOT}"
        assert not lock.acquire()
        kill(holder)
        assert owner_of(lock_dir, ADDRESS) is None
        assert lock.acquire()


@pytest.mark.parametrize(
    "call", ["owner_of(folder, address)", "PortLock(folder, address).acquire()"]
)
def test_a_lock_of_another_user_is_refused_with_a_remedy(tmp_path: Path, call: str) -> None:
    lock_dir = tmp_path / "locks"
    with PortLock(lock_dir, ADDRESS) as lock:
        assert lock.acquire()
    script = f"""
import os, sys
from pathlib import Path
from actp import locks
from actp.errors import SettingsError
from actp.locks import PortLock, owner_of
folder, address = Path(sys.argv[1]), sys.argv[2]
if os.getuid() == 0:
    os.setuid({NOBODY})
try:
    {call}
except SettingsError as error:
    print(error, error.remedy)
"""
    for file in lock_dir.glob("port-*"):
        file.chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", script, lock_dir, ADDRESS],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        check=True,
    )
    assert "Permission denied" in done.stdout
    assert "ACTP_LOCK_DIR" in done.stdout


@pytest.mark.parametrize(
    "spelling", ["http://localhost:3001/", "127.0.0.1:3001", "http://[::1]:3001"]
)
def test_an_address_has_one_lock_however_it_is_written(tmp_path: Path, spelling: str) -> None:
    lock_dir = tmp_path / "locks"
    with PortLock(lock_dir, ADDRESS) as lock:
        assert lock.acquire()
        assert owner_of(lock_dir, spelling)
        assert owner_of(lock_dir, "http://127.0.0.1:3003") is None


def test_the_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "locks")
    assert stat.S_IMODE((tmp_path / "a" / "locks").stat().st_mode) == 0o700


def test_a_folder_to_which_others_may_write_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_dir = tmp_path / "open"
    open_dir.mkdir()
    open_dir.chmod(0o777)
    with pytest.raises(SettingsError, match="other users can write"):
        PortLock(open_dir, ADDRESS)
    assert stat.S_IMODE(open_dir.stat().st_mode) == 0o777


def test_a_host_keeps_its_key(tmp_path: Path) -> None:
    first = host_key(tmp_path / "one")
    assert host_key(tmp_path / "one") == first != host_key(tmp_path / "other")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["host-id"]


@pytest.mark.parametrize("left", ["", "\n", "0" * 31, "../etc", "\u00e9" * 32])
def test_a_key_that_was_not_written_whole_is_made_anew(tmp_path: Path, left: str) -> None:
    make_private_folder(tmp_path / "one")
    (tmp_path / "one" / "host-id").write_text(left)
    made = host_key(tmp_path / "one")
    assert len(made) == 32
    assert host_key(tmp_path / "one") == made


def test_hosts_that_start_at_once_on_half_a_key_agree(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "one")
    (tmp_path / "one" / "host-id").touch()
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: host_key(tmp_path / "one"), range(32)))
    assert len(set(keys)) == 1


def test_a_key_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "one")
    (tmp_path / "one" / "host-id").mkdir()  # as a disk without room refuses it, also to root
    with pytest.raises(ActpError, match="host-id") as refused:
        host_key(tmp_path / "one")
    assert "ACTP_LOCK_DIR" in refused.value.remedy
