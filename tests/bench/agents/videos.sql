-- Videos that nobody has classified.
insert into youtube_video_stats (video_id, title, published_at, views, likes, comments_count)
select 'bench' || n, 'How to automate outreach with one agent, part ' || n, now(), n, n, n
  from generate_series(1, %(rows)s::integer) n;
