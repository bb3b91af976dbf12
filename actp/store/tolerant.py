"""SQL files for programs that apply a file as a whole, such as the Supabase CLI.

A migration sets a statement aside that an agent's table does not allow. In these files such a
statement sets itself aside, so that the queue's part is applied whatever those tables are.
"""

from __future__ import annotations

from typing import Final

from actp.store.agents import ONLY_MADE, is_optional
from actp.store.statements import statements

__all__ = ["tolerant"]

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
        end if;
    end;
    -- A function whose body does not fit a table fails when it runs, not when it is made.
    perform set_config('check_function_bodies', 'off', true);
  end loop;
  perform set_config('check_function_bodies', checks, true);
end $optional$;"""


def tolerant(source: str) -> str:
    """Return an SQL file that no agent's table can stop; elsewhere it does the same."""
    parts, position = [], 0
    for statement in statements(source):
        begin = source.index(statement.text, position)
        parts.append(source[position:begin])
        position = begin + len(statement.text)
        parts.append(statement.text)
        if is_optional(statement):
            before = f"perform {ONLY_MADE};\n      " if "agent_close(" in statement.text else ""
            parts[-1] = _OPTIONAL.format(before=before, text=statement.text)
    return "".join([*parts, source[position:]])
