"""One process at a time owns a service, and a dead one does not."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from actp.errors import SettingsError
from actp.locks import PortLock, host_key, is_held, make_lock_dir
from tests.unit.safari.children import child, kill

if TYPE_CHECKING:
    from pathlib import Path

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
    assert not is_held(lock_dir, ADDRESS)
    assert lock.acquire()
    assert lock.acquire(), "taking what one holds is no error"
    assert is_held(lock_dir, ADDRESS)
    assert not other.acquire()
    lock.release()
    assert not is_held(lock_dir, ADDRESS)
    assert other.acquire()
    other.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock_dir = tmp_path / "locks"
    with child(HOLD, lock_dir, ADDRESS) as holder, PortLock(lock_dir, ADDRESS) as lock:
        assert is_held(lock_dir, ADDRESS)
        assert not lock.acquire()
        kill(holder)
        assert not is_held(lock_dir, ADDRESS)
        assert lock.acquire()


@pytest.mark.parametrize(
    "spelling", ["http://localhost:3001/", "127.0.0.1:3001", "http://[::1]:3001"]
)
def test_an_address_has_one_lock_however_it_is_written(tmp_path: Path, spelling: str) -> None:
    lock_dir = tmp_path / "locks"
    with PortLock(lock_dir, ADDRESS) as lock:
        assert lock.acquire()
        assert is_held(lock_dir, spelling)
        assert not is_held(lock_dir, "http://127.0.0.1:3003")


def test_the_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    make_lock_dir(tmp_path / "a" / "locks")
    assert stat.S_IMODE((tmp_path / "a" / "locks").stat().st_mode) == 0o700


def test_a_folder_to_which_others_may_write_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_dir = tmp_path / "open"
    open_dir.mkdir()
    open_dir.chmod(0o777)
    with pytest.raises(SettingsError, match="others may write"):
        PortLock(open_dir, ADDRESS)
    assert stat.S_IMODE(open_dir.stat().st_mode) == 0o777


def test_a_host_keeps_its_key(tmp_path: Path) -> None:
    first = host_key(tmp_path / "one")
    assert host_key(tmp_path / "one") == first != host_key(tmp_path / "other")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["host-id"]
