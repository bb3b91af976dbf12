"""The file of settings: which lines count, and which are refused because they would set nothing."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from actp.errors import SettingsError
from actp.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def mistakes(env_file: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings({"ACTP_ENV_FILE": str(env_file)})
    return str(caught.value).splitlines()


def test_a_file_that_the_environment_names_must_exist(env_file: Path) -> None:
    """Its absence would lead to the defaults: the real services."""
    [line] = mistakes(env_file)
    assert line == f"ACTP_ENV_FILE: {env_file} does not exist — a file, or empty for none"


def test_a_file_is_read_once_and_can_be_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "settings"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("WORKERS=4\n",))
    writer.start()
    assert load_settings({"ACTP_ENV_FILE": str(pipe)}).workers == 4
    writer.join()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("WORKERS=2\n\nSAFARI_SHADOW\n", ".env line 3: cannot be read — NAME=value"),
        ("export SAFARI_SHADOW\n", ".env line 1: cannot be read — NAME=value"),
        (
            "SAFARI-SHADOW=1\n",
            "SAFARI-SHADOW (.env): unknown setting — did you mean SAFARI_SHADOW?",
        ),
        (
            "Safari.Shadow=1\n",
            "Safari.Shadow (.env): unknown setting — did you mean SAFARI_SHADOW?",
        ),
        (
            "BLOTATO_API_KEY=a${NO_SUCH_NAME}\n",
            "BLOTATO_API_KEY: contains ${…} with a name that is not set — the value itself",
        ),
        ("ACTP_HOME=$HOME/x\n", "ACTP_HOME: '$HOME/x' contains a $ that is not expanded"),
        ("ACTP_HOME=/a/$USER\n", "ACTP_HOME: '/a/$USER' contains a $ that is not expanded"),
        ("ACTP_HOME=~nobody-here/x\n", "ACTP_HOME: '~nobody-here/x' names no user of this host"),
        ('ACTP_HOME="a\nb"\n', "ACTP_HOME: 'a\\nb' contains characters that cannot be printed"),
    ],
)
def test_a_line_that_would_set_nothing_or_another_thing_is_refused(
    env_file: Path, text: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    env_file.write_text(text)
    [line] = mistakes(env_file)
    assert line.startswith(said)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("in_file", "in_env", "places"),
    [("many", None, "{file}"), (None, "many", "the environment"), ("2", "many", "the environment")],
)
def test_the_remedy_names_the_place_of_the_mistake(
    env_file: Path, in_file: str | None, in_env: str | None, places: str
) -> None:
    env_file.write_text(f"WORKERS={in_file or ''}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({"WORKERS": in_env or ""}, env_file)
    place = places.format(file=env_file)
    assert caught.value.remedy.startswith(f"Fix {place}, and try again;")
