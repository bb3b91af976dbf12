-- Our own posts: where each is, what it had brought at each age, and what it taught of its hour.
create table if not exists public.actp_own_posts (
  platform text not null,
  external_id text not null,
  url text,                     -- null: found in a table, not on a page
  published_at timestamptz not null,
  next_look_at timestamptz,     -- null: every look is taken, or none can be
  failures integer not null default 0,
  problem text,                 -- why the last look brought nothing
  hour_taught_at timestamptz,   -- when it counted for its hour of the day
  primary key (platform, external_id)
);
create index if not exists actp_own_posts_due
  on public.actp_own_posts (next_look_at) where next_look_at is not null;

create table if not exists public.actp_post_looks (
  platform text not null,
  external_id text not null,
  look text not null check (look in ('1h', '4h', '24h', '7d')),
  age_hours double precision not null,
  measured_at timestamptz not null default clock_timestamp(),
  views bigint,                 -- null: not shown
  likes bigint,
  shares bigint,
  replies bigint,
  engagement numeric,           -- null: not measured
  primary key (platform, external_id, look)
);

alter table public.actp_own_posts enable row level security;
alter table public.actp_post_looks enable row level security;

alter table public.actp_posting_schedule
  add column if not exists saturated_since timestamptz;  -- told, and not over yet
alter table public.actp_cross_platform_trends
  add column if not exists rising_since timestamptz,     -- told, and not over yet
  add column if not exists rise numeric;                 -- times its baseline; null: no baseline

-- Another program's spelling of a platform or niche is one row with ours, as far as ours is not there.
update public.actp_content_performance p set platform = lower(btrim(p.platform))
 where p.platform <> lower(btrim(p.platform))
   and not exists (select from public.actp_content_performance o
                    where o.platform = lower(btrim(p.platform)) and o.external_id = p.external_id)
   and p.ctid = (select min(m.ctid) from public.actp_content_performance m
                  where lower(btrim(m.platform)) = lower(btrim(p.platform))
                    and m.external_id = p.external_id);

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete
      on public.actp_own_posts, public.actp_post_looks to service_role;
  end if;
end $$;
select public.safari_protect();
