"""The last lines of log files, and those that follow."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from actp.cli.tail import follow, merged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Cli


def log(folder: Path, name: str, *lines: str) -> Path:
    path = folder / f"{name}.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_files_are_merged_by_time_and_a_traceback_stays_together(tmp_path: Path) -> None:
    ours = log(tmp_path, "worker_00", "2026-01-01T00:00:01Z INFO a", "Traceback", "  File x")
    theirs = log(tmp_path, "supervisord", "2026-01-01 00:00:00,5 INFO z", "2026-01-01 00:00:02 end")
    assert [line for _, line in merged([ours, theirs], 10)] == [
        "2026-01-01 00:00:00,5 INFO z",
        "2026-01-01T00:00:01Z INFO a",
        "Traceback",
        "  File x",
        "2026-01-01 00:00:02 end",
    ]
    assert merged([ours, theirs], 1) == [("supervisord", "2026-01-01 00:00:02 end")]
    assert merged([ours, theirs], 0) == []


def test_a_long_file_is_read_from_its_end(tmp_path: Path) -> None:
    path = log(tmp_path, "worker_00", *(f"{number} " + "x" * 100 for number in range(10_000)))
    assert [line.split()[0] for _, line in merged([path], 2)] == ["9998", "9999"]


def test_what_is_written_is_followed_over_a_rotation_and_an_emptying(tmp_path: Path) -> None:
    path = log(tmp_path, "worker_00", "before")
    with closing(follow([path, tmp_path / "later.log"])) as lines:
        append(path, "first\nhal")
        assert next(lines) == ("worker_00", "first")
        append(path, "f\n")
        assert next(lines) == ("worker_00", "half")
        append(path, "last\n")
        path.rename(tmp_path / "worker_00.log.1")
        log(tmp_path, "worker_00", "rotated")
        assert [next(lines), next(lines)] == [("worker_00", "last"), ("worker_00", "rotated")]
        path.write_text("new\n")
        assert next(lines) == ("worker_00", "new")
        log(tmp_path, "later", "appeared")
        assert next(lines) == ("later", "appeared")


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_program_without_a_log_is_refused(run: Cli, tmp_path: Path) -> None:
    missing = run("logs")
    assert missing.code == 65
    folder = tmp_path / "home" / "logs"
    folder.mkdir(parents=True)
    log(folder, "worker_00", "2026-01-01T00:00:01Z INFO \x1b[31mred")
    log(folder, "scheduler", "2026-01-01T00:00:02Z INFO tick")
    unknown = run("logs", "nobody")
    assert unknown.code == 66
    assert "scheduler, worker_00" in unknown.err
    assert run("logs", "worker").out == "2026-01-01T00:00:01Z INFO �[31mred\n"
    both = run("logs").out.splitlines()
    assert [line.split()[0] for line in both] == ["worker_00", "scheduler"]
