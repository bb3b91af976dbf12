-- Who may call the functions.

-- Functions are for the service role alone. Supabase grants new ones to anon by default, so each
-- migration that adds functions ends by calling this.
create or replace function public.safari_protect() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  routine record;
  role name;
begin
  for routine in
    select p.oid::regprocedure as signature
      from pg_proc p
     where p.pronamespace = 'public'::regnamespace
       and p.proname ~ '^(safari|agent)_' and p.proowner = current_user::regrole
  loop
    execute format('revoke all on function %s from public', routine.signature);
    for role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
      execute format('revoke all on function %s from %I', routine.signature, role);
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant execute on function %s to service_role', routine.signature);
    end if;
  end loop;
end $$;
