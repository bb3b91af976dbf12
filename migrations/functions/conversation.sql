-- Whose turn it is in a conversation, read from every table in which it may stand.

-- One person, whichever of their contacts is asked for: `ids` are their contact rows, always in the
-- same order, `addresses` all places that are theirs, and `veto` says why they get nothing automatic,
-- whichever row or address says so: opted_out or customer, null where nothing does. `own_veto` is what
-- the contact itself says. Outreach asks here only. In a FROM clause it becomes a part of the query,
-- which costs a page a third of what a call for each contact does.
create or replace function public.agent_person_of(contact_id uuid)
returns table (ids uuid[], addresses text[], veto text, own_veto text)
language sql stable as $$
  select coalesce(array_agg(substr(p.address, 9)::uuid order by p.address)
                    filter (where starts_with(p.address, 'contact:')), array[contact_id]),
         coalesce(array_agg(p.address), array['contact:' || contact_id]),
         case when bool_or(p.veto = 'opted_out' or exists (
                     select from safari_do_not_contact n
                      where n.platform = any (safari_listed_under(p.address))
                        and n.recipient = split_part(p.address, ':', 2))) then 'opted_out'
              when bool_or(p.veto = 'customer') then 'customer' end,
         max(p.veto) filter (where p.address = o.address)
    from safari_people o join safari_people p on p.person = o.person
   where o.address = 'contact:' || contact_id
$$;

create or replace function public.agent_person(contact_id uuid) returns uuid[]
language sql stable as $$
  select p.ids from agent_person_of(contact_id) p
$$;

create or replace function public.agent_person_veto(contact_id uuid) returns text
language sql stable as $$
  select p.veto from agent_person_of(contact_id) p
$$;

-- Kinds of interactions by which somebody said nothing.
create or replace function public.agent_silent_acts() returns text
language sql immutable as $$
  select '(open|opened|click|clicked|like|liked|view|viewed|seen|read|delivered|bounce|bounced'
         '|reaction|reacted)$'
$$;

-- Kinds of interactions by which somebody asked to be left alone, as other programs record it.
create or replace function public.agent_refusing_acts() returns text
language sql immutable as $$
  select '(unsubscribe|unsubscribed|opt[_ -]?out|opted[_ -]?out|spam[_ -]?report(ed)?|complaint|complained)$'
$$;

-- Kinds of interactions without a direction that were not our doing.
create or replace function public.agent_outreach_their_acts() returns text
language sql immutable as $$
  select '(reply|replied|response|responded|answer|answered|received|inbound|incoming|mention)$|' || agent_silent_acts() || '|' || agent_refusing_acts()
$$;

-- Which way an interaction went, in whatever word: inbound, outbound or null.
create or replace function public.agent_direction(written text) returns text
language sql immutable as $$
  select case when written in ('inbound', 'outbound') then written
              when regexp_replace(lower(written), '[^a-z]+', '', 'g') in (
                'inbound', 'incoming', 'in', 'inbox', 'received', 'receive', 'reply', 'theirs', 'them',
                'fromthem', 'tous', 'tome') then 'inbound'
              when regexp_replace(lower(written), '[^a-z]+', '', 'g') in (
                'outbound', 'outgoing', 'out', 'outbox', 'sent', 'send', 'ours', 'us', 'me', 'self',
                'fromus', 'fromme', 'tothem') then 'outbound' end
$$;

-- Messages that nobody marked either way count as theirs, unless their sender says that they are ours.
create or replace function public.agent_outreach_is_theirs(message public.crm_messages)
returns boolean
language sql immutable as $$
  select coalesce(public.agent_direction(message.direction) = 'inbound', not message.is_outbound,
                  public.agent_direction(message.sender::text) is distinct from 'outbound'
                    and message.sent_by_automation::text is distinct from 'true')
$$;

-- Whether a text is what a site reports that somebody did (liked a message, reacted, is typing), in the
-- languages that the sites are shown in, or hearts alone: some programs store that as a message. Who wrote
-- words, or a sign that may answer a question, has answered. `who` may stand before, in one handle or name.
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

-- Messages by which somebody answered, in words or a sign: no reaction, receipt or notice of the site.
create or replace function public.agent_is_answer(message public.crm_messages) returns boolean
language sql immutable as $$
  select agent_outreach_is_theirs(message)
     and coalesce(lower(message.message_type::text), '')
         !~ ('(^|_)(typing|system|deleted|unsent|receipt)$|(^|_)' || agent_silent_acts())
     and not coalesce(agent_is_act(coalesce(nullif(message.message_text, ''), message.body)), false)
$$;

-- Interactions that stand for words of theirs; who merely opened or liked something said nothing.
create or replace function public.agent_is_reply(type text, direction text) returns boolean
language sql immutable as $$
  select coalesce(case agent_direction(direction)
           when 'outbound' then false
           when 'inbound' then lower(type) !~ (
           '(follow|followed)$|' || agent_silent_acts() || '|' || agent_refusing_acts())
           else lower(type) ~ '(reply|replied|response|responded|answer|answered|received|inbound|incoming)$'
         end, false)
$$;

-- Interactions that may say that somebody wants to be left alone, without being an answer: what somebody
-- of ours wrote down, and what another program recorded.
create or replace function public.agent_is_note(type text) returns boolean
language sql immutable as $$
  select coalesce(lower(type) ~ ('(^|[_ ])(note|notes|remark|memo|call|phone|meeting)$|'
                                 || agent_refusing_acts()), false)
$$;

-- Whether the outcome of something that we did says that they answered it, as CRMs note it there.
create or replace function public.agent_outcome_is_reply(outcome text) returns boolean
language sql immutable as $$
  select coalesce(lower(outcome) ~ '(^|[_ -])(replied|reply|responded|response|answered|answer)([_ .!-]|$)'
    and lower(outcome) !~ '(^|[_ -])(no|not|non|never|without|awaiting|waiting|wait|pending|needs?|until'
                          '|if|auto|automatic|(did|has|have|does)n.?t)([_ -]|$)', false)
$$;

-- What an outcome may say of the person's wishes; null for one that says how it went alone.
create or replace function public.agent_outcome_note(outcome text) returns text
language sql immutable as $$
  select case when lower(outcome) !~ '^\s*(sent|delivered|success(ful)?|ok|done|completed?|pending|queued'
                '|opened|read|seen|failed|error|none|null|no[_ -]?(reply|response|answer))?\s*$'
              then left(outcome, 300) end
$$;

-- A moment of a conversation that may be compared and printed: never before 1970, never in the future.
create or replace function public.agent_moment(value timestamptz) returns timestamptz
language sql stable as $$
  select case when value is not null then greatest(least(value, now()), 'epoch') end
$$;

-- When they wrote, by a moment that may lie in the future and the time of the row that says so.
create or replace function public.agent_heard_at(said timestamptz, written_at timestamptz)
returns timestamptz
language sql stable as $$
  select case when said > now() then coalesce(least(written_at, now()), now()) else said end
$$;

-- What is read of a message: who asks us to stop in a long one does so at its beginning or its end.
create or replace function public.agent_excerpt(message text) returns text
language sql immutable as $$
  select case when length(message) <= 2000 then message
              else left(message, 1000) || E'\n…\n' || right(message, 1000) end
$$;

-- One conversation with a person: `ids` are their contact rows, `addresses` all that are theirs.
--   is_open         a message to them is queued or on its way
--   touched_at      the last time we did anything, `touches` how often in seven days
--   ours_at         the last time we wrote to them; heard_at: the last time they wrote to us
--   heard_platform  where they wrote last; last_platform: where the conversation stands
--   heard_hours     the UTC hours at which they wrote
--   texts           their last words, newest first, [{at, text, from: them|unknown}]
-- A text of unknown direction that we did not write may be theirs. A message is no younger than its row: a
-- program that stores local time as UTC dates it into the future, where it would be new again and again.
-- What else is dated so was our doing, but not our last word; their word came when its row was written.
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

-- Whether a person waits for our answer: they wrote last, and nobody has dismissed it since. Of two
-- messages of one moment, as where a program stores days, theirs may be the last.
create or replace function public.agent_waits_for_us(
  ours_at timestamptz, heard_at timestamptz, done_at timestamptz
) returns boolean
language sql immutable as $$
  select coalesce(heard_at >= coalesce(ours_at, '-infinity')
                  and heard_at > coalesce(done_at, '-infinity'), false)
$$;

-- The page at which a person can be looked at.
create or replace function public.agent_person_link(platform text, address text) returns text
language sql immutable as $$
  select case platform
    when 'twitter' then 'https://x.com/' || address
    when 'instagram' then 'https://www.instagram.com/' || address || '/'
    when 'tiktok' then 'https://www.tiktok.com/@' || address
    when 'threads' then 'https://www.threads.com/@' || address
    when 'linkedin' then address
    when 'gmail' then 'mailto:' || address end
$$;
