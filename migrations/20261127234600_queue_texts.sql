-- Texts of limited length in a queue that was here before ours would refuse a long error or address. Taking
-- the limit away rewrites nothing; where a view of others shows the column, the limit stays.
do $$
declare
  limited record;
begin
  for limited in
    select a.attname as name
      from pg_attribute a
     where a.attrelid = 'public.safari_command_queue'::regclass and not a.attisdropped
       and a.atttypid = 'varchar'::regtype and a.attgenerated = ''
       and a.attname in ('action', 'platform', 'status', 'error')
  loop
    begin
      execute format('alter table public.safari_command_queue alter column %I type text', limited.name);
    exception when feature_not_supported or insufficient_privilege then
      raise warning 'safari_command_queue.% keeps its limit: %', limited.name, sqlerrm;
    end;
  end loop;
end $$;
