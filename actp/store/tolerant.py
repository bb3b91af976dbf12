"""SQL files for programs that apply a file as a whole, such as the Supabase CLI.

A migration sets a statement aside that an agent's table does not allow. In these files such a
statement sets itself aside, so that the queue's part is applied whatever those tables are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.store.agents import ONLY_MADE, is_optional
from actp.store.schema import BEFORE_EACH, FROM_PUBLIC
from actp.store.statements import statements

if TYPE_CHECKING:
    from actp.store.schema import Migration

__all__ = ["for_other_programs"]

# Errors of the moment, as a lock or a lost connection, still end the file.
_OPTIONAL: Final = """\
do $optional$
declare
  checks constant text := current_setting('check_function_bodies');
begin
  for attempt in 1..2 loop
    begin
      {before}execute $statement${text}$statement$;
      perform set_config('check_function_bodies', checks, true);
      return;
    exception
      when syntax_error_or_access_rule_violation or data_exception or integrity_constraint_violation
        or feature_not_supported or dependent_objects_still_exist or raise_exception
      then
        if attempt = 2 then
          raise warning 'set aside: %', sqlerrm;
          perform set_config('actp.faults', (
            coalesce(nullif(current_setting('actp.faults', true), ''), '{{}}')::jsonb
            || jsonb_build_object('{line}', sqlerrm))::text, true);
        end if;
    end;
    -- A function whose body does not fit a table fails when it runs, not when it is made.
    perform set_config('check_function_bodies', 'off', true);
  end loop;
  perform set_config('check_function_bodies', checks, true);
end $optional$;"""

# As a migration records it, which then tries again what was set aside.
_RECORD: Final = """

do $record$
begin
  perform set_config('actp.schema_version', '{version}', true);
  insert into public.safari_migrations (name, sha256, faults)
    values ('{name}', '{sha256}', nullif(current_setting('actp.faults', true), '')::jsonb)
    on conflict (name) do update
      set sha256 = excluded.sha256, faults = excluded.faults, applied_at = now();
  perform set_config('actp.faults', '', true);
end $record$;
"""


def for_other_programs(file: Migration, version: int) -> str:
    """Return a file that no agent's table can stop and that records itself as applied.

    Where those tables fit it does what the file does.
    """
    before = "\n".join(path.read_text(encoding="utf-8") for path in BEFORE_EACH)
    record = _RECORD.format(version=version, name=file.name, sha256=file.sha256)
    return f"{FROM_PUBLIC % False};\n\n{before}\n{_tolerant(file.text)}{record}"


def _tolerant(source: str) -> str:
    parts, position = [], 0
    for statement in statements(source):
        begin = source.index(statement.text, position)
        parts.append(source[position:begin])
        position = begin + len(statement.text)
        parts.append(statement.text)
        if is_optional(statement):
            before = f"perform {ONLY_MADE};\n      " if "agent_close(" in statement.text else ""
            parts[-1] = _OPTIONAL.format(before=before, line=statement.line, text=statement.text)
    return "".join([*parts, source[position:]])
