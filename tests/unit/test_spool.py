"""Results on disk: safe when kept, gone when written, found by a successor."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from actp.spool import LeftBehind, Spool, left_behind
from tests.unit.safari.children import child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOOT = "11111111-1111-1111-1111-111111111111"
DEADLINE_SECONDS = 30.0
A, B = {"id": "a", "verdict": "sent"}, {"id": "b", "verdict": "unknown"}
KEEP = """
import sys
from pathlib import Path
from actp.spool import Spool
spool = Spool(Path(sys.argv[1]), "of-a-child")
spool.keep({"a": {"id": "a"}})
"""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, BOOT)
    yield spool
    spool.close()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{BOOT}.jsonl").read_text().splitlines()]


def leave(folder: Path, text: str) -> None:
    (folder / f"{BOOT}.jsonl").write_text(text)


def test_what_is_kept_follows_the_name_of_its_boot_once(tmp_path: Path, spool: Spool) -> None:
    spool.keep({"a": A})
    spool.keep({"a": A, "b": B})
    spool.keep({})
    assert lines(tmp_path) == [{"boot_id": BOOT}, A, B]


def test_it_is_empty_again_when_the_last_is_written(tmp_path: Path, spool: Spool) -> None:
    spool.keep({"a": A, "b": B})
    spool.forget(["a", "unheard of"])
    assert len(lines(tmp_path)) == 3
    spool.forget(["b"])
    assert lines(tmp_path) == []
    spool.keep({"a": A})
    assert lines(tmp_path) == [{"boot_id": BOOT}, A]


def test_what_is_kept_is_on_the_disk_before_it_is_called_safe(
    tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[list[dict[str, Any]]] = []
    monkeypatch.setattr(os, "fsync", lambda _file: synced.append(lines(tmp_path)))
    spool.keep({"a": A})
    assert synced == [[{"boot_id": BOOT}, A]]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new", BOOT)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / f"{BOOT}.jsonl").stat().st_mode & 0o777 == 0o600
    spool.close()


def test_an_empty_one_is_removed_at_the_end_and_a_full_one_stays(tmp_path: Path) -> None:
    Spool(tmp_path, BOOT).close()
    assert list(tmp_path.iterdir()) == []
    spool = Spool(tmp_path, BOOT)
    spool.keep({"a": A})
    spool.close()
    assert [each.results for each in left_behind(tmp_path)] == [(A,)]


def test_the_spool_of_a_living_process_is_not_left_behind(tmp_path: Path, spool: Spool) -> None:
    spool.keep({"a": A})
    assert list(left_behind(tmp_path)) == []


def test_the_spool_of_a_killed_process_is(tmp_path: Path) -> None:
    with child(KEEP, tmp_path) as process:
        assert list(left_behind(tmp_path)) == []
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_SECONDS)
    (left,) = left_behind(tmp_path)
    assert (left.boot_id, left.results) == ("of-a-child", ({"id": "a"},))


def test_two_successors_do_not_read_it_at_once(tmp_path: Path) -> None:
    leave(tmp_path, f'{{"boot_id": "{BOOT}"}}\n{{"id": "a"}}\n')
    for _ in left_behind(tmp_path):
        assert list(left_behind(tmp_path)) == []
    assert len(list(left_behind(tmp_path))) == 1


@pytest.mark.parametrize(
    ("text", "boot_id", "results"),
    [
        ("", "", ()),
        ('{"boot_id": "x"}\n', "x", ()),
        ('{"boot_id": "x"}\n{"id": "a"}\n{"id": "b', "x", ({"id": "a"},)),
        ('{"boot_', "", ()),
    ],
)
def test_a_line_that_was_cut_short_is_left_out(
    tmp_path: Path, text: str, boot_id: str, results: tuple[dict[str, Any], ...]
) -> None:
    leave(tmp_path, text)
    path = tmp_path / f"{BOOT}.jsonl"
    assert list(left_behind(tmp_path)) == [LeftBehind(path, boot_id, results)]


def test_one_that_was_removed_before_it_was_locked_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / f"{BOOT}.jsonl"
    spools: list[Spool] = []
    with path.open("w") as seen_by_another:
        fcntl.flock(seen_by_another, fcntl.LOCK_EX)
        maker = threading.Thread(target=lambda: spools.append(Spool(tmp_path, BOOT)))
        maker.start()
        maker.join(0.1)
        assert spools == [], "it does not wait for the one who looks at it"
        path.unlink()
    maker.join(DEADLINE_SECONDS)
    (spool,) = spools
    spool.keep({"a": A})
    assert lines(tmp_path) == [{"boot_id": BOOT}, A]
    spool.close()


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X",
        b'{"boot_id": "x"}\n{"error": "\xff\xfe"}\n{"id": "a"}\n',
        b"[" * 100_000,
        b'{"boot_id": "x"}\nnonsense\n{"id": "a"}\n',
        b'{"id": "a"}\n',
        b"[1]\n",
    ],
)
def test_a_file_that_is_no_spool_is_set_aside_and_the_others_are_read(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "._odd.jsonl").write_bytes(content)
    leave(tmp_path, '{"boot_id": "x"}\n{"id": "a"}\n')
    odd, good = sorted(left_behind(tmp_path), key=lambda left: left.path.name)
    assert odd.fault
    assert odd.results == ()
    assert (good.boot_id, good.results, good.fault) == ("x", ({"id": "a"},), None)
    assert (tmp_path / "._odd.refused").read_bytes() == content


def test_a_folder_among_the_spools_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").mkdir()
    (left,) = left_behind(tmp_path)
    assert left.fault
    assert list(left_behind(tmp_path)) == []
