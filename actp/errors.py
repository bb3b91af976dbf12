"""The exception hierarchy, with exit codes and remedies.

::

    ActpError
    ├── InvalidInput        invalid command, flag or value
    ├── SettingsError       invalid environment or .env
    ├── NotFound            no such command, service or file
    ├── WrongState          the current state does not allow this
    ├── PortTaken           another worker process owns that service
    ├── TimedOut            the operation timed out
    ├── ServiceError        a request to a Safari service failed
    │   ├── ServiceUnavailable  unreachable, or no answer in time
    │   ├── ServiceRefused      rejected the request
    │   └── SafariBusy          Safari was in use until the wait timed out
    ├── ClaudeError         Claude returned no usable answer
    ├── BlotatoError        a post, upload or query failed (actp.clients.blotato)
    ├── RemotionError       a render was not accepted (actp.clients.remotion)
    └── StoreError          a database call failed
        ├── StoreUnavailable    unreachable, or no answer in time
        ├── StoreDenied         rejected the key or role
        ├── SchemaMissing       tables or functions are missing, or from another release
        ├── SchemaEdited        a released file of migrations/ was changed
        └── StoreRefused        returned an error
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal

__all__ = [
    "ActpError",
    "ClaudeError",
    "ExitCode",
    "InvalidInput",
    "NotFound",
    "PortTaken",
    "SafariBusy",
    "SchemaEdited",
    "SchemaMissing",
    "ServiceError",
    "ServiceRefused",
    "ServiceUnavailable",
    "SettingsError",
    "StoreDenied",
    "StoreError",
    "StoreRefused",
    "StoreUnavailable",
    "TimedOut",
    "WrongState",
]


class ExitCode(IntEnum):
    """Exit codes of every process; the numbers follow sysexits(3)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    WRONG_STATE = 65
    NOT_FOUND = 66
    UNAVAILABLE = 69
    SOFTWARE = 70
    TEMPORARY = 75
    SCHEMA = 76
    DENIED = 77
    CONFIG = 78
    TIMED_OUT = 124


class ActpError(Exception):
    """Base class of all expected errors.

    ``remedy`` is the operator's next step, shown on a separate line.
    """

    exit_code = ExitCode.FAILED
    default_remedy = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = self.default_remedy if remedy is None else remedy


class InvalidInput(ActpError):
    """Raised when a command, flag or value cannot be used as given."""

    exit_code = ExitCode.USAGE


class SettingsError(ActpError):
    """Raised for invalid settings; lists all of them, one per line."""

    exit_code = ExitCode.CONFIG
    default_remedy = "Fix .env (.env.example lists every setting) and try again."


class NotFound(ActpError):
    """Raised when the named command, service or file does not exist."""

    exit_code = ExitCode.NOT_FOUND


class WrongState(ActpError):
    """Raised when the current state does not allow the request."""

    exit_code = ExitCode.WRONG_STATE


class PortTaken(ActpError):
    """Raised when another process on this host already owns a service."""

    exit_code = ExitCode.TEMPORARY


class TimedOut(ActpError):
    """Raised when an operation timed out."""

    exit_code = ExitCode.TIMED_OUT


class ServiceError(ActpError):
    """Raised when a request to a Safari service failed.

    ``may_be_busy``: the service may still be using Safari.
    """

    exit_code = ExitCode.UNAVAILABLE

    def __init__(
        self,
        service: str,
        message: str,
        *,
        may_be_busy: bool = False,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.service = service
        self.may_be_busy = may_be_busy


class ServiceUnavailable(ServiceError):
    """Raised when a service cannot be reached, is another program, or does not answer in time."""

    default_remedy = "Start the service (see bin/health), then try again."


class ServiceRefused(ServiceError):
    """Raised when a service rejects a request; ``said`` is its JSON, or None.

    ``status`` is the HTTP status.
    """

    def __init__(
        self,
        service: str,
        message: str,
        *,
        status: int,
        said: Any = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(service, message, remedy=remedy)
        self.status = status
        self.said = said


class SafariBusy(ServiceError):
    """Raised when Safari stayed in use by others until the wait timed out."""

    exit_code = ExitCode.TEMPORARY
    default_remedy = "Try again later; see bin/status for what is being sent."


class ClaudeError(ActpError):
    """Raised when Claude returned no usable answer; the caller continues without one.

    ``no_key``: none is set; ``unavailable``: not reached, or no answer in time; ``refused``: the
    key, the model or the question; ``garbage``: not in the shape that was asked for;
    ``over_budget``: this run has used the tokens it may use.
    """

    def __init__(
        self,
        reason: Literal["no_key", "unavailable", "refused", "garbage", "over_budget"],
        message: str,
        *,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


class StoreError(ActpError):
    """Raised when a database call failed: ``function``, with ``code``, its SQLSTATE, if any."""

    function: str | None = None
    code = ""

    exit_code = ExitCode.UNAVAILABLE


class StoreUnavailable(StoreError):
    """Raised when the database cannot be reached or does not answer in time."""

    default_remedy = "Check DATABASE_URL or SUPABASE_URL and the network. Nothing was lost."


class StoreDenied(StoreError):
    """Raised when the database rejects the key, password or role."""

    exit_code = ExitCode.DENIED
    default_remedy = "Check the password in DATABASE_URL or SUPABASE_SERVICE_ROLE_KEY."


class SchemaMissing(StoreError):
    """Raised when the database lacks tables or functions of this release."""

    exit_code = ExitCode.SCHEMA
    default_remedy = "Run bin/db migrate, or apply migrations/ with the Supabase CLI."


class SchemaEdited(StoreError):
    """Raised when released SQL files were changed, or the SQL files contradict each other."""

    exit_code = ExitCode.SCHEMA
    default_remedy = (
        "Restore the file (git checkout -- migrations). Put changes into migrations/functions or a"
        " new timestamped file."
    )


class StoreRefused(StoreError):
    """Raised when the database returned an error."""

    exit_code = ExitCode.SOFTWARE
