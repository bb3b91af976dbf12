"""Reads a script's output and exit code: bounded, storable, without secrets."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from actp.sanitize import storable, storable_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.processes import Finished
    from actp.settings import Settings

__all__ = ["masked", "read", "secrets_of"]

MASK: Final = "********"
# What is shorter would be found in any text.
SHORTEST_SECRET: Final = 6
KEPT_STDOUT_CHARS: Final = 4000
KEPT_ERROR_CHARS: Final = 500
KEPT_DATA_CHARS: Final = 32_768


def secrets_of(settings: Settings) -> list[str]:
    """Return what must never be kept, longest first: every token, and the database's password."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    secrets = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
    if settings.database_url is not None:
        # Loaded here: the scheduler keeps what it loads, and over REST nothing else needs it.
        from psycopg import Error  # noqa: PLC0415
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

        address = settings.database_url.get_secret_value()
        with suppress(Error, ValueError):  # connecting reports it
            given = conninfo_to_dict(address)
            secrets |= {str(given.get(name, "")) for name in ("password", "sslpassword")}
            # As it stands in a URL, where a script may print that.
            secrets.add(urlsplit(address).password or "")
    return sorted((s for s in secrets if len(s) >= SHORTEST_SECRET), key=len, reverse=True)


def masked(text: str, secrets: Sequence[str]) -> str:
    """Return the text with a mask in place of each secret."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def read(
    ended: Finished, secrets: Sequence[str], timeout_seconds: float
) -> tuple[dict[str, Any], str | None]:
    """Return the result to be logged, and why it is an error, or None."""
    output = masked(ended.stdout.decode("utf-8", "replace"), secrets)
    complaint = masked(ended.stderr.decode("utf-8", "replace"), secrets).strip()
    data = _data(output)
    error = _error(ended, data, complaint, timeout_seconds)
    result: dict[str, Any] = {
        "stdout": storable_text(output[-KEPT_STDOUT_CHARS:], KEPT_STDOUT_CHARS),
        "returncode": ended.returncode,
        "data": storable(data, KEPT_DATA_CHARS),
    }
    if ended.timed_out:
        result["timed_out"] = True
    if error is not None:
        error = storable_text(error, KEPT_ERROR_CHARS)
        result["error"] = error
    return result, error


def _data(output: str) -> Any:
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return None


def _error(ended: Finished, data: Any, complaint: str, timeout_seconds: float) -> str | None:
    if ended.timed_out:
        return f"did not end within {timeout_seconds:g} s"
    if ended.stopped:
        return "interrupted: the lease was lost, or the dispatcher stopped"
    if ended.returncode == 0:
        return None
    said = data.get("error") if isinstance(data, dict) else None
    if said:
        return str(said)
    if ended.returncode < 0:
        return f"ended by signal {-ended.returncode}"
    return complaint[-KEPT_ERROR_CHARS:] or f"ended with exit code {ended.returncode}"
