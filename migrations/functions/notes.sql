-- Notes about a contact: what operators write in free text, as a tag, a stage or a status.

-- Columns in which operators and other programs write such notes, of those there are.
create or replace function public.agent_note_columns() returns text[]
language sql stable set search_path = public, pg_temp as $$
  select safari_columns('crm_contacts', array[
    'notes', 'note', 'internal_notes', 'internal_note', 'crm_notes', 'comment', 'comments', 'remark',
    'remarks', 'memo', 'status', 'contact_status', 'lead_status', 'outreach_status', 'description'])
$$;

-- A note in lower case without accents, apostrophes and signs between words.
create or replace function public.agent_note_plain(note text) returns text
language sql immutable as $$
  select ' ' || btrim(regexp_replace(
    translate(
      normalize(regexp_replace(normalize(lower(note), NFKD), '[\u0300-\u036f''’ʼ`´]', '', 'g'), NFC),
      'łøđı', 'lodi'),
    '[^[:alnum:]]+', ' ', 'g')) || ' '
$$;

-- What one sentence of a note asks of us: `stop` where it says that the person must not be contacted,
-- `doubt` where it may say so, else null. The words of the person themselves are judged elsewhere.
create or replace function public.agent_sentence_wish(sentence text) returns text
language plpgsql immutable as $$
declare
  said text := agent_note_plain(sentence);
  contacting constant text := '(contact|message|messaging|dm|write|writing|text|e ?mail|mail|call'
    '|reach|send|bother|disturb|approach|pitch|spam|touch|follow ?up|engage|harass|solicit|outreach)';
  -- Speaks of stopping without asking for it, or of another channel or time.
  unsaid constant text := ' (stop(ped|ping|s)? (by|over)|non stop|one stop'
    '|(do not|dont|never) (forget|hesitate|miss|know|worry|mind|need|have|use|like)'
    -- What is missing, did not succeed, or is yet to be done.
    '|no (contact|e ?mails?|messages?|calls?|dms?) (info\w*|details?|address\w*|number|data|on file|form'
      '|found|known|available|answered|returned|yet|so far)'
    '|(cannot|cant|can not|could ?nt|could not|did ?nt|did not) (reach|call|find|get|contact|message|e ?mail)'
    '|(never|not)( been| yet)? (contacted|messaged|e ?mailed|called|reached)'
    '|unsubscribe (link|page|option|flow|button)'
    '|(noch|bisher|bislang) nicht|non ancora|pas encore|(aun|todavia) no|ainda nao|nog niet|jeszcze nie'
    '|(пока|еще|ще) не( (писал|звонил|дзвонил)\w*)?)(?= )';
  otherwise constant text := ' (instead|rather|prefers?|only (by|via|on|through|per|after|with|e ?mail'
      '|dms?|phone|text|chat|whats ?app|linkedin|instagram)|interested in( \w+){1,6} (wants|likes)|but'
    '|before|until|till|unless|except|yet|on (weekends?|mondays?|fridays?|sundays?)'
    '|lieber|sondern|vor|bis|nur|antes|hasta|avant|prima|tot) ';
  stop constant text[] := array[
    ' (do not|dont|never|must not|mustnt|should not|shouldnt|may not|no longer|not to|not'
      ' for)( be| ever| please| to| any| further| more| again){0,3} ' || contacting,
    ' (asked|asks|asking|wants?|wanted|told|requested|requests?|begged|demand(s|ed)?|said)( \w+){0,5}'
      ' (stop(ping|ped)?|be (removed|deleted|left)|removal|remove|delete|unsubscribed?|leave|opt)(?= )',
    ' (asked|asks|wants?|wanted|told|requested|begged|demanded)( \w+){0,2} (not|no more|no further)(?= )',
    ' stop (all |any |the )?(contact|messag|writ|e ?mail|mail|text|dm|send|outreach|calling|spam)',
    ' (opt|opts|opted|opting)( \w+)? ?out(?= )', ' optout', ' unsub(bed|ed|d)?(?= )',
    ' tak(e|en)( \w+)? off( \w+){0,2} list(?= )', ' unsubscrib(ed|es|e me|e us|e them|e) ',
    ' (black ?list|dnc|dnd|do ?not ?contact|no ?contact)(ed)?(?= )',
    ' not (at all |really )?interested(?= )', ' (no|zero) interest(?= )',
    ' no (more |further )+(contact|messages?|e ?mails?|mails?|dms?|outreach|calls?|follow)',
    ' no (contact|outreach|cold|automated|automatic|marketing|messages?|dms?|e ?mails?|calls?)(?= )',
    ' leave (him|her|them|me|us|this one|it) (alone|be)(?= )', ' (hands|keep) (off|away)(?= )',
    ' (blocked|reported|has blocked|have blocked) (us|me|our|him|her|them|by)(?= )',
    ' (deceased|passed away|has died|died|verstorben|gestorben|fallecid\w|decede\w?|mort)(?= )',
    -- German
    ' (nicht|nie)( \w+){0,3} (kontakt|anschreib|schreib|angeschrieben|anruf|mail|belastig|stor|ansprech|nachfass|melden)',
    ' kein(e|en|erlei)?( weiteren?| mehr)? (kontakt|interesse|nachricht|mail|e mail|werbung|anruf|dm|bedarf)',
    ' (abgemeldet|ausgetragen|will nicht|mochte nicht|mochte keine|will keine|wunscht keine'
      '|wunscht keinen|in ruhe lassen|kontaktsperre|sperrliste)(?= )',
    -- Spanish, Portuguese, French, Italian
    ' no( \w+)? (contact(ar|arl[oae]s?|e|en)|escrib\w+|molest\w+|llam(ar|arl[oae]|e|en)|envi\w+|mand\w+|insist\w+)(?= )',
    ' no( le| les)? interesa', ' no esta interesad', ' de baja(?= )',
    ' (pidio|pide|quiere|pediu|quer|pede|chiesto|chiede|vuole|demande|veut)( \w+){0,3}'
      ' (no|nao|non|ne|parar|sair|dejar|smettere|arreter|baja|remover)(?= )',
    ' nao( \w+)? (contat\w+|contact\w+|envi\w+|incomod\w+|mand\w+|escrev\w+|ligar|perturb\w+)(?= )',
    ' (sem interesse|nao (tem|esta) interess\w+|descadastr\w+)',
    ' ne (plus|pas|jamais)( \w+){0,2} (contacter|ecrire|appeler|relancer|deranger|solliciter|envoyer)',
    ' (desinscri\w+|desabonn\w+|pas interesse\w*|plus de (messages?|mails?|contact))(?= )',
    ' non( \w+)? (contatt\w+|scriver\w+|chiamar\w+|disturb\w+|inviar\w+)',
    ' (non (e )?interessat\w|disiscritt\w|nessun contatto)(?= )',
    -- Dutch, Polish, Turkish, Swedish and their neighbours
    ' niet( meer| opnieuw)? (contact|benader|mail|bel|bericht|schrijv|stor|aanschrijv)',
    ' (geen (interesse|contact|berichten|mails?)|afgemeld|uitgeschreven)(?= )',
    ' nie (kontakt|pis|dzwon|wysyl|przeszkadz)', ' (niezainteresowan\w+|brak zainteresowania)(?= )',
    ' (iletisime gecme\w*|ilgilenmiyor|yazma\w{0,3}|rahatsiz etme\w*)(?= )',
    ' (kontakta|kontakt|skriv|ring|maila|mejla) (inte|ikke|ej)(?= )', ' (inte|ikke|ei) (kontakt|skriv|interess|intress|kiinnost)',
    -- Russian and Ukrainian
    ' не( \w+)? (пис|беспоко|звон|связыв|контакт|отправл|турбу|дзвон|надсил)',
    ' (отписал\w*|не интерес\w*|не заинтересован\w*|не цікав\w*)(?= )',
    ' (просил\w*|попросил\w*)( \w+){0,2} (не|прекратить|удалить|больше)(?= )',
    -- Scripts without spaces
    '(不要联系|勿联系|请勿联系|不要再联系|勿扰|退订|不感兴趣|不要聯繫|拒絕|連絡しない|連絡不要|連絡禁止|配信停止|興味なし|연락 ?금지|연락하지|수신 ?거부|관심 ?없)'];
  doubt constant text[] := array[
    ' (stop(ped|ping|s)?|remov(e|ed|al)|delete[sd]?|block(ed|ing)?|spam(med)?|harass\w*|pushy)(?= )',
    ' (gdpr|dsgvo|rgpd|ccpa|lawyer|attorney|lawsuit|legal|anwalt|abmahnung|cease|abogado|avocat)(?= )',
    ' (complain\w*|beschwer\w*|angry|annoyed|upset|hostile|furious|verargert|genervt|molest[oa]|enfade)(?= )',
    ' (said|says|told us|it is a|its a|hard|clear|firm) no(?= )',
    ' (declined|refus(ed|es)|rejected|turned (us|it) down|abgelehnt|rechaz\w+|rifiutat\w+)(?= )',
    ' (not now|on hold|hold off|paused?|wait (until|till|for|before)|careful|be gentle|sensitive)(?= )',
    ' (cannot|cant|can not) be \w+( \w+){0,2} (any ?more|again)(?= )',
    ' wrong (person|number|contact|guy)(?= )', ' (unresponsive|ghosted) (for good|forever)(?= )',
    ' (do not|dont|never|nicht|nie|ne pas|no)( \w+){0,2} (pitch|push|sell|chase|offer|approach|ask|add|use|disturb)(?= )',
    '(停止|停用|拒绝|やめ|중단)'];
begin
  if said is null or said = '  ' then
    return null;
  end if;
  said := regexp_replace(said, unsaid, ' ', 'g');
  if said ~ array_to_string(stop, '|') then
    return case when said ~ otherwise then 'doubt' else 'stop' end;
  end if;
  return case when said ~ array_to_string(doubt, '|') then 'doubt' end;
end $$;

-- What a note asks of us, sentence by sentence; the clearest one counts.
create or replace function public.agent_note_wish(note text) returns text
language sql immutable as $$
  -- 'stop' comes after 'doubt' in the alphabet. The dots of D.N.C. end no sentence.
  select max(agent_sentence_wish(s)) from regexp_split_to_table(
    regexp_replace(note, '\m([A-Za-z])\.(?=[A-Za-z]\M)', '\1', 'g'), '[\n\r.;!?。！？]+') s
$$;

-- All notes about a contact, each on its line; `columns` are those of agent_note_columns. Single words of
-- tags and stages have their own list.
create or replace function public.agent_notes(contact public.crm_contacts, columns text[])
returns text
language plpgsql stable as $$
declare
  everything jsonb;
  lines text[] := '{}';
begin
  if columns <> '{}' then
    everything := to_jsonb(contact);
    lines := array(
      select everything ->> c from unnest(columns) c where btrim(everything ->> c) <> '');
  end if;
  if contact.tags is not null and to_jsonb(contact.tags) <> '[]' then
    lines := lines || array(
      select t from unnest(agent_tags(to_jsonb(contact.tags))) t where t ~ '[^a-zA-Z]');
  end if;
  lines := lines || array(
    select w from unnest(array[contact.pipeline_stage, contact.relationship_stage, contact.stage]) w
     where w ~ '[^a-z]');
  return nullif(array_to_string(lines, E'\n'), '');
end $$;

-- Holds contacts whose notes may ask not to contact them, until an operator has looked; a note is
-- asked about once.
create or replace function public.agent_notes_hold(contact_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  columns constant text[] := agent_note_columns();  -- once, not for each contact
begin
  insert into actp_inbox as b (contact_id, unheard, look_at, look_words, note_asked)
    select n.id, false, now(), left('note: ' || n.note, 300), md5(n.note)
      from (select c.id, agent_notes(c, columns) as note
              from unnest(contact_ids) i (id) join crm_contacts c using (id)) n
     where n.note is not null and agent_note_wish(n.note) = 'doubt'
     order by n.id
    on conflict on constraint actp_inbox_pkey do update
      set look_at = now(), look_words = excluded.look_words, note_asked = excluded.note_asked,
          updated_at = now()
     where b.note_asked is distinct from excluded.note_asked;
end $$;
