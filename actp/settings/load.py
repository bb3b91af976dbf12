"""Read the environment and .env into Settings, or raise one error that names every mistake."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.main import resolve_variables
from dotenv.parser import parse_stream
from pydantic import ValidationError

from actp.errors import SettingsError
from actp.settings.host import absolute, base_folder
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
    from collections.abc import Iterable, Mapping

    from dotenv.parser import Binding
    from pydantic_core import ErrorDetails

# ${NAME}, which dotenv expands; ${NAME:-default} has what to fall back to.
_EXPANDED = re.compile(r"\$\{([^}:]+)\}")
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

    ``env_file`` is by default what ACTP_ENV_FILE names (empty: none), which must exist, else .env
    in the project's root, which need not. Raises SettingsError with one line for each mistake.
    """
    env = os.environ if env is None else env
    path = settings_file(env) if env_file is None else env_file
    must_exist = env_file is None and bool(env.get(ENV_FILE_NAME))
    from_file, wrong_in_file = _read(path, must_exist=must_exist)
    wrong_in_env = unknown_in_environment(env)
    given_in_env = _set(env)
    try:
        settings = Settings(**{**_set(from_file), **given_in_env})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            is_of_env = str(details["loc"][0]) in given_in_env
            (wrong_in_env if is_of_env else wrong_in_file).append(_line(details))
        settings = None
    if wrong_in_file or wrong_in_env or settings is None:
        places = [str(path)] if wrong_in_file and path else []
        places += ["the environment"] if wrong_in_env or not places else []
        raise SettingsError(
            "\n".join([*wrong_in_file, *wrong_in_env]),
            remedy=f"Fix {' and '.join(places)}, and try again; .env.example lists every setting.",
        )
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
    return absolute(Path(chosen), env) if chosen else None


def read_bindings(path: Path, *, must_exist: bool = False) -> list[Binding]:
    """Return the lines of the file, which is read once, since it can be a pipe.

    Raises SettingsError for a file that cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return list(parse_stream(file))
    except FileNotFoundError:
        if path.is_symlink():
            raise SettingsError(
                f"{path}: is a link to a file that does not exist — a file or no link"
            ) from None
        if must_exist:
            # Without its settings, the defaults lead to the real services.
            raise SettingsError(
                f"{ENV_FILE_NAME}: {path} does not exist — a file, or empty for none"
            ) from None
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{path}: cannot be read ({reason}) — a file of NAME=value lines"
        ) from None


def values_of(bindings: Iterable[Binding]) -> Mapping[str, str | None]:
    """Return the values by name, with ${NAME} expanded; the last line of a name wins."""
    return resolve_variables([(it.key, it.value) for it in bindings if it.key], override=True)


def _read(path: Path | None, *, must_exist: bool) -> tuple[Mapping[str, str | None], list[str]]:
    """Return the values of the file, and a line for each thing wrong with its form."""
    if path is None:
        return {}, []
    try:
        bindings = read_bindings(path, must_exist=must_exist)
    except SettingsError as error:
        return {}, [str(error)]
    names = {it.key for it in bindings if it.key}
    # A name alone sets nothing, whatever its writer thought: SAFARI_SHADOW, for example.
    wrong = [
        f"{path.name} line {line_of(it)}: cannot be read — NAME=value"
        for it in bindings
        if it.error or (it.value is None and _is_setting(it))
    ]
    wrong += [
        f"{it.key}: contains ${{…}} with a name that is not set — the value itself"
        for it in bindings
        if _is_setting(it) and not names | os.environ.keys() >= {*_EXPANDED.findall(it.value or "")}
    ]
    return values_of(bindings), wrong + unknown_in_file(names)


def line_of(binding: Binding) -> int:
    """Return the number of the line on which the setting stands, after blank lines."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _is_setting(binding: Binding) -> bool:
    return binding.key in KNOWN or binding.key in ALIASES


def _line(details: ErrorDetails) -> str:
    field = str(details["loc"][0])
    name = ALIASES.get(field.upper(), field.upper())
    if details["type"] == "value_error":
        return f"{name}: {details['ctx']['error']}"
    shown = "the value" if name in SECRETS else repr(details["input"])
    wrong, expected = _EXPECTED.get(details["type"], ("cannot be used", details["msg"]))
    return f"{name}: {shown} {wrong} — {expected.format(**details.get('ctx', {}))}"
