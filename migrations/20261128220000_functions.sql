-- Functions, views and triggers that changed since the last release. Generated from
-- migrations/functions by bin/db bundle; edit them there.
do $$
declare
  here integer := (select max(version) from public.safari_schema_versions);
begin
  if here > 4 then
    raise exception using errcode = 'object_not_in_prerequisite_state', message =
      format('the database is newer (schema version %s) than this file (4)', here);
  end if;
end $$;

-- Each body may name what comes after it.
select set_config('check_function_bodies', 'off', false),
       set_config('actp.schema_version', '4', false);

create or replace function public.safari_campaign_heard(platform text, handle text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  longest constant integer := 500;
  addresses constant text[] := safari_person_addresses(platform || ':' || handle);
  ids constant text[] := safari_crm_contacts(platform, handle) || array(
    select substr(a, 9) from unnest(addresses) a where starts_with(a, 'contact:'));
  has text[];
  conditions text[];
  rows jsonb;
  conversations jsonb;
  heard jsonb := '[]';
begin
  if ids <> '{}' then
    execute 'select jsonb_agg(to_jsonb(c)) from public.crm_contacts c where c.id::text = any ($1)'
      into rows using ids;
    if safari_columns('crm_conversations', array['contact_id']) <> '{}' then
      execute 'select jsonb_agg(to_jsonb(c)) from public.crm_conversations c
                where c.contact_id::text = any ($1)'
        into conversations using ids;
      select heard || coalesce(jsonb_agg(h.item), '[]') into heard
        from jsonb_array_elements(coalesce(conversations, '[]')) c, lateral (values
          (jsonb_build_object(
             -- A program that notes when it was first seen touches the row for other reasons too.
             'at', coalesce(c ->> 'last_message_at',
                            case when c ->> 'seen_at' is null then c ->> 'updated_at' end),
             'seen_at', c -> 'seen_at',
             'text', coalesce(c ->> 'last_message', c ->> 'last_message_preview'))),
          (case when c ->> 'doubted_at' is not null then
             jsonb_build_object('at', c -> 'doubted_at') end),
          (case when coalesce(c ->> 'last_reply_at', c ->> 'last_reply_received') is not null then
             jsonb_build_object('at', c -> 'last_reply_at', 'text', c -> 'last_reply_received',
                                'outbound', false) end)) h (item)
       where h.item is not null;
    end if;
    select heard || coalesce(jsonb_agg(h.item), '[]') into heard
      from jsonb_array_elements(rows) c, lateral (values
        -- The same words stand in the conversation, with all that is known of them.
        (case when not exists (
           select from jsonb_array_elements(coalesce(conversations, '[]')) v
            where v ->> 'last_message' = c ->> 'last_message') then
           jsonb_build_object('at', c -> 'last_message_at', 'text', c -> 'last_message') end),
        (case when c ->> 'last_inbound_at' is not null then
           jsonb_build_object('at', c -> 'last_inbound_at', 'outbound', false) end)) h (item)
     where h.item is not null;
    if safari_columns('crm_interactions', array['contact_id', 'type']) @> array['contact_id', 'type'] then
      execute 'select jsonb_agg(to_jsonb(i)) from (
                 select * from public.crm_interactions i where i.contact_id::text = any ($1)
                  limit $2) i'
        into rows using ids, longest;
      select heard || coalesce(jsonb_agg(jsonb_build_object(
               'at', case when r.is_reply then to_jsonb(coalesce(i ->> 'occurred_at', i ->> 'created_at'))
                          -- Noted on what we did: they answered it later, in words that are not known.
                          else to_jsonb(agent_time(coalesce(i ->> 'occurred_at', i ->> 'created_at'))
                                        + interval '1 minute') end,
               'text', case when r.is_reply then i -> 'summary' end,
               'outbound', false)), '[]') into heard
        from jsonb_array_elements(coalesce(rows, '[]')) i,
             lateral (select agent_is_reply(i ->> 'type', i ->> 'direction') as is_reply) r
       where r.is_reply or agent_outcome_is_reply(i ->> 'outcome');
    end if;
  end if;

  has := safari_columns('crm_messages', array['contact_id', 'platform', 'username']);
  conditions := '{}';
  if 'contact_id' = any (has) and ids <> '{}' then
    conditions := conditions || 'm.contact_id::text = any ($1)'::text;
  end if;
  if has @> array['platform', 'username'] then
    conditions := conditions
      || 'lower(m.platform) || '':'' || lower(ltrim(m.username, ''@'')) = any ($2)'::text;
  end if;
  if conditions <> '{}' then
    execute format('select jsonb_agg(to_jsonb(m)) from (select * from public.crm_messages m
                     where (%s) limit $3) m', array_to_string(conditions, ') or ('))
      into rows using ids, addresses, longest;
    select heard || coalesce(jsonb_agg(jsonb_build_object(
             'at', coalesce(m ->> 'sent_at', m ->> 'created_at', m ->> 'synced_at'),
             'text', coalesce(m ->> 'message_text', m ->> 'body', m ->> 'text', m ->> 'content'),
             'outbound', coalesce(m -> 'is_outbound', to_jsonb((m ->> 'direction') = 'outbound')))),
             '[]') into heard
      from jsonb_array_elements(coalesce(rows, '[]')) m;
  end if;
  return coalesce((select jsonb_agg(h) from jsonb_array_elements(heard) h
                    where (h ->> 'at' is not null or h ->> 'text' is not null)
                      and not agent_is_act(h ->> 'text')), '[]');
end $$;

create or replace function public.safari_ended_or_reopened(
  was public.safari_command_queue, command public.safari_command_queue
) returns boolean
language sql immutable as $$
  select (command.status is distinct from was.status or command.reason is distinct from was.reason)
         and (command.status in ('completed', 'failed', 'cancelled')
              or (command.status = 'pending' and was.status in ('completed', 'failed', 'cancelled')))
$$;

create or replace function public.safari_campaign_step_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target safari_campaign_targets;
begin
  if not safari_ended_or_reopened(old, new) or not (new.params ? 'campaign_step')
     or new.batch_id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  then
    return null;
  end if;
  select * into target from safari_campaign_targets t where t.id = new.batch_id::uuid;
  if not found then
    return null;
  elsif safari_campaign_ended(target.state) then
    if new.status = 'pending' then
      raise object_not_in_prerequisite_state using message = format(
        'command %s is a step to %s, who is %s: nothing more is sent', new.id, target.handle,
        target.state);
    end if;
    return null;
  end if;
  insert into safari_campaign_events (target_id, event, step, reason, command_id)
    values (target.id, case new.status when 'pending' then 'requeued' else new.status end,
            new.params ->> 'campaign_step', new.reason, new.id);
  if new.status = 'completed' then
    perform safari_campaign_release(target.id);
  end if;
  notify safari_commands;
  return null;
end $$;

create or replace trigger safari_campaign_step_changed
  after update of status, reason on public.safari_command_queue
  for each row when (new.campaign_id is not null and new.batch_id is not null)
  execute function public.safari_campaign_step_changed();

create or replace function public.agent_is_act(said text) returns boolean
language plpgsql immutable as $$
declare
  hearts constant text := '❤♥❣💛💚💙💜🧡🖤🤍🤎🩷🩵🩶💕💖💗💓💞💘💝';
  acts constant text := '^('
    -- Tapbacks quote what they are about.
    '(liked|loved|laughed at|emphasi[sz]ed|reacted .{1,12} to|removed .{1,20} from) (["“„«].*|an? (image|photo|link|message|video))'
    '|(has )?(liked|hearted) (a|an|your|this) (message|dm|photo|image|story|reel|post|video|comment)'
    '|(has )?reacted( with)?( .{1,12})? to (your|a|an|this) (message|story|note|photo|reel|post)'
    '|(un|de)(sent|leted) a message|(this )?message (was |has been |is )?(deleted|unsent|unavailable|removed)'
    '|(accepted your|sent you a) (message request|invitation|connection request|friend request|follow request)'
    '|(started following|followed|is now following) you( back)?|(viewed|saw) your (profile|story)'
    '|mentioned you in (a|their|his|her) (story|note)|took a screenshot( of .*)?|(is )?typing[ .…]*'
    '|changed the theme.*|you can now message each other.*|you(''|’)?re now connected.*'
    '|(hat )?(mit .{1,12} )?auf (deine|ihre|eine|die) (nachricht|story|notiz)( mit .{1,12})? reagiert'
    '|(hat )?reagierte?( mit .{1,12})? auf (deine|ihre|eine|die) (nachricht|story|notiz)( mit .{1,12})?'
    '|gefällt (deine|ihre|eine|die) (nachricht|story)|(hat )?(deine|ihre|eine|die) nachricht (mit .{1,20} markiert|geliked|gelikt)'
    '|hat eine nachricht (zurückgenommen|gelöscht)|diese nachricht wurde (gelöscht|zurückgenommen)'
    '|(schreibt|tippt)( gerade)?[ .…]*|folgt dir( jetzt)?|hat (deine|ihre) (nachrichten)?anfrage (angenommen|akzeptiert)'
    '|a (aimé|liké|adoré) (un|votre|ton|le) message|a réagi( (avec |par )?.{1,12})? à (votre|ton|un|une|ta) (message|story|note)( avec .{1,12})?'
    '|a supprimé un message|ce message a été supprimé|est en train d.écrire[ .…]*|a commencé à (vous|te) suivre|a accepté votre (demande|invitation).*'
    '|(le |les )?(gust[óa]|encant[óa]) (un|tu|su|el) mensaje|(le )?(dio|ha dado) (un )?me gusta a (un|tu|su) mensaje'
    '|(ha )?reaccion(ó|ado)( con .{1,12})? a (tu|su|un|una) (mensaje|historia|nota)( con .{1,12})?'
    '|(eliminó|borró|anuló el envío de) un mensaje|(se eliminó este mensaje|este mensaje (se eliminó|fue eliminado))|está escribiendo[ .…]*'
    '|(comenzó|empezó|ha empezado|ha comenzado) a seguirte|(aceptó|ha aceptado) tu solicitud.*'
    '|curtiu (uma|a sua|sua|tua|a tua) (mensagem|história)|reagiu( com .{1,12})? (à|a) (sua|tua|uma) (mensagem|história|nota)( com .{1,12})?'
    '|apagou uma mensagem|(esta|essa) mensagem foi (apagada|excluída)|está (digitando|a escrever|escrevendo)[ .…]*|começou a (te )?seguir( você|-te)?|aceitou (sua|a sua|o seu) .*'
    '|ha messo .?(mi piace|like).? a(l tuo|d? ?un)? ?messaggio|ha reagito( con .{1,12})? al(la)? tu[oa] (messaggio|storia|nota)( con .{1,12})?'
    '|ha (eliminato|annullato l.invio di) un messaggio|questo messaggio è stato eliminato|sta scrivendo[ .…]*|ha iniziato a seguirti|ha accettato la tua .*'
    '|(vindt|vond) (je|een|dit) bericht leuk|heeft met .{1,12} (gereageerd op je (bericht|verhaal)|op je (bericht|verhaal) gereageerd)|heeft je bericht geliket'
    '|is aan het typen[ .…]*|heeft een bericht verwijderd|volgt (je|jou) nu'
    '|polubi[łl]\(?a?\)? (twoją |tę )?wiadomość|(za)?reagow?a?[łl]\(?a?\)?( .{1,12})? na (twoją |tę )?(wiadomość|relację)|pisze[ .…]+|obserwuje cię( teraz)?'
    '|(поставил|оценил|лайкнул)\(?а?\)?.{0,30} сообщени[еюя]|(от|про)?реагировал\(?а?\)?( .{1,12})? на (ваше|твое|твоё|вашу|твою) (сообщение|историю)|нравится (ваше |твое |твоё )?сообщение|печатает[ .…]*'
    '|(bir |bu )?mesaj(ı|ını|ınızı)? beğendi|mesaj(ına|ınıza) .{1,20} (ifadesini |tepkisini )?(bıraktı|verdi)|yazıyor[ .…]*|seni takip etmeye başladı'
    '|menyukai (sebuah )?pesan( anda)?|(menanggapi|bereaksi|memberi(kan)? reaksi) .{0,20}pesan anda|sedang mengetik[ .…]*|mulai mengikuti anda'
    '|đã (thích|bày tỏ cảm xúc|thả .{1,12}).{0,20} tin nhắn.{0,12}|đang nhập[ .…]*'
    '|gillade ett meddelande|reagerade( med .{1,12})? på (ditt|ett) meddelande( med .{1,12})?|(kunne|kan) lide (din|en) besked|reagerede( med .{1,12})? på (din|en) besked( med .{1,12})?|likte (en |meldingen )?(melding|din)?|reagerte( med .{1,12})? på (meldingen din|en melding)( med .{1,12})?|skriver[ .…]+'
    ')[.!]?\s*$';
  -- Scripts that put the verb last.
  acts_behind constant text := '('
    'メッセージに.{0,20}(いいね|リアクション).{0,12}|入力中[ .…]*|메시지(를|에) ?.{0,16}(좋아|공감|반응).{0,8}|입력 중[ .…]*'
    '|(赞了|讚了|喜欢了|喜歡了|按讚).{0,12}(消息|訊息|讯息|私信)|[对對].{0,8}(消息|訊息|讯息).{0,16}(回应|回應|反应|反應|表情)'
    '|正在输入[ .…]*|(تفاعل|أعجب|اعجب).{0,24}رسالتك|يكتب( الآن)?[ .…]*'
    ')[.!]?\s*$';
  rest text := lower(said);
begin
  if said is null or length(said) > 120 then
    return false;
  elsif said ~ ('[' || hearts || ']') and translate(said, hearts || E' \n\uFE0F\u200D🔥', '') = '' then
    return true;
  elsif said ~ '[\u0600-\u06ff\u3040-\u9fff\uac00-\ud7af]' then
    return length(said) <= 60 and rest ~ acts_behind;
  -- Few texts have any of these, and no other one is an act.
  elsif rest !~ ('messag|dm|photo|image|stor[iy]|reel|post|video|comment|follow|request|invitation|profile|screenshot'
                 '|typing|theme|connected|nachricht|notiz|schreibt|tippt|folgt|anfrage|mensa|histor|nota|escri|segui'
                 '|solicit|digit|bericht|verhaal|typen|volgt|wiadomo|relacj|pisze|obserw|сообщ|истори|печата|mesaj'
                 '|yazıyor|takip|pesan|mengetik|tin nhắn|nhập|meddelande|besked|melding|skriver|["“„«]') then
    return false;
  end if;
  -- Who did it may stand before, in one word or as a name.
  for words in 0..3 loop
    if rest ~ acts then
      return words = 0
        or (words = 1 and lower(said) !~ ('^(i|we|just|so|really|and|yes|also|have|but|totally|ich|wir|je|nous'
                                          '|yo|eu|io|ik|me|mi|te|nos) '))
        or said ~ format('^(?!(I|We|Just|So|And|Yes|But|Ich|Wir|Je|Nous|Yo|Eu|Io|Ik|Me) )(@?[[:upper:]][^ ]* ){%s}',
                         words);
    end if;
    exit when position(' ' in rest) = 0;
    rest := substr(rest, position(' ' in rest) + 1);
  end loop;
  return false;
end $$;

create or replace function public.agent_is_answer(message public.crm_messages) returns boolean
language sql immutable as $$
  select agent_outreach_is_theirs(message)
     and coalesce(lower(message.message_type::text), '')
         !~ ('(^|_)(typing|system|deleted|unsent|receipt)$|(^|_)' || agent_silent_acts())
     and not coalesce(agent_is_act(coalesce(nullif(message.message_text, ''), message.body)), false)
$$;

create or replace function public.agent_conversation(ids uuid[], addresses text[])
returns table (
  is_open boolean, has_tiktok_message boolean, touched_at timestamptz, touches bigint,
  ours_at timestamptz, heard_at timestamptz, heard_platform text, last_platform text,
  heard_hours jsonb, texts jsonb
)
language sql stable as $$
  select o.is_open, m.has_tiktok or o.has_tiktok or a.has_tiktok,
         agent_moment(greatest(c.outbound_at, i.at, m.touched_at, a.at, o.at)),
         greatest(i.touches, m.touches, o.touches, a.touches),
         agent_moment(greatest(c.ours_at, i.out_at, m.out_at, a.at, o.at)),
         agent_moment(greatest(c.inbound_at, i.in_at, m.in_at, v.in_at)),
         coalesce(m.in_platform, v.platform), v.platform, m.hours || i.hours,
         coalesce(m.texts, '[]') || coalesce(i.texts, '[]') || coalesce(v.texts, '[]')
           || coalesce(c.texts, '[]') || coalesce(i.notes, '[]')
    from (
      select coalesce(bool_or(q.status in ('pending', 'sending')), false) as is_open,
             -- What an older sender left on its way may have gone.
             max(case when q.status = 'sent' then q.sent_at
                      when q.error_message = 'interrupted' then q.updated_at end) as at,
             count(*) filter (where q.status = 'sent' and q.sent_at > now() - interval '168 hours')
               as touches,
             coalesce(bool_or(q.status = 'sent' and safari_platform(q.platform) = 'tiktok'), false)
               as has_tiktok,
             coalesce(array_agg(left(q.message_body, 40))
                      filter (where q.status in ('sending', 'sent')), '{}') as begun
        from crm_message_queue q where q.contact_id = any (ids)) o
   cross join lateral (
      select max(t.stated_at) filter (where t.is_ours) as at,
             max(t.at) filter (where t.is_message and not t.is_answered) as out_at,
             -- Their answer came after what it is noted on, within an unknown time.
             greatest(max(t.at) filter (where t.is_reply),
                      max(agent_moment(t.at) + interval '1 minute') filter (where t.is_answered))
               as in_at,
             count(*) filter (where t.is_ours and t.at > now() - interval '168 hours') as touches,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', agent_excerpt(t.summary),
                                                    'from', 'them') order by t.at desc)
                       filter (where t.is_reply and t.summary <> ''))[1:6]) as texts,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', t.note, 'from', 'unknown')
                                 order by t.at desc) filter (where t.note <> ''))[1:6]) as notes,
             -- Replies that stand as messages too count twice, which changes no maximum.
             coalesce(jsonb_agg(extract(hour from t.at at time zone 'utc')::integer)
                      filter (where t.is_theirs and isfinite(t.at)), '[]') as hours
        from (select least(n.occurred_at, n.created_at) as at,
                     coalesce(n.occurred_at, n.created_at) as stated_at, n.summary,
                     coalesce(agent_direction(n.direction) = 'outbound',
                              lower(n.type) !~ agent_outreach_their_acts()) as is_ours,
                     coalesce(agent_direction(n.direction) = 'outbound', true)
                       and lower(n.type)
                           ~ '^(dm|e?mail|message|call|meeting|sms|outreach|follow_?up)(_sent)?$'
                       as is_message,
                     agent_is_reply(n.type, n.direction) as is_reply,
                     agent_outcome_is_reply(n.outcome::text)
                       and not agent_is_reply(n.type, n.direction) as is_answered,
                     concat_ws(E'\n', case when lower(n.type) ~ agent_refusing_acts()
                            then concat_ws(E'\n', 'unsubscribe', agent_excerpt(n.summary))
                          when agent_is_note(n.type) and not agent_is_reply(n.type, n.direction)
                            then agent_excerpt(n.summary) end,
                       agent_outcome_note(n.outcome::text)) as note,
                     agent_direction(n.direction) = 'inbound'
                       or lower(n.type) ~ agent_outreach_their_acts() as is_theirs
                from crm_interactions n where n.contact_id = any (ids)) t) i
   cross join lateral (
      select max(t.at) filter (where t.is_outbound) as out_at,
             max(t.stated_at) filter (where t.is_outbound) as touched_at,
             max(t.at) filter (where t.is_answer) as in_at,
             (array_agg(t.platform order by t.at desc) filter (where not t.is_outbound))[1]
               as in_platform,
             count(*) filter (where t.is_outbound and t.at > now() - interval '168 hours') as touches,
             coalesce(jsonb_agg(extract(hour from t.at at time zone 'utc')::integer)
                      filter (where not t.is_outbound and isfinite(t.at)), '[]') as hours,
             coalesce(bool_or(t.is_outbound and t.platform = 'tiktok'), false) as has_tiktok,
             coalesce(array_agg(left(t.text, 40)) filter (where t.is_outbound), '{}') as begun,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', agent_excerpt(t.text),
                                                    'from', 'them') order by t.at desc)
                       filter (where not t.is_outbound and t.text <> ''))[1:12]) as texts
        from (select least(n.sent_at, n.created_at) as at,
                     coalesce(n.sent_at, n.created_at) as stated_at, safari_platform(n.platform) as platform,
                     coalesce(nullif(n.message_text, ''), n.body) as text,
                     not agent_outreach_is_theirs(n) as is_outbound,
                     agent_is_answer(n) as is_answer
                from crm_messages n where n.contact_id = any (ids)
               order by 1 desc nulls last limit 200) t) m
   cross join lateral (
      select max(t.begun_at) as at,
             count(*) filter (where t.begun_at > now() - interval '168 hours') as touches,
             coalesce(bool_or(w.platform = 'tiktok'), false) as has_tiktok
        from safari_command_attempts t
        join safari_services w on w.service = t.service and w.kind = 'dm'
       where t.person = any (addresses)
         and (t.outcome is null or t.outcome in ('sent', 'unknown'))) a
   cross join lateral (
      select max(greatest(
               agent_heard_at(agent_time(n.last_reply_at), greatest(n.seen_at, n.updated_at)),
               -- One that is unread may be a reaction; of more, one is an answer.
               case when n.unread_count > 1 or (n.unread_count = 1 and not agent_is_act(
                           coalesce(n.last_message, n.last_message_preview)))
                    then agent_heard_at(coalesce(agent_time(n.last_message_at), n.seen_at, n.updated_at),
                                        greatest(n.seen_at, n.updated_at)) end)) as in_at,
             (array_agg(safari_platform(n.platform) order by coalesce(agent_time(n.last_message_at),
                        n.updated_at) desc nulls last))[1] as platform,
             jsonb_agg(jsonb_build_object(
               'at', coalesce(agent_time(n.last_message_at), n.updated_at),
               'text', agent_excerpt(coalesce(n.last_message, n.last_message_preview)),
               'from', 'unknown')) filter (
                 where coalesce(n.last_message, n.last_message_preview, '') <> ''
                   and left(coalesce(n.last_message, n.last_message_preview), 40)
                       <> all (m.begun || o.begun)) as texts
        from crm_conversations n where n.contact_id = any (ids)) v
   cross join lateral (
      select max(k.last_outbound_at) as outbound_at,
             max(k.last_outbound_at) filter (where k.last_outbound_at <= now()) as ours_at,
             max(greatest(agent_heard_at(k.last_inbound_at, k.updated_at),
                          case when k.unread
                               then agent_heard_at(agent_time(k.last_message_at), k.updated_at) end))
               as inbound_at,
             jsonb_agg(jsonb_build_object('at', agent_time(k.last_message_at),
                                          'text', agent_excerpt(k.last_message), 'from', 'unknown'))
               filter (where k.last_message <> ''
                         and left(k.last_message, 40) <> all (m.begun || o.begun)) as texts
        from crm_contacts k where k.id = any (ids)) c
$$;

create or replace function public.safari_uuid_from(seed text) returns uuid
language sql immutable as $$
  select overlay(overlay(md5(seed) placing '4' from 13) placing '8' from 17)::uuid
$$;

create or replace function public.safari_enqueue(commands jsonb, operator text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- To draw each id from the kernel costs as much as to store the row, so they all follow from one.
  seed constant text := gen_random_uuid();
  answer jsonb;
begin
  if jsonb_typeof(commands) <> 'array' then
    raise invalid_parameter_value using message = format(
      'commands is a JSON array of objects, not of the type %s', jsonb_typeof(commands));
  end if;
  if operator is not null then
    perform safari_acts(operator);
  end if;
  with items as materialized (
    select ordinality - 1 as index, safari_uuid_from(seed || ordinality) as id, c.*
      from rows from (jsonb_to_recordset(commands) as (
             action text, platform text, params jsonb, priority integer, key text,
             scheduled_for timestamptz, expires_at timestamptz, campaign_id text, batch_id text,
             metadata jsonb, account text
           )) with ordinality c
  ), first_of_key as (
    select distinct on (key) key, id from items where key is not null order by key, index
  ), new_keys as (
    -- Touching the row on conflict waits for a concurrent insert of the same key, and returns its command.
    insert into safari_idempotency_keys as k (key, command_id)
      select key, id from first_of_key order by key
      on conflict (key) do update set command_id = k.command_id
      returning k.key, k.command_id
  ), inserted as (
    insert into safari_command_queue (
      id, action, platform, params, priority, idempotency_key,
      scheduled_for, expires_at, campaign_id, batch_id, metadata, account
    )
      select i.id, i.action, i.platform, i.params, i.priority, i.key,
             i.scheduled_for, i.expires_at, i.campaign_id, i.batch_id, i.metadata,
             coalesce(i.account, '')
        from items i left join new_keys n on n.key = i.key
       where i.key is null or n.command_id = i.id
       order by i.index
  )
  select jsonb_agg(jsonb_build_object(
           'index', i.index,
           'id', coalesce(n.command_id, i.id),
           'created', i.key is null or n.command_id = i.id
         ) order by i.index)
    into answer
    from items i left join new_keys n on n.key = i.key;
  if operator is not null then
    perform safari_record_action('enqueue', jsonb_build_object('commands', commands), answer);
  end if;
  return coalesce(answer, '[]');
end $$;

create or replace function public.safari_gate_of(
  service text, acts_on text default null, account text default 'default'
)
returns table (
  reason text, until timestamptz, daily_limit integer, min_gap_seconds double precision
)
language sql stable as $$
  select rule.reason,
         case rule.reason
           when 'paused' then pause.until
           when 'hours' then safari_hours_begin(force.policy)
           when 'quota' then (safari_today() + 1)::timestamp at time zone 'utc'
           when 'weekly_limit' then safari_nth_action(asked.name, force.weekly, asked.account) + interval '168 hours'
           when 'rolling_limit' then safari_nth_action(asked.name, force.rolling, asked.account) + interval '24 hours'
           when 'hourly_limit' then safari_nth_action(asked.name, force.hourly, asked.account) + interval '1 hour'
           when 'pace' then greatest(counter.next_action_at, safari_paused_until(
             asked.name, force.policy, force.daily - counter.today, asked.account))
         end,
         force.daily, (force.policy).min_gap_seconds
    from (select safari_gate_of.service as name,
                 safari_gate_of.account as account) asked
    left join safari_services owner on owner.service = asked.name
    left join lateral (
      select chosen.policy, f.*
        from safari_policies common
        left join safari_account_policies own
          on own.platform = common.platform and own.kind = common.kind
             and own.account = asked.account
       cross join lateral (
         select case when own.changes is null then common
                     else jsonb_populate_record(common, own.changes) end as policy offset 0) chosen
       cross join lateral safari_limits_of(chosen.policy, owner) f
       where common.platform = owner.platform and common.kind = owner.kind
      offset 0) force on true
    -- The pace outlives midnight, the count does not.
    left join lateral (
      select max(safari_pace_until(r.next_action_at, (force.policy).min_gap_seconds)) as next_action_at,
             coalesce(sum(r.used) filter (where r.limit_date = safari_today()), 0)::integer as today,
             sum(r.used) filter (where r.limit_date >= safari_today() - 1) as two_days,
             sum(r.used) as week
        from safari_rate_limits r
       where r.platform = owner.platform and r.action = owner.kind and r.account = asked.account
         and r.limit_date >= safari_today() - 7) counter on true
    left join lateral (
      select max(p.until) as until from safari_pauses p
       where p.platform in ('all', owner.platform, safari_gate_of.acts_on)
         and p.account in ('', asked.account) and p.until > now()) pause
      on true
   cross join lateral (
     select case
       when pause.until is not null then 'paused'
       when owner.kind is null then null
       when not safari_within_hours(force.policy) then 'hours'
       when coalesce(force.daily, 0) <= 0 or counter.today >= force.daily then 'quota'
       when force.weekly is not null and counter.week >= force.weekly
            and safari_nth_action(asked.name, force.weekly, asked.account) > now() - interval '168 hours'
         then 'weekly_limit'
       when force.rolling is not null and counter.two_days >= force.rolling
            and safari_nth_action(asked.name, force.rolling, asked.account) > now() - interval '24 hours'
         then 'rolling_limit'
       when force.hourly is not null and counter.two_days >= force.hourly
            and safari_nth_action(asked.name, force.hourly, asked.account) > now() - interval '1 hour'
         then 'hourly_limit'
       when counter.next_action_at > now() or safari_paused_until(
              asked.name, force.policy, force.daily - counter.today, asked.account) > now() then 'pace'
     end as reason
     offset 0) rule
$$;

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

create or replace function public.safari_plain_letters(given text) returns text
language sql immutable as $$
  select case when octet_length(given) = length(given) then given else normalize(given, NFKC) end
$$;

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

create or replace function public.safari_ledger(
  boot_id uuid, finishes jsonb, begins jsonb
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set enable_memoize = off
as $$
declare
  worker text;
  accounts jsonb;
  finish_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(finishes) i);
  begin_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(begins) i);
begin
  perform from safari_command_queue q
    where q.id = any (finish_ids || begin_ids)
    order by q.id for update;
  select w.worker, w.accounts into worker, accounts
    from safari_workers w where w.boot_id = safari_ledger.boot_id;
  -- Two addresses of one person may be in two services, or on two hosts: their begins take turns. So do
  -- those of one service by one account, whose limits of an hour or a week have no counter to lock.
  if begins <> '[]' then
    perform pg_advisory_xact_lock(p.key) from (
      select distinct k.key
        from safari_command_queue q
        left join safari_services s on s.service = q.service
       cross join lateral (values
         (hashtextextended(coalesce((select o.person::text from safari_people o
                                      where o.address = q.platform || ':' || q.person),
                                    q.platform || ':' || q.person), 1)),
         (case when s.kind is not null then hashtextextended(
            s.service || ':' || safari_account_on(accounts, s.platform), 2) end)) k (key)
       where q.id = any (begin_ids) and q.effect = 'once' and k.key is not null
       order by k.key offset 0) p;
  end if;
  -- Begins take their counters in the order of services; what a finish gives back may lie before.
  if jsonb_path_exists(finishes, '$[*] ? (@.quota_back == true)') then
    perform safari_lock_quotas(begin_ids, finishes, accounts);
  end if;

  if finishes <> '[]' then
    finishes := safari_finish_batch(safari_ledger.boot_id, worker, finishes);
  end if;
  if begins <> '[]' then
    begins := safari_begin_batch(
      safari_ledger.boot_id, worker, begins, coalesce(accounts, '{}'), array(
        select a.platform from safari_accounts a group by a.platform having count(*) > 1));
  end if;
  return jsonb_build_object('finishes', finishes, 'begins', begins);
end $$;

create or replace function public.agent_outreach_stats(days integer default 30) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with told as materialized (
    select safari_platform(m.platform) as platform, m.status, m.error_message,
           m.status = 'sent' and (
             exists (select from crm_messages n
                      where n.contact_id = m.contact_id and agent_is_answer(n)
                        and coalesce(n.sent_at, n.created_at) > m.sent_at)
             or exists (select from crm_interactions i
                         where i.contact_id = m.contact_id and agent_is_reply(i.type, i.direction)
                           and coalesce(i.occurred_at, i.created_at) > m.sent_at)) as is_answered
      from crm_message_queue m where m.created_at > now() - make_interval(days => days)
  )
  select jsonb_build_object(
    'days', days,
    'queued', (select count(*) from told),
    'sent', (select count(*) from told where status = 'sent'),
    'answered', (select count(*) from told where is_answered),
    'failed', (select count(*) from told where status = 'failed'),
    'open', (select count(*) from told where status in ('pending', 'sending')),
    'rows', (select coalesce(jsonb_agg(to_jsonb(p) order by p.queued desc, p.platform), '[]') from (
      select platform, count(*) as queued, count(*) filter (where status = 'sent') as sent,
             count(*) filter (where is_answered) as answered,
             count(*) filter (where status = 'failed') as failed,
             count(*) filter (where status in ('pending', 'sending')) as open
        from told group by platform) p),
    'failures', (select coalesce(jsonb_agg(to_jsonb(f) order by f.messages desc, f.why), '[]') from (
      select coalesce(left(error_message, 120), 'no reason is known') as why, count(*) as messages
        from told where status = 'failed' group by 1 order by 2 desc, 1 limit 10) f))
$$;

create or replace function public.agent_outreach_replied(contact_ids jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted uuid[] := agent_everyone(contact_ids);
  answered uuid[];
  heard jsonb;
  stopped jsonb;
begin
  select coalesce(jsonb_object_agg(n.contact_id, n.at), '{}') into heard from (
    select s.contact_id, max(s.at) as at
      from (select m.contact_id, coalesce(m.sent_at, m.created_at) as at
              from crm_messages m
             where m.contact_id = any (wanted) and agent_is_answer(m)
            union all
            select i.contact_id, coalesce(i.occurred_at, i.created_at)
              from crm_interactions i
             where i.contact_id = any (wanted) and agent_is_reply(i.type, i.direction)) s
     group by 1) n;
  stopped := agent_outreach_stop_campaigns(heard);
  answered := array(
    select q.id from crm_message_queue q
     where q.contact_id = any (wanted) and q.status <> 'sent'
       and (exists (
             select from crm_interactions i
              where i.contact_id = any (agent_person(q.contact_id)) and agent_is_reply(i.type, i.direction)
                and safari_platform(coalesce(i.platform, q.platform)) = safari_platform(q.platform)
                and coalesce(i.occurred_at, i.created_at) > q.created_at)
            or exists (select from crm_messages m
                    where m.contact_id = any (agent_person(q.contact_id))
                      and agent_is_answer(m)
                      and safari_platform(coalesce(m.platform, q.platform)) = safari_platform(q.platform)
                      and coalesce(m.sent_at, m.created_at) > q.created_at)));
  return jsonb_build_object(
    'withdrawn', agent_outreach_withdraw(answered, 'replied'), 'campaigns', stopped);
end $$;

create or replace function public.agent_outreach_command_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if safari_ended_or_reopened(old, new) then
    begin
      perform agent_outreach_settle(new);
    exception when integrity_constraint_violation or data_exception
                   or syntax_error_or_access_rule_violation then
      perform safari_alert(format('agent_error:outreach:settle:%s', safari_today()), 'agent_error',
        jsonb_build_object('domain', 'outreach', 'task', 'settle',
                           'error', format('command %s: %s', new.id, sqlerrm)));
    end;
  end if;
  return null;
end $$;

create or replace trigger agent_outreach_command_changed
  after update of status, reason on public.safari_command_queue
  for each row when (new.batch_id = 'outreach')
  execute function public.agent_outreach_command_changed();

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

create or replace function public.safari_queue_target() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  return safari_aimed(new);
end $$;

drop trigger if exists safari_queue_target_insert on public.safari_command_queue;

create or replace function public.safari_automatic_refusal(
  command public.safari_command_queue, person text, addresses text[], is_outreach boolean
) returns text[]
language plpgsql stable as $$
declare
  facts record;
begin
  -- They wait for our answer, or what they or a note said waits for an operator; who says that a
  -- campaign may go on has looked.
  select bool_or(agent_waits_for_us(t.ours_at, t.heard_at, b.done_at)) as waits,
         max(t.ours_at) > now() - safari_automatic_gap() as is_written_to,
         max(b.look_at) filter (where b.look_at > coalesce(b.done_at, '-infinity')) > coalesce(
           (select agent_time(o.data ->> 'calmed_at') from safari_campaign_targets o
             where o.id = case when command.batch_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                               then command.batch_id::uuid end), '-infinity') as needs_look
    into facts
    from (select array(select substr(o, 9)::uuid from unnest(addresses) o
                        where starts_with(o, 'contact:')) as ids) c
   cross join lateral agent_conversation(c.ids, addresses) t
    left join actp_inbox b on b.contact_id = any (c.ids)
   where c.ids <> '{}';
  if facts.waits then
    return array['replied', format('%s wrote last and waits for an answer: bin/inbox', person)];
  elsif facts.needs_look then
    return array['needs_look', format('what %s or a note said needs a look: bin/inbox', person)];
  elsif not is_outreach then
    return null;
  elsif facts.is_written_to then  -- by hand too, or by another program
    return array['cooldown', format('%s was written to in the last two days', person)];
  end if;

  select exists (select from unnest(addresses) o
                   join safari_campaign_targets t
                     on t.platform = split_part(o, ':', 1) and t.handle = split_part(o, ':', 2)
                  where not safari_campaign_ended(t.state)) as in_campaign,
         max(a.begun_at) > now() - safari_automatic_gap() as is_soon,
         count(*) >= safari_automatic_per_week() as is_often
    into facts
    from safari_command_attempts a
   where a.person = any (addresses) and a.begun_at > now() - interval '168 hours'
     and a.quota_kind = 'dm' and a.command_id <> command.id
     and (a.outcome is null or a.outcome in ('sent', 'unknown'));
  if facts.in_campaign then
    return array['in_campaign', format('a campaign to %s is running', person)];
  elsif facts.is_soon then
    return array['cooldown', format('%s was written to in the last two days', person)];
  elsif facts.is_often then
    return array['weekly_limit', format('%s was written to %s times this week', person,
                                        safari_automatic_per_week())];
  end if;
  return null;
end $$;

create or replace function public.safari_held_for_review(command public.safari_command_queue)
returns public.safari_command_queue
language plpgsql as $$
declare
  reason constant text := safari_review_reason(command);
begin
  if reason is not null then
    insert into safari_reviews (door, row_id, why) values ('command', command.id, reason)
      on conflict on constraint safari_reviews_row do nothing;
    command.hold := coalesce(command.hold, 'review');
    command.due_at := 'infinity';
    command.ready := false;
  end if;
  return command;
end $$;

create or replace function public.safari_review_hold() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- Most have no review and need none; the two look-ups cost less than the question.
  if exists (select from safari_settings s where s.key = 'review' and s.value <> '"off"')
     or exists (select from safari_reviews r where r.door = 'command' and r.row_id = new.id) then
    return safari_held_for_review(new);
  end if;
  return new;
end $$;

drop trigger if exists safari_review_insert on public.safari_command_queue;

create or replace function public.safari_route_named(action text, platform text)
returns setof public.safari_routes
language sql stable rows 1 as $$
  select t.* from safari_routes t
   where t.action = safari_route_named.action and t.platform in (safari_route_named.platform, '')
   order by t.platform desc limit 1
$$;

create or replace function public.safari_route_of(action text, platform text)
returns table (service text, effect text)
language sql stable rows 1 as $$
  select case
           when exists (select from safari_settings s
                         where s.key = 'foreign_platforms' and s.value ? safari_route_of.platform)
             then 'foreign'
           when r.service is not null then r.service
           when position(':' in coalesce(safari_route_of.action, '')) > 0
                or exists (select from safari_settings s
                            where s.key = 'foreign_actions' and s.value ? safari_route_of.action)
             then 'foreign'
           else 'local' end,
         coalesce(r.effect, 'repeatable')
    from (select) one
    left join lateral safari_route_named(safari_route_of.action, safari_route_of.platform) r on true
$$;

create or replace function public.safari_queue_before_write() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  fault text;
  is_ordinary boolean;
begin
  if tg_op = 'INSERT' or new.action is distinct from old.action
     or new.platform is distinct from old.platform or new.service is null then
    new.action := left(safari_trim(new.action), 1000);
    new.platform := lower(left(coalesce(safari_trim(new.platform),
                                        safari_trim(safari_params(new.params) ->> 'platform')), 1000));
    -- A statement costs as much as twenty columns that are set, so one finds the ordinary row: it has a
    -- route, no setting concerns it, and no earlier row had its id.
    select t.service, t.effect into new.service, new.effect
      from safari_route_named(new.action, coalesce(new.platform, '')) t
     where not exists (select from safari_settings s
                        where case s.key when 'review' then s.value <> '"off"'
                                         when 'foreign_platforms' then s.value ? new.platform end)
       and not exists (select from safari_command_attempts a where a.command_id = new.id)
       and not exists (select from safari_reviews r where r.door = 'command' and r.row_id = new.id);
    is_ordinary := found;
    if not is_ordinary then
      select r.service, r.effect into new.service, new.effect
        from safari_route_of(new.action, coalesce(new.platform, '')) r;
    end if;
  end if;
  new.account := safari_account_name(coalesce(nullif(new.account, ''), case
    when tg_op = 'INSERT' and new.action in ('send_dm', 'comment', 'tweet')
    then safari_params(new.params) ->> 'account' end));
  new.status := coalesce(new.status, 'pending');
  if new.service <> 'foreign' then
    new.status := coalesce(safari_trim(lower(new.status)), 'pending');
  end if;
  new.priority := coalesce(new.priority, 5);
  new.retry_count := greatest(new.retry_count, 0);
  new.crash_count := greatest(new.crash_count, 0);
  new.lease_number := least(greatest(new.lease_number, 0), 4611686018427387904);
  new.created_at := safari_bounded(new.created_at);
  new.scheduled_for := safari_bounded(new.scheduled_for);
  new.next_retry_at := safari_bounded(new.next_retry_at);
  new.expires_at := safari_bounded(new.expires_at);
  if tg_op = 'INSERT' then
    new := safari_as_inserted(new);
    -- A listing reads these of a thousand rows at once.
    new.batch_id := left(new.batch_id, 1000);
    if new.metadata is not null and (
         safari_json_bytes(new.metadata) > 100000 or safari_unreadable(new.metadata) is not null) then
      new.metadata := jsonb_build_object('unreadable', left(new.metadata::text, 500));
    end if;
  end if;
  -- Attempts are numbered by their own table, so that no edit of the row makes anybody forget one.
  if is_ordinary then
    new.attempt := 0;
  else
    new.attempt := coalesce(
      (select max(a.attempt) from safari_command_attempts a where a.command_id = new.id), 0);
  end if;
  if new.status = 'pending' then
    -- A hold that nothing lifts would keep the row forever; this one is lifted by bin/queue.
    if new.hold not in ('backlog', 'campaign', 'review')
       or (tg_op = 'INSERT' and new.hold = 'campaign') then
      new.hold := 'backlog';
    end if;
    new.due_at := case when new.hold is not null then 'infinity'
                       else greatest(new.scheduled_for, new.next_retry_at) end;
    new.ready := new.due_at is null or new.due_at <= now();

    fault := safari_unreadable(new.params);
    if fault is not null and new.service <> 'foreign' then
      new.status := 'failed';
      new.reason := 'validation';
      new.error := format('params %s', fault);
      new.result := jsonb_build_object('outcome', 'validation');
      new.completed_at := now();
      new.params := safari_shortened(new.params);
    end if;
  end if;
  if tg_op = 'INSERT' then
    if new.action in ('send_dm', 'comment') then
      new := safari_aimed(new);
    end if;
    if not is_ordinary then
      new := safari_held_for_review(new);
    end if;
  end if;
  return new;
end $$;

create or replace function public.safari_address_names(address text) returns text[]
language plpgsql immutable as $$
declare
  given constant text := lower(btrim(address));
  bare constant text := rtrim(split_part(split_part(
    case when position('/' in given) > 0 then regexp_replace(given, '^https?://(?:www\.)?', '')
         else given end, '?', 1), '#', 1), '/');
  names text[];
  part text;
begin
  if bare = '' then
    return '{}';
  elsif coalesce(position('/' in bare), 0) = 0 then
    return array[ltrim(bare, '@')];
  end if;
  names := array[bare];
  foreach part in array (string_to_array(bare, '/'))[2:] loop
    if length(part) > 1 and part not in ('in', 'reel', 'status', 'video', 'post', 'tv') then
      names := names || ltrim(part, '@');
    end if;
  end loop;
  return names;
end $$;

create or replace function public.safari_index_commands() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  left_over uuid[];
begin
  if tg_op = 'DELETE' then
    delete from safari_command_index i using gone g where i.command_id = g.id;
    return null;
  end if;
  -- A truncated queue leaves its index, and its rows may come back. To look for that once costs less than
  -- an insert that expects it of each row.
  left_over := array(
    select c.id from changed c
     where (select true from safari_command_index i where i.command_id = c.id));
  if left_over <> '{}' then
    delete from safari_command_index i where i.command_id = any (left_over);
  end if;
  insert into safari_command_index (command_id, created_at, service, recipient_names, words)
    select c.id, c.created_at, c.service, safari_recipient_names(c.params), safari_words(c.params)
      from changed c;
  return null;
end $$;

create or replace function public.agent_weekly_report() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  since timestamptz := now() - interval '7 days';
  lines jsonb;
begin
  with runs as (
    select t.domain, count(*) as runs,
           count(*) filter (where t.status in ('error', 'failed')) as failed,
           (array_agg(t.task order by t.created_at desc)
             filter (where t.status in ('error', 'failed')))[1] as last_failed
      from actp_agent_tasks t where t.created_at > since group by t.domain
  ), said as (
    select 5 as place, '' as name, format('messages: %s sent, %s from %s, %s waiting',
             (select count(*) from crm_message_queue q
               where q.status = 'sent' and q.sent_at > since and q.sent_at <= now()),
             case when count(*) = 1 then '1 reply' else count(*) || ' replies' end,
             case when count(distinct m.who) = 1 then '1 person' else count(distinct m.who) || ' people' end,
             (select count(*) from crm_message_queue q where q.status in ('pending', 'sending')))
           as line
      from (select coalesce(x.contact_id::text, safari_platform(x.platform) || ':' || x.username)
                     as who
              from crm_messages x
             where agent_is_answer(x)
               and x.sent_at > since and x.sent_at <= now()) m
    having count(*) > 0 or exists (select from crm_message_queue q
                                    where q.status in ('pending', 'sending')
                                       or (q.status = 'sent' and q.sent_at > since
                                           and q.sent_at <= now()))
    union all
    select 6, '', format('conversions: %s', agent_plural(count(*), 'contact') || ' closed as won')
      from crm_contacts c
     where agent_is_won(c.pipeline_stage, c.relationship_stage)
       and (c.created_at > since or exists (
             select from actp_crm_transitions t
              where t.contact_id = c.id and t.to_stage = 'closed_won' and t.created_at > since))
    having count(*) > 0
    union all
    select 3, '', format('prospects: %s in decision, %s researched',
             count(*) filter (where p.funnel_stage = 'decision'),
             count(*) filter (where p.research_done))
      from actp_prospect_scores p
    union all
    select 4, '', format('content: %s published, %s rendered',
             (select count(*) from actp_content_performance c where c.published_at > since and c.published_at <= now()),
             (select count(*) from actp_gen_jobs j
               where j.model = 'remotion' and j.completed_at > since))
    union all
    select 7, '', agent_best_post(7)
    union all
    select 8, '', format('A/B tests: %s won, %s without a winner%s',
             count(*) filter (where t.winner in ('a', 'b')), count(*) filter (where t.winner = 'tie'),
             '; last winner: “' || left((array_agg(
               case t.winner when 'a' then t.variant_a_text else t.variant_b_text end
               order by t.completed_at desc) filter (where t.winner in ('a', 'b')))[1], 80) || '”')
      from actp_ab_tests t where t.completed_at > since
    having count(*) > 0
    union all
    select 9, '', format('posting hours: changed %s', agent_plural(
             sum(agent_count((t.result #>> '{data,changed}')::numeric)), 'time'))
      from actp_agent_tasks t
     where t.domain = 'scheduler' and t.task = 'optimize' and t.created_at > since
       and jsonb_typeof(t.result #> '{data,changed}') = 'number'
    having sum(agent_count((t.result #>> '{data,changed}')::numeric)) > 0
    union all
    select 2, '', format('commands: %s completed, %s failed, %s waiting',
             count(*) filter (where q.status = 'completed' and q.completed_at > since),
             count(*) filter (where q.status = 'failed' and q.completed_at > since),
             count(*) filter (where q.status = 'pending'))
      from safari_command_queue q
    union all
    select 1, r.domain, format('%s: %s, %s failed%s', r.domain, agent_plural(r.runs, 'run'), r.failed,
                               coalesce(' (last: ' || r.last_failed || ')', ''))
      from runs r
  )
  select jsonb_agg(s.line order by s.place, s.name) into lines from said s where s.line is not null;
  perform safari_alert('weekly_report:' || to_char(now() at time zone 'utc', 'IYYY-IW'),
                       'weekly_report', jsonb_build_object('domain', 'all agents', 'lines', lines));
  return jsonb_build_object('lines', lines);
end $$;

-- What the Supabase CLI applied counts as applied for bin/db migrate of every release.
insert into public.safari_migrations (name, sha256) values
  ('20261101000100_queue_tables.sql', '5f3862e01e07122b2a5b1ba4482c904a9cb6462de412316b6e2ab6e43477ca8d'),
  ('20261101000200_routes.sql', 'c83684cca2d952a3ea5df8214fd05cca799ab767798726ff91dd96f937d8cb24'),
  ('20261101000300_enqueue.sql', '89c87bd98717999081545bc645bc53df804cde32c5983a456d4ffe9c12d5edd5'),
  ('20261101000400_gate.sql', '1d27ab58a3f7c5b573099521688de9d2cdb267680f2ffe854ab7e50bbdc3a707'),
  ('20261101000500_claim.sql', '2e65ace31a1d2adf219ce8ac15e2ff0de32b9d71a0125dc8b1a945fbc903e9c4'),
  ('20261101000600_ledger.sql', 'b4c629fafc4f194c0ffe9033ee75ae5d00bbbabc6bbe4a6c6602e7b7c9a71695'),
  ('20261101000700_leases.sql', 'be4cbaa5fbc73d041f181a3e92dcca700d1eac08e2890754d05c78d49f31c93b'),
  ('20261101000800_operator.sql', '3be241c839c9c5cfa4e50ed9ead28d8fa5e9e583950709a1de28847a48b82757'),
  ('20261101000900_reports.sql', '01c9071af87e9a7dfcc57b70423678e5d4d118ed46d3eaaf61ede4ab4b3525cd'),
  ('20261101001000_alerts.sql', '9e0756e69005b6f49b792918257ec60a5075d78707efd850aad912ee235c206f'),
  ('20261101001100_gauges.sql', 'ec4bba14f51a009254e1ce3d3cd61032a48264de7a762426fff0d78e575b39f6'),
  ('20261101001200_schedule.sql', '52991f9f732a9ae6fa29a08b8d459a4bfe1473cc8a262410c583dcd9c150292d'),
  ('20261101001300_campaigns.sql', '07646dcc697b4a6cc3b0ae6029119b1d47c9abcf3db75de94aa5b532a150d291'),
  ('20261101001310_campaign_reports.sql', 'f07b0c194485cade5bcdf424a2a2ff71b9109f3f1f33b1cbe7a5f4562858b4a1'),
  ('20261101002000_crm_tables.sql', '823e190193a0b562b2a47d8b718a2a4a96db2c1972e06dcbbd1a6caa9c30cb69'),
  ('20261101002010_domain_tables.sql', '8d9ff204689ff9f0b52110f6ad81f9bcaf1ceb85dc51bdc04d15cabf72ec567d'),
  ('20261101002100_dispatch.sql', '61350c38397b3d10642f4085fcb9d7c91e82460f20f57090517d93f599757f6d'),
  ('20261101002105_resonance.sql', 'c138af43b2d8a2b61748b0b2c21deca0a4bd7ec0e8b475d67de532d8f6f67905'),
  ('20261101002110_prospect.sql', 'd4c2701755504c7f4f7993cf7043598926e9474bca7351af2f6af237afbb7bb4'),
  ('20261101002120_outreach.sql', '482595dec75f29641e8574c8a49495df4ea732678cecb62ca985b5dc1e04d63c'),
  ('20261101002121_outreach_sending.sql', 'ebb6c2fdf11227322cbad565cf5043bbaae62543c58bfd3a4c06bcebb6b2fcba'),
  ('20261101002130_crm.sql', '770608c29a98878503511156ec5ad78316c4ec2b1fb4bc87b6a3256a4ee5c40e'),
  ('20261101002140_ab_tests.sql', 'b74248ed19c4c28875b3bbd8915c8e1214b0a8f8f4f2e27f3b58d0315c388bd6'),
  ('20261101002150_creators.sql', 'bd6dec3267ccd114068304dca6c6fcbe71c58db51a447037e6624a654c8126c4'),
  ('20261101002151_trends.sql', 'ce4ed289cc2e1e9805fde552542b47b4dfba2b389f03dd52143fb8f8a52e2d3d'),
  ('20261101002160_youtube.sql', 'ccc3ba185b99e4c1bde02c0df614f3a5a33cd2f60647f8c2897a75086305c729'),
  ('20261101002170_content_mix.sql', '2189d8bb492c685d3a4eb337c68ec7c93f48dc6f2d3eb85224687d7f236cada7'),
  ('20261101002180_posting_schedule.sql', '1c245b262874de32da19f1e9de8a7ae2a0df7ef8390f21f178889fb1395727ba'),
  ('20261101002190_sample.sql', 'a3a11931b0aa5548662c4f707976947dcd768b118741d1c94d4cc0a0401cf70f'),
  ('20261101002200_remotion.sql', 'a7744320bdf08d0a476856a47edc8f5fb9c3318b5410d319a5cb7be4e4e12d3e'),
  ('20261101002210_workflow.sql', '7fb37aaae4f26963029a541e47c0dc4c400a137883d98dc3399e272c4c51af3b'),
  ('20261101002220_report.sql', 'f0b451714bad454e2ca51ffd9cc964358a6f10f957afe6808290e1e174c40804'),
  ('20261101002230_claude_usage.sql', '36d126dd829f624d52b183a6fd6e096ed2461e9e5f09164932ee861f4b82ab9b'),
  ('20261101002240_weekly_report.sql', '0f2cefb85ac4d72393b186cb3657f97cc19cd2e7ec147440bde50c188e433c50'),
  ('20261126070000_schema_versions.sql', 'cde0d4c7c0f19dece8096eb3eeb46f889c895838a2e64d67f9df7a282f71451c'),
  ('20261126070100_roles.sql', 'e424e1fbef8d70758bc5ea47f90e1811746f73033386110532a908b4cdc017b9'),
  ('20261126071500_reading_by_index.sql', '3ec70ea70a28f223921ba7be110a042d2d3c5dadae20291e0f707b85fc853bf3'),
  ('20261126072000_looks.sql', '886d8bb51f6989829f303f0db9dd4fcc3c681b5e99db95f96ed053af4b511e95'),
  ('20261126073000_people.sql', 'aa8f42f47973f20f1227cb267e15fbc562f5f381e3276c8ccd6e26b2ea860312'),
  ('20261126073100_pace.sql', '3d4ec1eb940bc5dac249aaf5b0c288ce70143965c07a4c3f8ed5f274759ce45e'),
  ('20261126074000_inbox.sql', '9ed925a83de1856796c21c9b779f83466d2d3194003b2c50cd5e9b77811083c4'),
  ('20261126074100_doors.sql', 'e16eaad026fc8cf045d051f1b68edca5e84ce535961ab6f41371d3b83c4ae5e6'),
  ('20261126075000_ab_series.sql', 'e522101339b57d215eafaa383c3f81318d25f325e33b5f1242c51e55048282da'),
  ('20261126075010_posts_measured.sql', 'b86515c434aab1d3459552b40916bd1372df75921c0107a0f2210f8a5d5d2dcf'),
  ('20261126075020_planned_posts.sql', '4b6b04a1a02184d9ac5573501498d7ef7f8d0b6d5eda15d8ae6fc7678df4314b'),
  ('20261126080000_search.sql', '439b69361c8906ef33e61b52497eefc02001e873f794f68a0a4a991bf67ea5a7'),
  ('20261126080500_reader_hours.sql', '97e9c27e62824f7c5691a309dac5288c35e9e7d65de06a016b6ce1f45b7036a5'),
  ('20261126084000_telegram.sql', 'bf247d220440d304b0fd65bf09fac6b13e74f2526dacd82556541190c20d8db5'),
  ('20261126084100_webhooks.sql', '78f9cd2b1f6fa0c37e13c4b6d83191fdb14ecd36a07ae8d18800f52344d22a52'),
  ('20261126084200_notices.sql', '105a61c01314d943b30e1e1fa8eb3d5804340a9dd0197ac7d993588618ba48d6'),
  ('20261126090000_health_hours.sql', '3e2a43bd1a8a787b7c2c8c1d5cce96043441031483df71da6fe41392aad899a2'),
  ('20261126093100_accounts.sql', '884c785af539ac61a81dac6569420421861bad681cadfaaa46c3a5e3e5d82bf4'),
  ('20261126094000_prospect_pages.sql', '3c27bcd956cd715ea9d8f93fb0ed24859e9ff179bf311e9ebbfc732e455c3725'),
  ('20261126220000_functions.sql', 'e90585fd960f4f8c53b3bbf3b84d4cbae574f6f78315faf29c028b0c0dd42eb8'),
  ('20261126230000_queue_bounds.sql', '7b085e80ec2414bc55304f3c5f019cf5dc0be6c008dc423d0d511f7ce94cf5fa'),
  ('20261126230800_search_rows.sql', '2c30592bf1f25cfd0464266cdb14a8b5550846027e493b9c91f77b56ca8e1d8c'),
  ('20261126233000_people_fill.sql', 'e97778ffcc8a4c767eb628ea85e029230e9d9f62eb7562da98a8649028056a17'),
  ('20261127010000_conversations_read.sql', 'aea7eab80760cf7f6d11378cf79aa37ee2c481fb866e6a5ffb051f5d6b8180df'),
  ('20261127011000_notes.sql', 'b038772b6403f9f4de086da9d9161859e005eac623ea6747808045120545a69c'),
  ('20261127101000_resumes.sql', 'de406117ee374e2d9e9edbd94fa32f41244abd6b37f09a6415e92944aa205517'),
  ('20261127102000_words_heard.sql', '984b1c216df2030c401f5da85011851c3629d2f3b586b20b89e2dcb1f377e78d'),
  ('20261127103000_claims_refused.sql', 'fe69a01f617ba455bae207d1ff054895055b519ce334b7613c872a2c000c07e1'),
  ('20261127220000_functions.sql', 'c1ecf58e5334724de9b3031f7e76b5b8240fafc5d49484e8899aedcf5e556179'),
  ('20261127230000_schedule_seeds.sql', 'bdbce84629244f0642d872fb4057960b58decb5f86cf8c9359670ca57a1a6487'),
  ('20261127233000_notes_read.sql', 'c75593e48f08449573be3ed146ab4d2bc63a8aef7627a76e4826bd14471555a0'),
  ('20261127234500_bounds_kept.sql', 'c8497e2b4c28ec69b844136e5bc0ad2aece0be9b2f89379d6050df17d5e2bd3f'),
  ('20261127234600_queue_texts.sql', '494f04e3a1e56a104063c704d0b47b00387132fb048f88e2cf81666f89613c5d'),
  ('20261127235500_spelled.sql', '1ce04dc4197a9faa9cff5dce9ae3379b65820517de3277f0a46fb834b259afe7'),
  ('20261127235600_addresses_read_anew.sql', '30c1843d02b443d157b2b153ff9b161f7acb22e96e6fd92fcbd6493b6150698f'),
  ('20261127235650_words_judged_anew.sql', 'c2fc4c02bf8a701d79796cd1035ee354fe18a3039a48a36f320a1ae986041bd1'),
  ('20261127235700_words_on_one_line.sql', '76fd3773d37adf4c84413c51d549a9af30c56901e9a02ced7eceecc8e3c4d968')
  on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
    where safari_migrations.sha256 <> excluded.sha256;

insert into public.safari_schema_versions (version, release, oldest_code)
  values (4, '0.4.0', 1)
  on conflict (version) do update
    set release = excluded.release, oldest_code = excluded.oldest_code, applied_at = now();

select set_config('check_function_bodies', 'on', false);
select public.safari_protect();

-- Tables of other programs with other types are read through views.
select public.agent_fit('{"crm_contacts": {"id": "uuid", "platform": "text", "username": "text", "display_name": "text", "email": "text", "bio": "text", "headline": "text", "source": "text", "niche_label": "text", "tags": "text[]", "twitter_handle": "text", "instagram_handle": "text", "tiktok_handle": "text", "linkedin_url": "text", "website_url": "text", "pipeline_stage": "text", "relationship_stage": "text", "relationship_score": "integer", "icp_score": "numeric", "offer_readiness": "integer", "ai_summary": "text", "next_action": "text", "next_action_at": "timestamp with time zone", "stage": "text", "engagement_score": "double precision", "unread": "boolean", "last_message": "text", "last_message_at": "timestamp with time zone", "messages_sent": "integer", "total_messages_sent": "integer", "replies_received": "integer", "reply_rate": "double precision", "last_outbound_at": "timestamp with time zone", "last_inbound_at": "timestamp with time zone", "last_scored_at": "timestamp with time zone", "email_opted_out": "boolean", "archived_at": "timestamp with time zone", "synced_at": "timestamp with time zone", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "score_tried_at": "timestamp with time zone"}, "crm_conversations": {"id": "uuid", "contact_id": "uuid", "platform": "text", "platform_thread_id": "text", "last_message": "text", "last_message_preview": "text", "last_message_at": "timestamp with time zone", "last_reply_at": "timestamp with time zone", "reply_count": "integer", "unread_count": "integer", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "shown_name": "text", "seen_at": "timestamp with time zone", "doubted_at": "timestamp with time zone"}, "crm_messages": {"id": "uuid", "contact_id": "uuid", "conversation_id": "uuid", "platform": "text", "username": "text", "message_id": "text", "message_text": "text", "body": "text", "is_outbound": "boolean", "direction": "text", "message_type": "text", "sender": "text", "ai_generated": "boolean", "sent_by_automation": "boolean", "metadata": "jsonb", "sent_at": "timestamp with time zone", "synced_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_interactions": {"id": "uuid", "contact_id": "uuid", "type": "text", "platform": "text", "direction": "text", "summary": "text", "outcome": "text", "sentiment": "text", "value_delivered": "boolean", "queue_id": "uuid", "metadata": "jsonb", "occurred_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_message_queue": {"id": "uuid", "contact_id": "uuid", "platform": "text", "message_body": "text", "message_type": "text", "scheduled_for": "timestamp with time zone", "status": "text", "ai_reasoning": "text", "offer_name": "text", "priority": "integer", "error_message": "text", "attempts": "integer", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "sent_at": "timestamp with time zone", "command_id": "uuid", "hold": "text", "accepted_at": "timestamp with time zone", "written_by": "text", "reader_hour": "integer"}, "crm_score_history": {"id": "uuid", "contact_id": "uuid", "score": "integer", "stage": "text", "reason": "text", "reasoning": "text", "signals": "text[]", "model_used": "text", "scored_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_market_research": {"id": "uuid", "platform": "text", "keyword": "text", "post_url": "text", "author": "text", "post_text": "text", "likes": "integer", "views": "integer", "comments": "integer", "shares": "integer", "retweets": "integer", "engagement_score": "numeric", "is_verified": "boolean", "hashtags": "text[]", "collected_at": "timestamp with time zone"}, "linkedin_prospects": {"id": "uuid", "profile_url": "text", "full_name": "text", "headline": "text", "about_snippet": "text", "stage": "text", "fit_score": "integer", "connection_note": "text", "contacted_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_crm_transitions": {"id": "uuid", "contact_id": "uuid", "from_stage": "text", "to_stage": "text", "trigger": "text", "score_at_transition": "integer", "created_at": "timestamp with time zone", "to_announce": "boolean"}, "actp_agent_tasks": {"id": "uuid", "domain": "text", "task": "text", "params": "jsonb", "status": "text", "result": "jsonb", "duration_ms": "integer", "created_at": "timestamp with time zone", "completed_at": "timestamp with time zone"}, "actp_workflow_tasks": {"id": "uuid", "task_type": "text", "execution_id": "uuid", "step_id": "uuid", "status": "text", "input_data": "jsonb", "output_data": "jsonb", "claimed_by": "text", "claimed_at": "timestamp with time zone", "completed_at": "timestamp with time zone", "timeout_minutes": "integer", "error": "text", "created_at": "timestamp with time zone", "boot_id": "uuid", "host_key": "text", "lease_number": "bigint", "lease_expires_at": "timestamp with time zone", "next_at": "timestamp with time zone", "hold": "text", "accepted_at": "timestamp with time zone"}, "actp_prospect_scores": {"id": "uuid", "contact_id": "uuid", "funnel_stage": "text", "score": "integer", "score_breakdown": "jsonb", "research_done": "boolean", "research_data": "jsonb", "research_at": "timestamp with time zone", "next_touch_type": "text", "next_touch_at": "timestamp with time zone", "offer_readiness": "integer", "icp_fit": "integer", "updated_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_ab_tests": {"id": "uuid", "niche": "text", "test_method_a": "text", "test_method_b": "text", "variant_a_text": "text", "variant_b_text": "text", "post_id_a": "text", "post_url_b": "text", "status": "text", "winner": "text", "metrics_1h": "jsonb", "metrics_4h": "jsonb", "metrics_24h": "jsonb", "eng_score_a": "numeric", "eng_score_b": "numeric", "created_at": "timestamp with time zone", "completed_at": "timestamp with time zone", "topic": "text", "post_url_a": "text", "post_id_b": "text", "error": "text", "command_id": "uuid", "a_begun_at": "timestamp with time zone", "started_at": "timestamp with time zone", "p_value": "double precision", "series_id": "uuid", "round": "integer", "rounds": "integer", "planned_at": "timestamp with time zone"}, "actp_content_performance": {"id": "uuid", "external_id": "text", "platform": "text", "niche": "text", "content_type": "text", "offer_tags": "text[]", "topic_tags": "text[]", "views": "integer", "likes": "integer", "comments_count": "integer", "watch_time_minutes": "numeric", "engagement_score": "numeric", "title": "text", "published_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_posting_schedule": {"platform": "text", "posts_per_day": "integer", "best_hours": "integer[]", "active_days": "integer[]", "min_gap_hours": "integer", "thompson_slots": "jsonb", "updated_at": "timestamp with time zone", "saturated_since": "timestamp with time zone"}, "actp_niche_resonance": {"id": "uuid", "platform": "text", "niche": "text", "offer_tag": "text", "content_type": "text", "avg_views": "numeric", "avg_engagement": "numeric", "avg_watch_time": "numeric", "top_hook_patterns": "text[]", "top_post_ids": "text[]", "sample_count": "integer", "last_updated": "timestamp with time zone", "inspiration_hooks": "text[]"}, "youtube_video_stats": {"id": "uuid", "video_id": "text", "checked_at": "timestamp with time zone", "check_bucket": "timestamp without time zone", "title": "text", "published_at": "timestamp with time zone", "views": "integer", "likes": "integer", "comments_count": "integer", "watch_time_minutes": "numeric", "avg_view_duration_secs": "numeric", "impressions": "integer", "ctr": "numeric", "subscribers_gained": "integer", "revenue_usd": "numeric"}, "actp_platform_associations": {"id": "uuid", "contact_id": "uuid", "platform": "text", "handle": "text", "profile_url": "text", "followers": "integer", "first_seen_at": "timestamp with time zone", "last_active_at": "timestamp with time zone", "interaction_count": "integer", "engagement_type": "text"}, "actp_cross_platform_trends": {"id": "uuid", "niche": "text", "platforms": "text[]", "platform_count": "integer", "total_engagement": "numeric", "avg_engagement": "numeric", "trend_strength": "numeric", "top_posts": "jsonb", "detected_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "rising_since": "timestamp with time zone", "rise": "numeric"}, "actp_platform_research": {"id": "uuid", "source_platform": "text", "post_url": "text", "handle": "text", "author_name": "text", "post_text": "text", "niche": "text", "likes": "integer", "views": "integer", "comments_count": "integer", "shares": "integer", "engagement_score": "numeric", "raw": "jsonb", "posted_at": "timestamp with time zone", "scraped_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_twitter_research": {"id": "uuid", "tweet_id": "text", "author_handle": "text", "tweet_text": "text", "niche": "text", "views": "integer", "likes": "integer", "replies": "integer", "retweets": "integer", "quotes": "integer", "bookmarks": "integer", "engagement_score": "double precision", "author_display_name": "text", "author_follower_count": "integer", "tweet_url": "text", "search_keyword": "text", "framework_tags": "text[]", "hook_type": "text", "content_type": "text", "emotion_tags": "text[]", "cta_type": "text", "has_media": "boolean", "media_type": "text", "tweet_date": "timestamp with time zone", "scraped_at": "timestamp with time zone", "research_batch_id": "text", "created_at": "timestamp with time zone"}, "actp_platform_creators": {"id": "uuid", "platform": "text", "handle": "text", "niche": "text", "display_name": "text", "followers": "integer", "engagement_score": "numeric", "top_post_text": "text", "top_post_url": "text", "offer_match": "text[]", "icp_fit_score": "integer", "last_synced_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_gen_jobs": {"id": "uuid", "model": "text", "executor": "text", "brief": "jsonb", "status": "text", "output_url": "text", "platform": "text", "error": "text", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "render_job_id": "text", "retry_count": "integer", "niche": "text", "completed_at": "timestamp with time zone", "request_key": "text", "claim": "uuid", "claimed_until": "timestamp with time zone", "rendering_since": "timestamp with time zone"}, "agent_task_leases": {"domain": "text", "task": "text", "task_id": "uuid", "host": "text", "host_name": "text", "pid": "integer", "since": "timestamp with time zone", "expires_at": "timestamp with time zone"}, "actp_publish_attempts": {"task_id": "uuid", "platform": "text", "attempt": "integer", "gen_job_id": "uuid", "boot_id": "uuid", "begun_at": "timestamp with time zone", "outcome": "text", "finished_at": "timestamp with time zone", "retry_at": "timestamp with time zone", "submission_id": "text", "ask_at": "timestamp with time zone", "published_at": "timestamp with time zone", "url": "text", "error": "text"}, "agent_claude_usage": {"run": "uuid", "purpose": "text", "outcome": "text", "model": "text", "day": "date", "questions": "bigint", "tokens_asked": "bigint", "tokens_answered": "bigint", "dollars": "numeric"}, "actp_inbox": {"contact_id": "uuid", "unheard": "boolean", "done_at": "timestamp with time zone", "snoozed_until": "timestamp with time zone", "look_at": "timestamp with time zone", "look_words": "text", "alerted_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "note_asked": "text"}, "actp_own_posts": {"platform": "text", "external_id": "text", "url": "text", "published_at": "timestamp with time zone", "next_look_at": "timestamp with time zone", "failures": "integer", "problem": "text", "hour_taught_at": "timestamp with time zone"}, "actp_post_looks": {"platform": "text", "external_id": "text", "look": "text", "age_hours": "double precision", "measured_at": "timestamp with time zone", "views": "bigint", "likes": "bigint", "shares": "bigint", "replies": "bigint", "engagement": "numeric"}}');
