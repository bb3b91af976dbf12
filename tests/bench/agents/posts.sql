-- Posts of every platform, niche and kind, with offers.
insert into actp_content_performance (
  external_id, platform, niche, content_type, offer_tags, views, likes, comments_count,
  watch_time_minutes, engagement_score, title, published_at
)
select 'bench' || n, p.platform, i.niche, k.kind, array[o.offer], n %% 9973, n %% 499, n %% 37,
       n %% 60, n %% 5003, 'What nobody says about it, part ' || n,
       now() - make_interval(hours => n %% 1440)
  from generate_series(1, %(rows)s::integer) n
  join unnest(array['twitter', 'threads', 'instagram', 'tiktok', 'linkedin'])
       with ordinality p (platform, number) on p.number = n %% 5 + 1
  join unnest(array['ai_automation', 'saas_growth', 'content_creation', 'digital_marketing'])
       with ordinality i (niche, number) on i.number = n / 5 %% 4 + 1
  join unnest(array['educational', 'story', 'offer'])
       with ordinality k (kind, number) on k.number = n / 20 %% 3 + 1
  join unnest(array['none', 'waitlist', 'course'])
       with ordinality o (offer, number) on o.number = n / 7 %% 3 + 1;
