-- Whom a command reaches, stored in its row, so that every check compares what one rule gave.

-- The first of some parameters that is a filled-in text.
create or replace function public.safari_first_text(params jsonb, names text[]) returns text
language plpgsql immutable as $$
declare
  name text;
begin
  foreach name in array names loop
    if jsonb_typeof(params -> name) = 'string' and params ->> name <> '' then
      return params ->> name;
    end if;
  end loop;
  return null;
end $$;

-- Reads a command's target under any of its usual names. Answers the recipient (handle, profile or
-- key of the post), the person's name on the platform where it is known, and the params with the
-- address in the one spelling that services are given. What is no address stays as it was, without a
-- recipient: the worker refuses it.
create or replace function public.safari_target(
  action text, platform text, given jsonb, out params jsonb, out recipient text, out person text
)
language plpgsql immutable as $$
declare
  names text[];
  address record;
  post record;
begin
  params := given;
  if action not in ('send_dm', 'comment') or jsonb_typeof(params) is distinct from 'object' then
    return;
  elsif action = 'send_dm' then
    names := case platform
      when 'linkedin' then array['profileUrl', 'profile_url', 'url', 'username', 'handle']
      else array['username', 'handle', 'profileUrl', 'profile_url'] end;
    address := safari_address(platform, safari_first_text(params, names));
    if address.name is not null then
      person := address.name;
      recipient := safari_recipient(address.place, person);
      params := params || jsonb_build_object(names[1], recipient);
    end if;
    return;
  end if;
  if params ? 'handle' then
    person := (safari_address(platform, safari_first_text(params, array['handle']))).name;
  end if;
  if person is not null then
    params := params || jsonb_build_object('handle', person);
  end if;
  names := array['postUrl', 'post_url', 'url', 'videoUrl', 'tweetUrl'];
  post := safari_post(platform, safari_first_text(params, names));
  if post.id is not null then
    recipient := safari_post_key(post.place, post.id);
    person := coalesce(post.author, person);
    params := params || jsonb_build_object(names[1], post.url);
  end if;
end $$;

-- A command with its target, in the one spelling.
create or replace function public.safari_aimed(command public.safari_command_queue)
returns public.safari_command_queue
language plpgsql immutable as $$
declare
  target record;
begin
  target := safari_target(command.action, command.platform, safari_params(command.params));
  command.recipient := target.recipient;
  command.person := target.person;
  if target.recipient is not null or target.person is not null then
    command.params := target.params;
  end if;
  return command;
end $$;

-- Runs after safari_queue_before_write, which names the platform, and aims a new row itself.
create or replace function public.safari_queue_target() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  return safari_aimed(new);
end $$;

drop trigger if exists safari_queue_target_insert on public.safari_command_queue;
create or replace trigger safari_queue_target_update
  before update of params, action, platform on public.safari_command_queue
  for each row when (
    new.params is distinct from old.params or new.action is distinct from old.action
    or new.platform is distinct from old.platform)
  execute function public.safari_queue_target();

-- The name that the list of people not to contact has for what an operator or a program writes; null for
-- what names nobody. A post's address means its author.
create or replace function public.safari_listed_name(platform text, given text) returns text
language sql immutable as $$
  select coalesce((safari_address(nullif(platform, 'all'), given)).name,
                  safari_handle('tiktok', safari_visible(given)),
                  (safari_post(nullif(platform, 'all'), given)).author)
$$;

-- The list keeps names in the one spelling, whichever program writes to it. What names nobody would
-- protect nobody, so an operator is alerted.
create or replace function public.safari_do_not_contact_spell() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name text;
begin
  new.platform := safari_platform(new.platform);
  name := safari_listed_name(new.platform, new.recipient);
  if name is null and new.platform in (
       'all', 'gmail', 'instagram', 'linkedin', 'threads', 'tiktok', 'twitter') then
    perform safari_alert(
      'agent_error:people:do_not_contact:' || md5(new.platform || ' ' || new.recipient), 'agent_error',
      jsonb_build_object('domain', 'people', 'task', 'do_not_contact', 'error', format(
        'the do-not-contact list names nobody on %s by %s: give a handle, a profile or a mailbox',
        new.platform, left(new.recipient, 80))));
  end if;
  new.recipient := coalesce(name, new.recipient);
  return new;
end $$;

create or replace trigger safari_do_not_contact_spell
  before insert or update on public.safari_do_not_contact
  for each row execute function public.safari_do_not_contact_spell();
