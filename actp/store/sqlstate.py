"""Maps SQLSTATE, PostgREST and HTTP codes to errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.errors import (
    InvalidInput,
    NotFound,
    SchemaMissing,
    StoreDenied,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    WrongState,
)

if TYPE_CHECKING:
    from actp.errors import ActpError

_EXACT: dict[str, type[ActpError]] = {
    "P0002": NotFound,
    "PT404": NotFound,  # as a caller is told over REST
    "22023": InvalidInput,
    "55000": WrongState,
    "42501": StoreDenied,
    "PGRST301": StoreDenied,  # the JWT cannot be verified
    "PGRST302": StoreDenied,  # anonymous access is off
    "PGRST303": StoreDenied,  # the JWT has expired
    "401": StoreDenied,
    "403": StoreDenied,
    "42883": SchemaMissing,
    "42P01": SchemaMissing,
    "3F000": SchemaMissing,
    "PGRST106": SchemaMissing,  # the schema is not exposed
    "PGRST202": SchemaMissing,
    "PGRST205": SchemaMissing,
    "57014": StoreUnavailable,  # statement_timeout
    "55P03": StoreUnavailable,  # lock_timeout
    "40001": StoreUnavailable,  # a conflict between transactions: the same call may succeed next
    "40P01": StoreUnavailable,
    "25006": StoreUnavailable,  # a standby answers during a failover
}

_PREFIXES: tuple[tuple[str, type[ActpError]], ...] = (
    ("28", StoreDenied),
    ("08", StoreUnavailable),
    ("57P", StoreUnavailable),
    ("53", StoreUnavailable),
    ("580", StoreUnavailable),  # the system of the server, as its disk
    ("PGRST00", StoreUnavailable),  # PostgREST has no connection to its database
)

_HTTP_STATUS_LENGTH = 3


def error_class(code: str) -> type[ActpError]:
    """Return the class of error that a code stands for; an unknown one is a refusal."""
    if code in _EXACT:
        return _EXACT[code]
    for prefix, meaning in _PREFIXES:
        if len(code) > _HTTP_STATUS_LENGTH and code.startswith(prefix):
            return meaning
    if len(code) == _HTTP_STATUS_LENGTH and code.isdigit():
        # Without its own code, something between us and the database spoke.
        return StoreUnavailable
    return StoreRefused


_RULE = (
    "A rule of the table refuses it. If it is your own, drop it or let it take our rows: bin/doctor"
    " tries one."
)
_GONE = (
    "Run bin/db migrate, or apply migrations/ with the Supabase CLI. If what it names is not ours,"
    " a trigger or view of your own needs it."
)
_CHANGED = "A column was renamed or dropped: bin/doctor names it."
_DISK = (
    "The database cannot write to its disk, which may be full. Free some space there; it goes on by"
    " itself. Nothing was lost."
)
# What to do about errors whose class says too little.
_REMEDIES = {
    "23502": _RULE,
    "23503": _RULE,
    "23514": _RULE,
    "P0001": _RULE,
    "42703": _CHANGED,
    "42P01": _GONE,
    "42883": _GONE,
    "55P03": "Another program keeps the rows or the table locked: bin/doctor names it. Nothing was"
    " lost.",
    "25006": "The database takes no changes: its disk may be full, a standby answers, or"
    " default_transaction_read_only is on for the role or the database. Nothing was lost.",
    "53100": _DISK,
    "58030": _DISK,
    "53300": "Every connection of the database, or of its pooler, is in use. Close some, or raise"
    " max_connections or the size of the pool. Nothing was lost.",
}


_DENIED_ROWS = (
    "Connect as the owner of the tables (at Supabase: postgres, or the service_role key). If it is"
    " forced for the owner, run in SQL, for each: alter table public.NAME no force row level"
    " security;"
)


def remedy_of(code: str, message: str) -> str | None:
    """Return what to do about an error whose class says too little."""
    if code == "42501" and "row-level security" in message:
        return _DENIED_ROWS
    return _REMEDIES.get(code)


def error_of(code: str, message: str) -> ActpError:
    """Return the error that a code and its message stand for."""
    meaning = error_class(code)
    if meaning is StoreRefused and code:
        message = f"{message} (SQLSTATE {code})"
    error = meaning(message, remedy=remedy_of(code, message))
    if isinstance(error, StoreError):
        error.code = code
    return error


_DENIALS = (
    "authentication failed",
    "no pg_hba.conf entry",
    "no password supplied",
    "is not permitted to log in",
    "permission denied for database",
    "tenant or user not found",  # Supabase's pooler
    "wrong password",
)


def connecting_error_class(message: str) -> type[ActpError]:
    """Return the class of error for a failed connection.

    libpq keeps the SQLSTATE of a failed connection to itself, so its text must do.
    """
    text = message.lower()
    missing_role = 'role "' in text and "does not exist" in text
    denied = missing_role or any(phrase in text for phrase in _DENIALS)
    return StoreDenied if denied else StoreUnavailable


_FULL = (
    "remaining connection slots",
    "too many clients",
    "too many connections",
    "no more connections allowed",  # PgBouncer
    "max client connections",  # Supabase's pooler, as the next one
    "max clients reached",
)


def connecting_error(message: str) -> ActpError:
    """Return the error for a failed connection."""
    text = message.lower()
    remedy = _REMEDIES["53300"] if any(phrase in text for phrase in _FULL) else None
    if "no space left on device" in text:
        remedy = _DISK
    return connecting_error_class(message)(message, remedy=remedy)
