-- What the identity of a person needs: the addresses that are one person, and on a command the
-- person it reaches. Addresses are written place:name as safari_address gives them; a row of the CRM
-- is contact:<id>.

alter table public.safari_command_queue
  add column if not exists recipient text,    -- what it reaches: handle, profile or key of a post
  add column if not exists person text;       -- whose address that is, on the row's platform

alter table public.safari_command_attempts
  add column if not exists person text;       -- place:name
create index if not exists safari_attempts_person
  on public.safari_command_attempts (person, begun_at) where person is not null;

-- Which person an address belongs to. An address that is not here is a separate person.
create table if not exists public.safari_people (
  address text primary key,
  person uuid not null,
  veto text                                   -- of a row of the CRM: opted_out | archived
);
create index if not exists safari_people_person on public.safari_people (person);

-- Why: a row of the CRM (address) has an address (other), or somebody joined two.
create table if not exists public.safari_people_links (
  address text not null,
  other text not null,
  via text not null check (via in ('own', 'column', 'association', 'manual')),
  created_at timestamptz not null default now(),
  primary key (address, other)
);
create index if not exists safari_people_links_other on public.safari_people_links (other);

-- What somebody parted by hand stays apart.
create table if not exists public.safari_people_parted (
  address text not null,
  other text not null,
  note text,
  created_at timestamptz not null default now(),
  primary key (address, other),
  check (address < other)
);

do $$
declare
  name text;
begin
  foreach name in array array['safari_people', 'safari_people_links', 'safari_people_parted'] loop
    execute format('alter table public.%I enable row level security', name);
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant select, insert, update, delete on public.%I to service_role', name);
    end if;
  end loop;
end $$;
