"""Writes the SQL file that updates the functions of a database.

It holds the definitions that differ from those that the released files leave behind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from actp.errors import SchemaEdited
from actp.store.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Stamp", "bundle", "definition_key", "unguarded"]

_FUNCTION = re.compile(r"create or replace function\s+(?:public\.)?(\w+)\s*\(", re.IGNORECASE)
_TRIGGER = re.compile(
    r"create or replace trigger\s+(\w+)\s.*?\son\s+(?:public\.)?(\w+)", re.IGNORECASE | re.DOTALL
)
_VIEW = re.compile(r"create or replace view\s+(?:public\.)?(\w+)", re.IGNORECASE)
_GUARD = re.compile(r"do \$\$\ndeclare\n  here integer.*?\nend \$\$;", re.DOTALL)
_STATED = re.compile(r"set_config\('actp\.schema_version', '\d+'")
_FITTING = "function agent_fit(wanted jsonb)"
_DROP = re.compile(r"drop (?:function|trigger|view) if exists\s", re.IGNORECASE)

_HEAD = """\
-- Functions, views and triggers that changed since the last release. Generated from
-- migrations/functions by bin/db bundle; edit them there.
do $$
declare
  here integer := (select max(version) from public.safari_schema_versions);
begin
  if here > {version} then
    raise exception using errcode = 'object_not_in_prerequisite_state', message =
      format('the database is newer (schema version %s) than this file ({version})', here);
  end if;
end $$;

-- Each body may name what comes after it.
select set_config('check_function_bodies', 'off', false),
       set_config('actp.schema_version', '{version}', false);
"""

_TAIL = """\
insert into public.safari_schema_versions (version, release, oldest_code)
  values ({version}, '{release}', {oldest_code})
  on conflict (version) do update
    set release = excluded.release, oldest_code = excluded.oldest_code, applied_at = now();

select set_config('check_function_bodies', 'on', false);
select public.safari_protect();
"""

# A literal that needs no escapes: names and types of PostgreSQL.
_FIT = """\
-- Tables of other programs with other types are read through views.
select public.agent_fit('{columns}');
"""

_RECORDS = """\
-- What the Supabase CLI applied counts as applied for bin/db migrate of every release.
insert into public.safari_migrations (name, sha256) values
{rows}
  on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
    where safari_migrations.sha256 <> excluded.sha256;
"""


class Stamp(NamedTuple):
    """What the bundle records of the schema."""

    version: int
    release: str
    oldest_code: int
    columns: str = "{}"  # JSON: {table: {column: type}} of the agents' tables


def bundle(
    definitions: Iterable[str],
    released_sql: Iterable[str],
    *,
    released: Sequence[tuple[str, str]],
    stamp: Stamp,
    needed: bool,
) -> str | None:
    """Return the text of the bundle, or None when nothing changed and it is not ``needed``.

    ``definitions`` are the texts of migrations/functions, ``released_sql`` those of the released
    files in order, ``released`` their names and digests. Raises SchemaEdited for a statement that
    does not belong into migrations/functions, and for a released function that is gone from there
    without a ``drop``.
    """
    before = dict(_defined(released_sql))
    now = dict(_wanted(definitions))
    _refuse_vanished(before, now)
    changed = [text for key, text in now.items() if before.get(key) != text]
    if not changed and not needed:
        return None
    rows = ",\n".join(f"  ('{name}', '{digest}')" for name, digest in released)
    parts = [
        _HEAD.format(version=stamp.version),
        *(f"{text}\n" for text in changed),
        *([_RECORDS.format(rows=rows)] if rows else []),
        _TAIL.format(**stamp._asdict()),
        *([_FIT.format(columns=stamp.columns)] if _FITTING in now else []),
    ]
    return "\n".join(parts)


def unguarded(text: str, version: int) -> str:
    """Return a bundle as a migration runs it, which has compared the versions and states its own.

    Its lines keep their numbers. An old bundle refuses a newer database.
    """
    text = _GUARD.sub(lambda guard: "\n" * guard[0].count("\n"), text, count=1)
    return _STATED.sub(f"set_config('actp.schema_version', '{version}'", text)


def definition_key(statement: str) -> str | None:
    """Return what a statement defines or drops, the same for each version of it; else None."""
    if match := _FUNCTION.match(statement):
        return f"function {match[1]}({_arguments(statement, match.end())})"
    if match := _TRIGGER.match(statement):
        return f"trigger {match[1]} on {match[2]}"
    if match := _VIEW.match(statement):
        return f"view {match[1]}"
    if _DROP.match(statement):
        return _one_line(statement)
    return None


def _defined(sources: Iterable[str]) -> Iterator[tuple[str, str]]:
    for source in sources:
        for statement in statements(source):
            if (key := definition_key(statement.text)) is not None:
                yield key, statement.text


def _wanted(sources: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen = set()
    for source in sources:
        for statement in statements(source):
            key = definition_key(statement.text)
            first = statement.text.partition("\n")[0]
            if key is None:
                raise SchemaEdited(
                    f"migrations/functions holds definitions only, not: {first}",
                    remedy="Put tables, columns and data into a timestamped file.",
                )
            if key in seen:
                raise SchemaEdited(f"migrations/functions defines it twice: {first}")
            seen.add(key)
            yield key, statement.text


def _refuse_vanished(before: dict[str, str], now: dict[str, str]) -> None:
    dropped = {_name(key) for key in (*before, *now) if key.startswith("drop ")}
    for key in before.keys() - now.keys():
        if not key.startswith("drop ") and _name(key) not in dropped:
            raise SchemaEdited(
                f"a released {key} is gone from migrations/functions, or has other arguments",
                remedy="Write a drop … if exists of it before what replaces it, or put it back.",
            )


def _name(key: str) -> str:
    """Return the name in a key, whatever its signature."""
    words = key.replace("if exists ", "").replace("public.", "").removeprefix("drop ")
    kind, name = re.match(r"(\w+) (\w+)", words).groups()  # type: ignore[union-attr]
    return f"{kind} {name}"


def _arguments(statement: str, start: int) -> str:
    """Return names and types of the arguments that begin at ``start``, without defaults."""
    depth, end, begin, found = 1, start, start, []
    while depth:
        depth += {"(": 1, ")": -1}.get(statement[end], 0)
        if depth == 0 or (depth == 1 and statement[end] == ","):
            found.append(_one_line(statement[begin:end]).split(" default ")[0])
            begin = end + 1
        end += 1
    return ", ".join(found)


def _one_line(text: str) -> str:
    return " ".join(text.lower().split())
