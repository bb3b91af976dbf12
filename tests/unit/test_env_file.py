from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import assume, given
from hypothesis import strategies as st

from actp.errors import InvalidInput
from actp.private_file import write_private
from actp.settings.env_file import quoted, with_values


def read(text: str, path: Path) -> dict[str, str | None]:
    path.write_text(text, encoding="utf-8")
    return dict(dotenv_values(path))


def test_other_lines_stay_and_a_name_is_set_once() -> None:
    before = "# words\n#A=1\nB=2\nexport C = 3\n#A=old\n"
    after = with_values(before, {"A": "x", "B": "y z", "C": "4", "D": ""})
    assert after == "# words\n#A=1\nB='y z'\nC=4\nA=x\nD=\n"


def test_a_value_of_several_lines_is_replaced_whole() -> None:
    before = "A=1\n\nB='{\n  x\n}'\n\n# end"
    assert with_values(before, {"B": "y"}) == "A=1\n\nB=y\n\n# end\n"


@pytest.mark.parametrize("value", ["it's", "a\\b", "$HOME", "# no comment", "'", "a=b", '"'])
def test_a_value_is_read_back_as_it_was_given(value: str, tmp_path: Path) -> None:
    assert read(with_values("", {"NAME": value}), tmp_path / "file") == {"NAME": value}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))))
def test_any_printable_value_is_read_back(value: str) -> None:
    assume("${" not in value)
    assert dotenv_values(stream=io.StringIO(f"NAME={quoted(value)}\n"))["NAME"] == value


def test_a_value_that_dotenv_would_expand_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expanded"):
        quoted("pass${word}")


def test_the_file_is_for_its_owner_alone_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / ".env"
    write_private(path, "A=1\n")
    path.chmod(0o644)
    write_private(path, "A=2\n")
    assert path.read_text() == "A=2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_file_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "kept" / "settings", tmp_path / ".env"
    target.parent.mkdir()
    target.write_text("WORKERS=2\n")
    link.symlink_to(target)
    write_private(link, "WORKERS=3\n")
    assert link.is_symlink()
    assert target.read_text() == "WORKERS=3\n"
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_device_or_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull), tmp_path):
        with pytest.raises(InvalidInput, match="is not a regular file"):
            write_private(path, "A=1\n")
    assert pipe.is_fifo()
    assert Path(os.devnull).is_char_device()
