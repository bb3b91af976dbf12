-- What works where: the hooks that several agents find are kept together, our own apart from those of
-- strangers, which inspire Claude and are never published.

-- Joins two lists of hooks: the newer first, each once whatever its case, ten at most.
create or replace function public.agent_merged_hooks(newer text[], older text[]) returns text[]
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(array_agg(h.hook order by h.place), '{}') from (
    select left(btrim((array_agg(u.hook order by u.place))[1]), 200) as hook, min(u.place) as place
      from unnest(coalesce(newer, '{}') || coalesce(older, '{}')) with ordinality u (hook, place)
     where btrim(coalesce(u.hook, '')) <> ''
     group by lower(btrim(u.hook)) order by min(u.place) limit 10
  ) h
$$;

-- Adds hooks, [{platform, niche, hooks}], to the row of that niche with the most samples; where there
-- is none yet, one without samples holds them. `own` says whether the posts they begin are ours.
drop function if exists public.agent_resonance_add_hooks(jsonb);
create or replace function public.agent_resonance_add_hooks(rows jsonb, own boolean default true)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  item record;
  target uuid;
begin
  for item in
    select safari_platform(r.platform) as platform, n.niche,
           array(select jsonb_array_elements_text(r.hooks)) as hooks
      from jsonb_to_recordset(rows) as r (platform text, niche text, hooks jsonb)
     cross join lateral agent_niche(r.niche) n (niche)
     where n.niche <> 'other' order by 1, 2
  loop
    select n.id into target from actp_niche_resonance n
     where n.platform = item.platform and n.niche = item.niche
     order by n.sample_count desc nulls last, n.offer_tag, n.content_type limit 1 for update;
    if not found then
      insert into actp_niche_resonance as n (platform, niche, offer_tag, content_type, sample_count)
        values (item.platform, item.niche, 'none', 'educational', 0)
        on conflict (platform, niche, offer_tag, content_type) do update
          set sample_count = n.sample_count
        returning n.id into target;
    end if;
    update actp_niche_resonance n
       set top_hook_patterns = case
             when own then agent_as(
               to_jsonb(agent_merged_hooks(item.hooks, agent_texts(to_jsonb(n.top_hook_patterns)))),
               n.top_hook_patterns)
             else n.top_hook_patterns end,
           inspiration_hooks = case when own then n.inspiration_hooks
                                    else agent_merged_hooks(item.hooks, n.inspiration_hooks) end
     where n.id = target;
  end loop;
  return jsonb_build_object('niches', jsonb_array_length(rows));
end $$;
