-- The role for agents: it may ask, and do nothing else.
do $$
begin
  if not exists (select from pg_roles where rolname = 'actp_caller') then
    create role actp_caller nologin;
  end if;
  grant usage on schema public to actp_caller;
  grant execute on function public.safari_ask(text, jsonb), public.safari_schema() to actp_caller;
exception when insufficient_privilege then
  raise notice 'this role may not create the role actp_caller: agents need another one''s key';
end $$;
