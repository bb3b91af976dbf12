-- Functions with which the conformance suite asks a store every awkward question.
create function conformance_echo(
  p_text text default null,
  p_int int default null,
  p_double double precision default null,
  p_bool boolean default null,
  p_uuid uuid default null,
  p_json jsonb default null
) returns jsonb language sql as $$
  select jsonb_build_object(
    'text', p_text, 'int', p_int, 'double', p_double,
    'bool', p_bool, 'uuid', p_uuid, 'json', p_json)
$$;

create function conformance_null() returns jsonb language sql as $$ select null::jsonb $$;

create function conformance_scalar(p_json jsonb) returns jsonb language sql as $$
  select p_json -> 'value'
$$;

create function conformance_slow(p_seconds double precision) returns jsonb
language plpgsql as $$
begin
  perform pg_sleep(p_seconds);
  return jsonb_build_object('slept', p_seconds);
end
$$;

create function conformance_raise(p_state text, p_message text) returns jsonb
language plpgsql as $$
begin
  raise exception using errcode = p_state, message = p_message;
end
$$;

create function conformance_rows(p_count int, p_width int) returns jsonb language sql as $$
  select jsonb_agg(jsonb_build_object('n', n, 'text', repeat('x', p_width)) order by n)
  from generate_series(1, p_count) as n
$$;

create table conformance_notes (key text primary key, times int not null default 1);

create function conformance_note(p_key text) returns jsonb language sql as $$
  insert into conformance_notes (key) values (p_key)
  on conflict (key) do update set times = conformance_notes.times + 1
  returning jsonb_build_object('times', times)
$$;

create function conformance_note_then_fail(p_key text) returns jsonb language plpgsql as $$
begin
  insert into conformance_notes (key) values (p_key);
  raise exception 'after the insert';
end
$$;

create function conformance_backend() returns jsonb language sql as $$
  select jsonb_build_object('pid', pg_backend_pid())
$$;

create function conformance_sorry() returns jsonb language plpgsql as $$
begin
  return conformance_missing();
end
$$;

create function conformance_setting(p_name text) returns jsonb language sql as $$
  select to_jsonb(current_setting(p_name))
$$;

create function conformance_private() returns jsonb language sql as $$ select '{}'::jsonb $$;
revoke all on function conformance_private() from public;
do $$
begin
  if exists (select from pg_roles where rolname = 'anon') then
    revoke all on function conformance_private() from anon;
  end if;
end
$$;
