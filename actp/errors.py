"""Everything that can go wrong, as one tree.

::

    ActpError
    ├── InvalidInput        a command, flag or value cannot be used
    ├── SettingsError       the environment or .env is wrong
    ├── NotFound            no such command, service or file
    ├── WrongState          it exists, but not in a state that allows this
    ├── PortTaken           another worker process owns that service
    ├── TimedOut            waited as long as was allowed
    ├── ServiceError        a Safari service did not do what it was asked
    │   ├── ServiceUnavailable  cannot be reached or did not answer in time
    │   ├── ServiceRefused      answered with a no
    │   └── SafariBusy          others had the turn at Safari for too long
    ├── ClaudeError         Claude gave no answer that can be used
    ├── BlotatoError        a post, upload or question failed (actp.clients.blotato)
    ├── RemotionError       a render was not accepted (actp.clients.remotion)
    └── StoreError          the database did not do it
        ├── StoreUnavailable    cannot be reached or did not answer in time
        ├── StoreDenied         refused our key or role
        ├── SchemaMissing       tables or functions are not there, or are those of another release
        ├── SchemaEdited        a file of migrations/ is not as it was released
        └── StoreRefused        answered with its own error
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
    """A failure that a person can act on.

    ``remedy`` is the next step, shown on its own line.
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
    """Raised with every wrong setting at once, one a line."""

    exit_code = ExitCode.CONFIG
    default_remedy = "Correct .env (see .env.example for every setting) and start again."


class NotFound(ActpError):
    """Raised when the thing named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class WrongState(ActpError):
    """Raised when the thing exists but its state does not allow the request."""

    exit_code = ExitCode.WRONG_STATE


class PortTaken(ActpError):
    """Raised when another process on this host already owns a service."""

    exit_code = ExitCode.TEMPORARY


class TimedOut(ActpError):
    """Raised when something did not happen within the time allowed for it."""

    exit_code = ExitCode.TIMED_OUT


class ServiceError(ActpError):
    """Raised when a Safari service did not do what it was asked.

    ``may_be_busy`` says that Safari may still be driven on its behalf.
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

    default_remedy = "Start the service (bin/health shows all of them), then try again."


class ServiceRefused(ServiceError):
    """Raised when a service answers with a no; ``said`` is its JSON, None where it is none.

    ``status`` is that of HTTP.
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
    """Raised when others had the turn at Safari for longer than anybody waits."""

    exit_code = ExitCode.TEMPORARY
    default_remedy = "Try again later; bin/status shows what is being sent."


class ClaudeError(ActpError):
    """Raised when Claude gave no answer that can be used; the caller continues without.

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
    """Raised when the database did not do what was asked; ``function`` is what was called."""

    function: str | None = None

    exit_code = ExitCode.UNAVAILABLE


class StoreUnavailable(StoreError):
    """Raised when the database cannot be reached or does not answer in time."""

    default_remedy = "Check DATABASE_URL or SUPABASE_URL and the network; nothing was lost."


class StoreDenied(StoreError):
    """Raised when the database refuses our key, password or role."""

    exit_code = ExitCode.DENIED
    default_remedy = "Check the password in DATABASE_URL or SUPABASE_SERVICE_ROLE_KEY."


class SchemaMissing(StoreError):
    """Raised when our tables or functions are not in the database."""

    exit_code = ExitCode.SCHEMA
    default_remedy = "Run bin/db migrate, or apply migrations/ with the Supabase CLI."


class SchemaEdited(StoreError):
    """Raised when the SQL of this copy is not what was released, or cannot be put together."""

    exit_code = ExitCode.SCHEMA
    default_remedy = (
        "Restore the file (git checkout -- migrations); changes go into migrations/functions or a"
        " new timestamped file."
    )


class StoreRefused(StoreError):
    """Raised when the database answers with its own error."""

    exit_code = ExitCode.SOFTWARE
