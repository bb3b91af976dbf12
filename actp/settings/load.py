"""Read the environment and .env into Settings, or raise one error that names every mistake."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import ValidationError

from actp.errors import SettingsError
from actp.settings.host import base_folder
from actp.settings.model import Settings
from actp.settings.names import (
    ALIASES,
    ENV_FILE_NAME,
    KNOWN,
    SECRETS,
    unknown_in_environment,
    unknown_in_file,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_EXPECTED = {
    "bool_parsing": ("cannot be used", "true or false"),
    "finite_number": ("cannot be used", "a number"),
    "float_parsing": ("cannot be used", "a number"),
    "greater_than": ("is too small", "more than {gt}"),
    "greater_than_equal": ("is too small", "at least {ge}"),
    "int_parsing": ("cannot be used", "a whole number"),
    "less_than_equal": ("is too large", "at most {le}"),
    "literal_error": ("is not a choice", "{expected}"),
}


def load_settings(env: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read the settings; the environment wins over the file, an empty value counts as not set.

    ``env_file`` is by default what ACTP_ENV_FILE names (empty: none), else .env in the project's
    root; it need not exist. Raises SettingsError with one line for each mistake.
    """
    env = os.environ if env is None else env
    path = settings_file(env) if env_file is None else env_file
    in_file, wrong = _names_in(path)
    wrong += unknown_in_environment(env)
    from_file = dotenv_values(path, encoding="utf-8") if in_file else {}
    given = _set(from_file) | _set(env)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        wrong += [_line(details) for details in error.errors(include_url=False)]
        settings = None
    if wrong or settings is None:
        raise SettingsError("\n".join(wrong))
    return settings


def _set(pairs: Mapping[str, str | None]) -> dict[str, str]:
    """Return what is set, by the names of the fields; a name wins over its alias."""
    return {
        ALIASES.get(name, name).lower(): value
        for name, value in sorted(pairs.items(), key=lambda item: item[0] in KNOWN)
        if value is not None and value.strip() and (name in KNOWN or name in ALIASES)
    }


def settings_file(env: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that settings are read from, which need not exist; None for none."""
    env = os.environ if env is None else env
    chosen = env.get(ENV_FILE_NAME)
    if chosen is None:
        return base_folder(sys.platform, env) / ".env"
    return base_folder(sys.platform, env) / Path(chosen).expanduser() if chosen else None


def _names_in(path: Path | None) -> tuple[list[str], list[str]]:
    """Return the names set in the file and a line for each thing wrong with its form."""
    if path is None:
        return [], []
    try:
        with path.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except FileNotFoundError:
        if path.is_symlink():
            return [], [f"{path}: is a link to a file that does not exist — a file or no link"]
        return [], []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return [], [f"{path}: cannot be read ({reason}) — a file of NAME=value lines"]
    names = [binding.key for binding in bindings if binding.key]
    wrong = [
        f"{path.name} line {binding.original.line}: cannot be read — NAME=value"
        for binding in bindings
        if binding.error
    ]
    return names, wrong + unknown_in_file(names)


def _line(details: ErrorDetails) -> str:
    field = str(details["loc"][0])
    name = ALIASES.get(field.upper(), field.upper())
    if details["type"] == "value_error":
        return f"{name}: {details['ctx']['error']}"
    shown = "the value" if name in SECRETS else repr(details["input"])
    wrong, expected = _EXPECTED.get(details["type"], ("cannot be used", details["msg"]))
    return f"{name}: {shown} {wrong} — {expected.format(**details.get('ctx', {}))}"
