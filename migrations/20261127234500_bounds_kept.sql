-- What was written before the triggers of functions/bounds.sql looked at it: what is no limit is taken out,
-- so that the default of its column or setting counts.
do $$
declare
  policy public.safari_policies;
  own public.safari_account_policies;
  name text;
begin
  for policy in
    select p.* from public.safari_policies p where public.safari_policy_fault(p) is not null
  loop
    raise warning '% % had a limit that cannot be: %', policy.platform, policy.kind,
      public.safari_policy_fault(policy);
    update public.safari_policies p
       set time_zone = case when exists (select from pg_timezone_names z where z.name = p.time_zone)
                            then p.time_zone end,
           min_gap_seconds = case when p.min_gap_seconds between 0 and 31622400 then p.min_gap_seconds
                                  else 30 end,
           ramp_from = case when p.ramp_from = public.safari_bounded(p.ramp_from) then p.ramp_from end,
           weekdays = case when 1 <= all (p.weekdays) and 7 >= all (p.weekdays) then p.weekdays end
     where p.platform = policy.platform and p.kind = policy.kind;
  end loop;
  for own in
    select a.* from public.safari_account_policies a
     where public.safari_changes_fault(a.platform, a.kind, a.changes) is not null
  loop
    raise warning 'the account % of % had a limit that cannot be: %', own.account, own.platform,
      public.safari_changes_fault(own.platform, own.kind, own.changes);
    if jsonb_typeof(own.changes) <> 'object' then
      own.changes := '{}';
    end if;
    foreach name in array array(select jsonb_object_keys(own.changes)) loop
      if public.safari_changes_fault(
           own.platform, own.kind, jsonb_build_object(name, own.changes -> name)) is not null then
        own.changes := own.changes - name;
      end if;
    end loop;
    update public.safari_account_policies a set changes = own.changes
     where a.platform = own.platform and a.kind = own.kind and a.account = own.account;
  end loop;
  update public.safari_settings s
     set value = case s.key when 'retry_limit' then '3' when 'retry_base_seconds' then '15'
                            when 'review' then '"off"' else '[]' end::jsonb
   where public.safari_setting_fault(s.key, s.value) is not null;
end $$;
