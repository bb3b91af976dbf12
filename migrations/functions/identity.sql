-- Identity: one spelling for each address of a person and for each post. Every reader asks these
-- functions or compares what they stored; docs/decisions/0013 says why they live here.
--
-- They run for every row of the queue and of the CRM, so they are plpgsql without their own
-- search_path: setting one costs as much as the rest.

-- Lower case of any script. A database's own locale may know no more than ASCII; the collation that
-- knows all of them is there wherever PostgreSQL was built with ICU.
create or replace function public.safari_lower(given text) returns text
language plpgsql immutable as $$
begin
  if given ~ '^[\x01-\x7f]*$' then
    return lower(given);
  elsif exists (select from pg_catalog.pg_collation c where c.collname = 'und-x-icu') then
    return lower(given collate "und-x-icu");
  end if;
  return lower(given);
end $$;

-- A platform by any of its spellings: 'Tik-Tok', 'insta', 'x.com', 'YT Shorts'. What names a part of one
-- ('Instagram Reels', 'twitter_dm', 'https://www.tiktok.com') is that platform; null for nothing but blanks.
create or replace function public.safari_platform_spelled(given text) returns text
language plpgsql immutable strict as $$
declare
  -- Signs and capitals make no other name, nor does a blank within it.
  words constant text := btrim(regexp_replace(lower(normalize(given, NFKC)), '[^a-z0-9]+', ' ', 'g'));
  joined constant text := replace(words, ' ', '');
  name text := coalesce(
    substring(words from '^(?:instagram|insta|ig|meta) (threads)\M'),
    substring(joined from '^(instagram|insta|ig|twitter|x|tiktok|tt|threads|linkedin|li|youtube|yt|facebook|fb'
                          '|pinterest)(?:app|com|dms?|net|pages?|posts?|reels?|shop|shorts?|story|stories|tv)?$'),
    substring(words from '^(?:https? )?(?:[a-z]{1,3} |mobile )?(instagram|instagr am|insta|ig|twitter|x com'
                         '|x(?= .*\mtwitter\M)|tik ?tok|threads|linked ?in|lnkd in|you ?tube|youtu be|yt'
                         '|facebook|fb|pinterest)\M'));
begin
  return case
    when name in ('instagram', 'instagr am', 'insta', 'ig') or joined in ('reel', 'reels') then 'instagram'
    when name in ('twitter', 'x', 'x com') or joined in ('twitterx', 'xtwitter') then 'twitter'
    when name in ('tiktok', 'tik tok', 'tt') then 'tiktok'
    when name in ('linkedin', 'linked in', 'lnkd in', 'li') then 'linkedin'
    when name in ('youtube', 'you tube', 'youtu be', 'yt') or joined in ('short', 'shorts') then 'youtube'
    when name in ('facebook', 'fb') then 'facebook'
    when name is not null then name
    when joined in ('email', 'emails', 'gmailcom', 'googlemail', 'mail', 'mails') then 'gmail'
    else nullif(btrim(lower(given), E' \t\r\n\u00a0'), '') end;
end $$;

-- The name under which a platform is stored.
create or replace function public.safari_platform(given text) returns text
language sql immutable as $$
  select case lower(btrim(given))
           when 'instagram' then 'instagram' when 'twitter' then 'twitter'
           when 'tiktok' then 'tiktok' when 'threads' then 'threads'
           when 'linkedin' then 'linkedin' when 'youtube' then 'youtube' when 'gmail' then 'gmail'
           when 'all' then 'all' else public.safari_platform_spelled(given) end
$$;

-- Decodes percent signs once; null when the bytes are no UTF-8.
create or replace function public.safari_percent_decoded(given text) returns text
language plpgsql immutable as $$
begin
  if position('%' in given) = 0 then
    return given;
  end if;
  return (
    select convert_from(string_agg(
             case when m[1] is null then convert_to(m[2], 'UTF8') else decode(m[1], 'hex') end,
             ''::bytea order by n), 'UTF8')
      from regexp_matches(given, '%([0-9A-Fa-f]{2})|(.)', 'g') with ordinality t (m, n));
exception when character_not_in_repertoire or untranslatable_character then
  return null;
end $$;

create or replace function public.safari_percent_encoded(given text) returns text
language plpgsql immutable as $$
begin
  if given ~ '^[A-Za-z0-9_-]*$' then
    return given;
  end if;
  return (
    select string_agg(
             case when c ~ '^[A-Za-z0-9_-]$' then c
                  else upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g'))
             end, '' order by n)
      from regexp_split_to_table(given, '') with ordinality t (c, n));
end $$;

-- Letters as everybody writes them: full-width and other forms are plain ones.
create or replace function public.safari_plain_letters(given text) returns text
language sql immutable as $$
  select case when octet_length(given) = length(given) then given else normalize(given, NFKC) end
$$;

-- What people paste around an address: blanks, signs that show nothing, the punctuation of a sentence,
-- and a remark in brackets or an emoji behind it. The joiners of Indic and Arabic script stay, as names on LinkedIn
-- contain them.
create or replace function public.safari_visible(given text) returns text
language plpgsql immutable as $$
begin
  if given ~ '^[A-Za-z0-9@_/](?:[\x21-\x7e]*[A-Za-z0-9_/=-])?$' then
    return given;
  end if;
  return regexp_replace(
    regexp_replace(
      regexp_replace(given, '[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]', '', 'g'),
      '[\s\u00a0\u3000]+(?:\([^()]*\)|[\U0001f000-\U0001faff\u2600-\u27bf\u200d\ufe0f]+)[\s\u00a0\u3000]*$', ''),
    '^[\s\u00a0\u3000"''`“”„‘’‚«»‹›<(\[{]+'
    '|(?:[\s\u00a0\u3000"''`“”„‘’«»‹›>)\]},;:!…、。，！？]|(?<![/.])\.+)+$', '', 'g');
end $$;

-- The platform whose pages a host serves to a browser; LinkedIn has one for each country. Other subdomains
-- (help., business., vm., pic.) lead elsewhere, so they are none.
create or replace function public.safari_site(host text) returns text
language sql immutable as $$
  select case case when host like 'www.%' then substr(host, 5) when host like 'm.%' then substr(host, 3)
                   when host like 'mobile.%' then substr(host, 8) else host end
           when 'instagram.com' then 'instagram' when 'instagr.am' then 'instagram'
           when 'x.com' then 'twitter' when 'twitter.com' then 'twitter'
           when 'tiktok.com' then 'tiktok'
           when 'threads.com' then 'threads' when 'threads.net' then 'threads'
           when 'linkedin.com' then 'linkedin' when 'touch.linkedin.com' then 'linkedin'
           when 'ig.me' then 'instagram'  -- links into a conversation
           else case when host ~ '^[a-z]{2}(?:-[a-z]{2})?\.linkedin\.com$' then 'linkedin' end end
$$;

-- A web address as the platform and the decoded parts of its path; nulls for anything that a browser
-- may read in another way than we do. A regular expression that captures or replaces costs as much as
-- all else here, so the address is cut at its signs.
create or replace function public.safari_page(given text, out site text, out parts text[])
language plpgsql immutable as $$
declare
  scheme constant text := lower(split_part(left(given, 8), '://', 1));
  -- Twitter wrote the path behind #! for some years.
  bare constant text := split_part(split_part(replace(
    case when scheme in ('http', 'https') then substr(given, length(scheme) + 4) else given end,
    'twitter.com/#!/', 'twitter.com/'), '?', 1), '#', 1);
  host text := split_part(bare, '/', 1);
  -- Nothing in such an address is read in two ways, but for parts of dots.
  is_plain constant boolean := given ~ '^[A-Za-z0-9@:/._?=&#-]*$';
begin
  if length(given) > 2048 or position('/' in bare) = 0
     or (not is_plain and given ~ '[\s\\"''`<>]') then
    return;
  end if;
  -- Full-width letters and dots are what a browser takes them for; any other host is another site. A host
  -- may end with the dot of the root.
  host := translate(lower(safari_plain_letters(host)), '。', '.');
  if host like '%:%' or host like '%.' then
    host := regexp_replace(host, case scheme when 'http' then '\.?(?::80)?$' else '\.?(?::443)?$' end, '');
  end if;
  site := safari_site(host);
  if site is null then
    return;
  end if;
  parts := array_remove(string_to_array(substr(bare, length(split_part(bare, '/', 1)) + 2), '/'), '');
  if position('%' in bare) > 0 then
    parts := array(select safari_percent_decoded(p.part)
                     from unnest(parts) with ordinality p (part, n) order by p.n);
  end if;
  if (not is_plain or position('/.' in bare) > 0)
     and (array_position(parts, null) is not null or parts && '{.,..}'
          or array_to_string(parts, '') ~ '[/\\\x01-\x20\x7f]') then
    site := null;
    parts := null;
  end if;
end $$;

-- A handle in lower case, or null. First parts of addresses that are pages of the platform are
-- nobody's handle; behind an @, as on TikTok and Threads, there are no pages. Nor are words that a program
-- writes for nothing: two rows that hold one of them are not one person. No platform lets a handle end
-- with a dot, so that one is a sentence's.
create or replace function public.safari_handle(platform text, given text) returns text
language plpgsql immutable as $$
declare
  handle constant text := lower(rtrim(btrim(given, '@ '), '.'));
begin
  if length(handle) > 30 or handle !~ '^[a-z0-9._]+$' then
    return null;
  elsif handle in ('none', 'null', 'nan', 'undefined', 'unknown', 'n.a', 'tbd', 'username', 'handle',
                   'true', 'false') then
    return null;
  elsif platform = 'instagram' and handle in (
    'about', 'accounts', 'api', 'ar', 'challenge', 'developer', 'direct', 'directory', 'emails',
    'explore', 'graphql', 'invites', 'legal', 'live', 'login', 'lite', 'nametag', 'oauth', 'p', 'press',
    'privacy', 'reel', 'reels', 's', 'session', 'share', 'stories', 'terms', 'topics', 'tv', 'web',
    'your_activity', '_n', '_u') then
    return null;
  elsif platform = 'twitter' and handle in (
    'about', 'account', 'compose', 'download', 'explore', 'followers', 'following', 'hashtag', 'help',
    'home', 'i', 'intent', 'jobs', 'lists', 'login', 'logout', 'messages', 'notifications', 'oauth',
    'privacy', 'search', 'settings', 'share', 'signup', 'status', 'tos', 'who_to_follow') then
    return null;
  end if;
  return handle;
end $$;

-- The last part of a LinkedIn profile's address, or null. Letters, marks and digits of any script;
-- member ids are told from names by their beginning and keep their case.
create or replace function public.safari_profile(given text) returns text
language plpgsql immutable as $$
declare
  slug constant text := normalize(given, NFC);
begin
  if length(slug) not between 1 and 100
     or lower(slug) in ('me', 'unavailable', 'edit', 'none', 'null', 'nan', 'undefined', 'unknown')
     or slug ~ '[\x01-\x2c./\x3a-\x40\x5b-\x5e\x60\x7b-\xa0\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]' then
    return null;
  end if;
  return case when slug ~ '^ACo[A-Za-z0-9_-]{30,}$' then slug else safari_lower(slug) end;
end $$;

-- A mailbox in one spelling, or null. Gmail delivers whatever dots and tags a name has, and others
-- whatever tags; elsewhere a tag may be another mailbox.
create or replace function public.safari_mailbox(given text) returns text
language plpgsql immutable as $$
declare
  tagging constant text :=
    '^(?:outlook|hotmail|live)\.[a-z]{2,3}(?:\.[a-z]{2})?$|^(?:proton|pm)\.me$|^fastmail\.fm$'
    '|^(?:msn|icloud|me|mac|fastmail|protonmail|zoho)\.com$';
  parts constant text[] := regexp_match(
    safari_lower(translate(normalize(regexp_replace(
      coalesce(substring(given from '^(?:[^<>@"]*"|[^<>@,;]*)\s*<([^<>\s]+)>?$'), given),
      '[.>]+$|\?[^@]*$', '', 'g'), NFKC), '。', '.')),
    '^(?:mailto:)?([^\s@<>",;:*()\\\[\]]+)@((?:[^\x01-\x2c./\x3a-\x60\x7b-\xa0]+\.)+[^\x01-\x2c./\x3a-\x60\x7b-\xa0]+)$');
begin
  if parts[2] in ('gmail.com', 'googlemail.com') then
    return replace(split_part(parts[1], '+', 1), '.', '') || '@gmail.com';
  elsif parts[2] ~ tagging then
    return split_part(parts[1], '+', 1) || '@' || parts[2];
  elsif position('xn--' in parts[2]) > 0 then
    return parts[1] || '@' || (
      select string_agg(safari_host_label(l.label), '.' order by l.place)
        from string_to_table(parts[2], '.') with ordinality l (label, place));
  end if;
  return parts[1] || '@' || parts[2];
end $$;

-- Whom an address means: the platform and the one spelling of the handle, the profile's name
-- (linkedin) or the mailbox (gmail); nulls for anything that is no address. Without a platform it is
-- read off the host of a web address, or is a mailbox.
create or replace function public.safari_address(
  platform text, given text, out place text, out name text
)
language plpgsql immutable as $$
declare
  wanted constant text := safari_platform(platform);
  visible constant text := safari_visible(given);
  -- LinkedIn profiles are also copied without their host.
  seen text := case when wanted = 'linkedin' and visible ~* '^/?in/'
                    then 'linkedin.com/' || ltrim(visible, '/') else visible end;
  is_handle boolean := wanted in ('instagram', 'threads', 'tiktok', 'twitter');
  page record;
begin
  -- 'IG: @ada', as people write it who have one column for everything.
  if position(':' in seen) > 0 and seen ~ '^[A-Za-z ]{1,12}:\s*[^/\s]'
     and safari_platform(split_part(seen, ':', 1)) = wanted then
    seen := ltrim(substr(seen, position(':' in seen) + 1));
  end if;
  if seen is null or seen = '' then
    return;
  elsif wanted = 'gmail' or (wanted is null and position('/' in seen) = 0) then
    name := safari_mailbox(seen);
    place := case when name is not null then 'gmail' end;
    return;
  elsif position('/' in seen) = 0 then
    name := case when wanted = 'threads' then
                   safari_handle(wanted, regexp_replace(normalize(seen, NFKC), '(?<=.)@threads\.(?:net|com)$', ''))
                 when is_handle then safari_handle(wanted, safari_plain_letters(seen))
                 when wanted = 'linkedin' then
                   safari_profile(safari_percent_decoded(ltrim(seen, '@'))) end;
    place := case when name is not null then wanted end;
    return;
  end if;

  page := safari_page(seen);
  if page.site is null or page.site <> coalesce(wanted, page.site) then
    return;
  end if;
  name := case page.site
    when 'linkedin' then
      case when page.parts[1] = 'in' then safari_profile(page.parts[2])
           when page.parts[1] in ('comm', 'm', 'mwlite') and page.parts[2] = 'in' then
             safari_profile(page.parts[3])
      end
    when 'instagram' then
      case when cardinality(page.parts) = 1 or (cardinality(page.parts) = 2 and page.parts[2] in (
             'channel', 'feed', 'followers', 'following', 'guides', 'igtv', 'reels', 'saved', 'tagged'))
             then safari_handle('instagram', page.parts[1])
           -- Links of the app, and into a conversation.
           when cardinality(page.parts) = 2 and page.parts[1] in ('_u', 'm') then
             safari_handle('instagram', page.parts[2]) end
    when 'twitter' then
      case when cardinality(page.parts) = 1 or (cardinality(page.parts) = 2 and page.parts[2] in (
             'affiliates', 'articles', 'communities', 'followers', 'following', 'header_photo',
             'highlights', 'likes', 'lists', 'media', 'photo', 'subscriptions', 'superfollows', 'topics',
             'verified_followers', 'with_replies')) then
        safari_handle('twitter', page.parts[1]) end
    else
      case when page.parts[1] ~ '^@[^@]' and (cardinality(page.parts) = 1 or (
             page.site = 'threads' and cardinality(page.parts) = 2
             and page.parts[2] in ('media', 'replies', 'reposts'))) then
        safari_handle(page.site, page.parts[1]) end
  end;
  place := case when name is not null then page.site end;
end $$;

-- Which post a web address shows: its platform and id, the author where the address names one, and
-- `url`, the address to open. Nulls for anything else, short links included: where they lead is not
-- written in them. A tweet is opened by its number alone, so its author may be another one.
create or replace function public.safari_post(
  platform text, given text, out place text, out id text, out author text, out url text
)
language plpgsql immutable as $$
declare
  wanted constant text := safari_platform(platform);
  page record;
  path text;
  first text;
  at integer;  -- the place of the id among the parts
  behind constant text :=
    '(?:/c/[0-9]+(?:/r/[0-9]+)?|/comments|/embed(?:/captioned)?|/liked_by|/media)?$';
begin
  page := safari_page(safari_visible(given));
  if page.site is null or page.site <> coalesce(wanted, page.site) then
    return;
  end if;
  path := '/' || array_to_string(page.parts, '/');
  first := page.parts[1];
  case page.site
    when 'twitter' then
      if path !~ '^/(?:i/web|[^/]+)/status(?:es)?/[1-9][0-9]*(?:/[a-z_]+(?:/[0-9a-z_]+)?)?$' then
        return;
      end if;
      at := case when page.parts[2] = 'web' then 4 else 3 end;
      author := safari_handle('twitter', nullif(first, 'i'));
      if length(page.parts[at]) <= 25 and (first = 'i' or author is not null) then
        id := page.parts[at];
        url := format('https://x.com/%s/status/%s', coalesce(author, 'i'), id);
      end if;
    when 'instagram' then
      at := case
        when page.parts[2] in ('p', 'reel', 'reels', 'tv')
             and path ~ ('^/[^/]+/[a-z]+/[A-Za-z0-9_-]+' || behind)
             and length(page.parts[3]) <= 64 then 3
        when first in ('p', 'reel', 'reels', 'tv') and path ~ ('^/[a-z]+/[A-Za-z0-9_-]+' || behind)
             and length(page.parts[2]) <= 64 then 2 end;
      author := safari_handle('instagram', case at when 3 then first end);
      if at = 2 or author is not null then
        id := page.parts[at];
        url := format('https://www.instagram.com/%s%s/%s/', author || '/',
                      rtrim(page.parts[at - 1], 's'), id);
      end if;
    when 'threads' then
      if path !~ '^/(?:@[^/@]+/post|t)/[A-Za-z0-9_-]+(?:/embed|/media)?$' then
        return;
      end if;
      at := case first when 't' then 2 else 3 end;
      author := safari_handle('threads', nullif(first, 't'));
      if length(page.parts[at]) <= 64 and (first = 't' or author is not null) then
        id := page.parts[at];
        url := case when author is null then format('https://www.threads.com/t/%s', id)
                    else format('https://www.threads.com/@%s/post/%s', author, id) end;
      end if;
    when 'tiktok' then
      path := regexp_replace(
        path, '^/(?:v/([1-9][0-9]*)\.html'
              '|(?:embed|player|(?:i18n/)?share/video)/(?:v[0-9]/)?([1-9][0-9]*))$', '/@/video/\1\2');
      if path !~ '^/@[^/@]*/(?:video|photo)/[1-9][0-9]*$' then
        return;
      end if;
      first := substr(split_part(path, '/', 2), 2);
      author := safari_handle('tiktok', nullif(first, ''));
      if length(split_part(path, '/', 4)) <= 25 and (first = '' or author is not null) then
        id := split_part(path, '/', 4);
        url := format('https://www.tiktok.com/@%s/%s/%s', coalesce(author, ''),
                      split_part(path, '/', 3), id);
      end if;
    else
      null;
  end case;
  place := case when id is not null then page.site end;
  author := case when id is not null then author end;
end $$;

-- The address of a post by nothing but its id: what two spellings of one post have in common.
create or replace function public.safari_post_key(platform text, id text) returns text
language sql immutable as $$
  select case platform when 'twitter' then 'https://x.com/i/status/' || id
                       when 'instagram' then 'https://www.instagram.com/p/' || id || '/'
                       when 'threads' then 'https://www.threads.com/t/' || id
                       when 'tiktok' then 'https://www.tiktok.com/@/video/' || id end
$$;

-- What a service is given for an address: the handle, or the profile's whole address on LinkedIn.
create or replace function public.safari_recipient(place text, name text) returns text
language sql immutable as $$
  select case place when 'linkedin' then
    'https://www.linkedin.com/in/' || safari_percent_encoded(name) || '/' else name end
$$;
