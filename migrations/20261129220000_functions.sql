-- Functions, views and triggers that changed since the last release. Generated from
-- migrations/functions by bin/db bundle; edit them there.
do $$
declare
  here integer := (select max(version) from public.safari_schema_versions);
begin
  if here > 5 then
    raise exception using errcode = 'object_not_in_prerequisite_state', message =
      format('the database is newer (schema version %s) than this file (5)', here);
  end if;
end $$;

-- Each body may name what comes after it.
select set_config('check_function_bodies', 'off', false),
       set_config('actp.schema_version', '5', false);

create or replace function public.safari_alerts_claim(
  row_limit integer, seconds double precision, with_buttons boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- More than these come as one message, which has no buttons.
  most_with_buttons constant integer := 50;
  furthest constant timestamptz := now() + interval '1 day';
  free_at timestamptz;
  claimed jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('safari_alerts', 0));
  select greatest(
           (select max(a.claimed_until) from safari_alerts a
             where a.claimed_until > now() and a.claimed_until < furthest),
           (select max(a.next_attempt_at) from safari_alerts a
             where a.delivered_at is null and a.next_attempt_at > now()
               and a.next_attempt_at < furthest))
    into free_at;
  if free_at is null then
    if with_buttons then
      perform safari_announce_drafts();
    end if;
    with next as (
      select a.id from safari_alerts a where a.delivered_at is null order by a.id limit row_limit
    ), taken as (
      update safari_alerts a
         set claimed_until = now() + make_interval(secs => seconds), next_attempt_at = null,
             attempts = least(a.attempts, 1000000) + 1
        from next where a.id = next.id
      returning a.id, a.kind, safari_object(a.detail) as detail, a.created_at
    )
    select jsonb_agg(to_jsonb(t) order by t.id) into claimed from taken t;
  end if;
  if with_buttons and jsonb_array_length(claimed) <= most_with_buttons then
    select jsonb_agg(c.item || jsonb_build_object('offer', safari_alert_offer(a)) order by a.id)
      into claimed
      from jsonb_array_elements(claimed) c (item)
      join safari_alerts a on a.id = (c.item ->> 'id')::bigint;
  end if;
  return jsonb_build_object(
    'now', now(), 'alerts', coalesce(claimed, '[]'),
    'secret', case when with_buttons and claimed is not null then (
      select t.secret from safari_telegram t) end,
    'wait_seconds', case when free_at is not null then safari_seconds_until(free_at) end);
end $$;

create or replace function public.safari_ask(question text, arguments jsonb default '{}')
returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  wrong jsonb;
  most constant integer := least(coalesce((a ->> 'limit')::integer, 20), 200);
begin
  case question
    when 'status' then return safari_status();
    when 'search' then
      return safari_search(coalesce(a -> 'filter', '{}'), a ->> 'after', most);
    when 'show' then return safari_show(a ->> 'id');
    when 'limits' then return safari_limits();
    when 'campaigns' then return safari_campaigns(most);
    when 'campaign' then return safari_campaign_show(a ->> 'campaign_id');
    when 'inbox' then return agent_inbox(most);
    when 'coming' then return safari_console() -> 'coming';
    when 'agent_tasks' then
      return coalesce((
        select jsonb_agg(to_jsonb(t) order by t.created_at desc) from (
          select id, domain, task, status, duration_ms, created_at, completed_at, result
            from actp_agent_tasks order by created_at desc limit most) t), '[]');
    when 'enqueue' then
      if jsonb_typeof(a -> 'commands') is distinct from 'array'
         or exists (select from jsonb_array_elements(a -> 'commands') c
                     where coalesce(btrim(c ->> 'key'), '') = '') then
        raise invalid_parameter_value using message = 'every command needs a key';
      elsif jsonb_array_length(a -> 'commands') > 100 then
        raise invalid_parameter_value using message = 'at most 100 commands at once';
      end if;
      wrong := safari_enqueue_check(a -> 'commands');
      if wrong <> '[]' then
        raise object_not_in_prerequisite_state using message = (
          select string_agg(format('command %s would not be sent: %s',
                                   (w ->> 'index')::integer + 1, w ->> 'error'), '; ')
            from jsonb_array_elements(wrong) w) || '; nothing was enqueued';
      elsif coalesce((a ->> 'dry_run')::boolean, true) then
        return jsonb_build_object('dry_run', true, 'commands', (
          select jsonb_agg(jsonb_build_object(
                   'key', c ->> 'key', 'service', r.service,
                   'command_id', (select k.command_id from safari_idempotency_keys k
                                   where k.key = c ->> 'key')))
            from jsonb_array_elements(a -> 'commands') c,
                 lateral safari_route_of(c ->> 'action', coalesce(c ->> 'platform', '')) r));
      end if;
      return jsonb_build_object('dry_run', false, 'commands', safari_enqueue(
        a -> 'commands', coalesce(nullif(btrim(a ->> 'operator'), ''), session_user)));
    else
      raise invalid_parameter_value using message = format('unknown question: %s', question);
  end case;
end $$;

create or replace function public.safari_notices_claim(
  channel text, row_limit integer, seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  known safari_notice_channels;
  free_at timestamptz;
  claimed jsonb;
begin
  insert into safari_notice_channels as c (channel) values (safari_notices_claim.channel)
    on conflict on constraint safari_notice_channels_pkey do nothing;
  select * into known from safari_notice_channels c
   where c.channel = safari_notices_claim.channel for update;
  free_at := greatest(known.claimed_until, known.next_attempt_at);
  -- Nothing puts a channel off for longer but a clock that was ahead.
  if free_at > now() and free_at < now() + interval '1 day' then
    return jsonb_build_object(
      'now', now(), 'alerts', '[]'::jsonb, 'wait_seconds', safari_seconds_until(free_at));
  end if;
  select jsonb_agg(to_jsonb(n) order by n.id) into claimed from (
    select a.id, a.kind, a.detail, a.created_at from safari_alerts a
     where a.created_at >= greatest(known.since, now() - interval '3 days')
       and not exists (select from safari_notices n where n.alert_id = a.id and n.channel = known.channel)
     order by a.id limit row_limit) n;
  if claimed is not null then
    update safari_notice_channels c set claimed_until = now() + make_interval(secs => seconds)
     where c.channel = known.channel;
  end if;
  return jsonb_build_object('now', now(), 'alerts', coalesce(claimed, '[]'), 'wait_seconds', null);
end $$;

create or replace function public.safari_notices_done(
  channel text, ids jsonb, error text default null, delivers boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into safari_notices (alert_id, channel)
    select i::bigint, safari_notices_done.channel from jsonb_array_elements_text(ids) i
     where exists (select from safari_alerts a where a.id = i::bigint) order by 1
    on conflict do nothing;
  if delivers then
    update safari_alerts a set delivered_at = now(), error = null
     where a.delivered_at is null
       and a.id in (select i::bigint from jsonb_array_elements_text(ids) i);
  end if;
  update safari_notice_channels c
     set claimed_until = null, error = left(safari_notices_done.error, 300),
         failures = case when safari_notices_done.error is null then 0
                         else least(c.failures, 1000000) + 1 end,
         next_attempt_at = case when safari_notices_done.error is not null then
           now() + make_interval(secs => least(900, 5 * 2 ^ least(c.failures, 10))) end
   where c.channel = safari_notices_done.channel;
  return to_jsonb(true);
end $$;

create or replace function public.agent_outreach_cooldown(stage text) returns interval
language sql immutable as $$
  select case stage when 'decision' then interval '48 hours'
                    when 'consideration' then interval '168 hours' else interval '336 hours' end
$$;

create or replace function public.safari_automatic_gap() returns interval
language sql immutable as $$ select interval '48 hours' $$;

create or replace function public.safari_webhooks_claim(row_limit integer, seconds double precision)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  kept_for constant interval := '7 days';
  items jsonb;
begin
  update safari_webhook_state s set recorded_until = now() + kept_for
   where s.recorded_until < now() + kept_for - interval '1 hour';
  with due as (
    select w.id from safari_webhooks w
     where w.delivered_at is null and w.dead_at is null and w.next_attempt_at <= now()
       and coalesce(w.claimed_until <= now(), true)
     order by w.next_attempt_at, w.id limit row_limit for update skip locked
  ), taken as (
    update safari_webhooks w
       set claimed_until = now() + make_interval(secs => seconds),
           attempts = least(greatest(w.attempts, 0), 1000000) + 1
      from due where w.id = due.id
    returning w.id, w.key, w.body, w.attempts
  )
  select jsonb_agg(to_jsonb(t) order by t.id) into items from taken t;
  return jsonb_build_object('items', coalesce(items, '[]'), 'wait_seconds', case when items is null then (
    select safari_seconds_until(min(greatest(w.next_attempt_at, w.claimed_until)))
      from safari_webhooks w where w.delivered_at is null and w.dead_at is null) end);
end $$;

create or replace function public.safari_webhooks_done(results jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_attempts constant integer := 10;
  given_up integer;
begin
  with told as (
    select r.*, w.attempts
      from jsonb_to_recordset(results) as r (
             id bigint, delivered boolean, http_status integer, error text, is_final boolean,
             wait_seconds double precision, untried boolean)
      join safari_webhooks w on w.id = r.id and w.delivered_at is null
     order by w.id for update of w
  ), stored as (
    update safari_webhooks w
       set claimed_until = null, http_status = t.http_status,
           error = case when t.untried then w.error else left(t.error, 300) end,
           attempts = w.attempts - case when t.untried then 1 else 0 end,
           delivered_at = case when t.delivered then now() end,
           dead_at = case when not t.delivered and not coalesce(t.untried, false)
                               and (t.is_final or t.attempts >= most_attempts) then now() end,
           next_attempt_at = case when t.delivered then w.next_attempt_at else
             now() + make_interval(secs => greatest(coalesce(t.wait_seconds, 0),
               case when t.untried then 0
                    else least(21600, 5 * 4 ^ least(t.attempts - 1, 10)) * (0.9 + 0.2 * random()) end)) end
      from told t where w.id = t.id
    returning w.dead_at
  )
  select count(*) into given_up from stored s where s.dead_at is not null;
  if given_up > 0 then
    perform safari_alert(
      format('webhook_given_up:%s', safari_today()), 'webhook_given_up',
      jsonb_build_object('count', (select count(*) from safari_webhooks w where w.dead_at is not null),
                         'error', results -> 0 ->> 'error'));
  end if;
  return jsonb_build_object('given_up', given_up);
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
  ('20261127235700_words_on_one_line.sql', '76fd3773d37adf4c84413c51d549a9af30c56901e9a02ced7eceecc8e3c4d968'),
  ('20261128220000_functions.sql', 'b379b65a75433bdab540739159fa6e1235f7ffbf276e5d9d8b5022e14c92282d')
  on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
    where safari_migrations.sha256 <> excluded.sha256;

insert into public.safari_schema_versions (version, release, oldest_code)
  values (5, '0.5.0', 1)
  on conflict (version) do update
    set release = excluded.release, oldest_code = excluded.oldest_code, applied_at = now();

select set_config('check_function_bodies', 'on', false);
select public.safari_protect();

-- Tables of other programs with other types are read through views.
select public.agent_fit('{"crm_contacts": {"id": "uuid", "platform": "text", "username": "text", "display_name": "text", "email": "text", "bio": "text", "headline": "text", "source": "text", "niche_label": "text", "tags": "text[]", "twitter_handle": "text", "instagram_handle": "text", "tiktok_handle": "text", "linkedin_url": "text", "website_url": "text", "pipeline_stage": "text", "relationship_stage": "text", "relationship_score": "integer", "icp_score": "numeric", "offer_readiness": "integer", "ai_summary": "text", "next_action": "text", "next_action_at": "timestamp with time zone", "stage": "text", "engagement_score": "double precision", "unread": "boolean", "last_message": "text", "last_message_at": "timestamp with time zone", "messages_sent": "integer", "total_messages_sent": "integer", "replies_received": "integer", "reply_rate": "double precision", "last_outbound_at": "timestamp with time zone", "last_inbound_at": "timestamp with time zone", "last_scored_at": "timestamp with time zone", "email_opted_out": "boolean", "archived_at": "timestamp with time zone", "synced_at": "timestamp with time zone", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "score_tried_at": "timestamp with time zone"}, "crm_conversations": {"id": "uuid", "contact_id": "uuid", "platform": "text", "platform_thread_id": "text", "last_message": "text", "last_message_preview": "text", "last_message_at": "timestamp with time zone", "last_reply_at": "timestamp with time zone", "reply_count": "integer", "unread_count": "integer", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "shown_name": "text", "seen_at": "timestamp with time zone", "doubted_at": "timestamp with time zone"}, "crm_messages": {"id": "uuid", "contact_id": "uuid", "conversation_id": "uuid", "platform": "text", "username": "text", "message_id": "text", "message_text": "text", "body": "text", "is_outbound": "boolean", "direction": "text", "message_type": "text", "sender": "text", "ai_generated": "boolean", "sent_by_automation": "boolean", "metadata": "jsonb", "sent_at": "timestamp with time zone", "synced_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_interactions": {"id": "uuid", "contact_id": "uuid", "type": "text", "platform": "text", "direction": "text", "summary": "text", "outcome": "text", "sentiment": "text", "value_delivered": "boolean", "queue_id": "uuid", "metadata": "jsonb", "occurred_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_message_queue": {"id": "uuid", "contact_id": "uuid", "platform": "text", "message_body": "text", "message_type": "text", "scheduled_for": "timestamp with time zone", "status": "text", "ai_reasoning": "text", "offer_name": "text", "priority": "integer", "error_message": "text", "attempts": "integer", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "sent_at": "timestamp with time zone", "command_id": "uuid", "hold": "text", "accepted_at": "timestamp with time zone", "written_by": "text", "reader_hour": "integer"}, "crm_score_history": {"id": "uuid", "contact_id": "uuid", "score": "integer", "stage": "text", "reason": "text", "reasoning": "text", "signals": "text[]", "model_used": "text", "scored_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_market_research": {"id": "uuid", "platform": "text", "keyword": "text", "post_url": "text", "author": "text", "post_text": "text", "likes": "integer", "views": "integer", "comments": "integer", "shares": "integer", "retweets": "integer", "engagement_score": "numeric", "is_verified": "boolean", "hashtags": "text[]", "collected_at": "timestamp with time zone"}, "linkedin_prospects": {"id": "uuid", "profile_url": "text", "full_name": "text", "headline": "text", "about_snippet": "text", "stage": "text", "fit_score": "integer", "connection_note": "text", "contacted_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_crm_transitions": {"id": "uuid", "contact_id": "uuid", "from_stage": "text", "to_stage": "text", "trigger": "text", "score_at_transition": "integer", "created_at": "timestamp with time zone", "to_announce": "boolean"}, "actp_agent_tasks": {"id": "uuid", "domain": "text", "task": "text", "params": "jsonb", "status": "text", "result": "jsonb", "duration_ms": "integer", "created_at": "timestamp with time zone", "completed_at": "timestamp with time zone"}, "actp_workflow_tasks": {"id": "uuid", "task_type": "text", "execution_id": "uuid", "step_id": "uuid", "status": "text", "input_data": "jsonb", "output_data": "jsonb", "claimed_by": "text", "claimed_at": "timestamp with time zone", "completed_at": "timestamp with time zone", "timeout_minutes": "integer", "error": "text", "created_at": "timestamp with time zone", "boot_id": "uuid", "host_key": "text", "lease_number": "bigint", "lease_expires_at": "timestamp with time zone", "next_at": "timestamp with time zone", "hold": "text", "accepted_at": "timestamp with time zone"}, "actp_prospect_scores": {"id": "uuid", "contact_id": "uuid", "funnel_stage": "text", "score": "integer", "score_breakdown": "jsonb", "research_done": "boolean", "research_data": "jsonb", "research_at": "timestamp with time zone", "next_touch_type": "text", "next_touch_at": "timestamp with time zone", "offer_readiness": "integer", "icp_fit": "integer", "updated_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_ab_tests": {"id": "uuid", "niche": "text", "test_method_a": "text", "test_method_b": "text", "variant_a_text": "text", "variant_b_text": "text", "post_id_a": "text", "post_url_b": "text", "status": "text", "winner": "text", "metrics_1h": "jsonb", "metrics_4h": "jsonb", "metrics_24h": "jsonb", "eng_score_a": "numeric", "eng_score_b": "numeric", "created_at": "timestamp with time zone", "completed_at": "timestamp with time zone", "topic": "text", "post_url_a": "text", "post_id_b": "text", "error": "text", "command_id": "uuid", "a_begun_at": "timestamp with time zone", "started_at": "timestamp with time zone", "p_value": "double precision", "series_id": "uuid", "round": "integer", "rounds": "integer", "planned_at": "timestamp with time zone"}, "actp_content_performance": {"id": "uuid", "external_id": "text", "platform": "text", "niche": "text", "content_type": "text", "offer_tags": "text[]", "topic_tags": "text[]", "views": "integer", "likes": "integer", "comments_count": "integer", "watch_time_minutes": "numeric", "engagement_score": "numeric", "title": "text", "published_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_posting_schedule": {"platform": "text", "posts_per_day": "integer", "best_hours": "integer[]", "active_days": "integer[]", "min_gap_hours": "integer", "thompson_slots": "jsonb", "updated_at": "timestamp with time zone", "saturated_since": "timestamp with time zone"}, "actp_niche_resonance": {"id": "uuid", "platform": "text", "niche": "text", "offer_tag": "text", "content_type": "text", "avg_views": "numeric", "avg_engagement": "numeric", "avg_watch_time": "numeric", "top_hook_patterns": "text[]", "top_post_ids": "text[]", "sample_count": "integer", "last_updated": "timestamp with time zone", "inspiration_hooks": "text[]"}, "youtube_video_stats": {"id": "uuid", "video_id": "text", "checked_at": "timestamp with time zone", "check_bucket": "timestamp without time zone", "title": "text", "published_at": "timestamp with time zone", "views": "integer", "likes": "integer", "comments_count": "integer", "watch_time_minutes": "numeric", "avg_view_duration_secs": "numeric", "impressions": "integer", "ctr": "numeric", "subscribers_gained": "integer", "revenue_usd": "numeric"}, "actp_platform_associations": {"id": "uuid", "contact_id": "uuid", "platform": "text", "handle": "text", "profile_url": "text", "followers": "integer", "first_seen_at": "timestamp with time zone", "last_active_at": "timestamp with time zone", "interaction_count": "integer", "engagement_type": "text"}, "actp_cross_platform_trends": {"id": "uuid", "niche": "text", "platforms": "text[]", "platform_count": "integer", "total_engagement": "numeric", "avg_engagement": "numeric", "trend_strength": "numeric", "top_posts": "jsonb", "detected_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "rising_since": "timestamp with time zone", "rise": "numeric"}, "actp_platform_research": {"id": "uuid", "source_platform": "text", "post_url": "text", "handle": "text", "author_name": "text", "post_text": "text", "niche": "text", "likes": "integer", "views": "integer", "comments_count": "integer", "shares": "integer", "engagement_score": "numeric", "raw": "jsonb", "posted_at": "timestamp with time zone", "scraped_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_twitter_research": {"id": "uuid", "tweet_id": "text", "author_handle": "text", "tweet_text": "text", "niche": "text", "views": "integer", "likes": "integer", "replies": "integer", "retweets": "integer", "quotes": "integer", "bookmarks": "integer", "engagement_score": "double precision", "author_display_name": "text", "author_follower_count": "integer", "tweet_url": "text", "search_keyword": "text", "framework_tags": "text[]", "hook_type": "text", "content_type": "text", "emotion_tags": "text[]", "cta_type": "text", "has_media": "boolean", "media_type": "text", "tweet_date": "timestamp with time zone", "scraped_at": "timestamp with time zone", "research_batch_id": "text", "created_at": "timestamp with time zone"}, "actp_platform_creators": {"id": "uuid", "platform": "text", "handle": "text", "niche": "text", "display_name": "text", "followers": "integer", "engagement_score": "numeric", "top_post_text": "text", "top_post_url": "text", "offer_match": "text[]", "icp_fit_score": "integer", "last_synced_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_gen_jobs": {"id": "uuid", "model": "text", "executor": "text", "brief": "jsonb", "status": "text", "output_url": "text", "platform": "text", "error": "text", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "render_job_id": "text", "retry_count": "integer", "niche": "text", "completed_at": "timestamp with time zone", "request_key": "text", "claim": "uuid", "claimed_until": "timestamp with time zone", "rendering_since": "timestamp with time zone"}, "agent_task_leases": {"domain": "text", "task": "text", "task_id": "uuid", "host": "text", "host_name": "text", "pid": "integer", "since": "timestamp with time zone", "expires_at": "timestamp with time zone"}, "actp_publish_attempts": {"task_id": "uuid", "platform": "text", "attempt": "integer", "gen_job_id": "uuid", "boot_id": "uuid", "begun_at": "timestamp with time zone", "outcome": "text", "finished_at": "timestamp with time zone", "retry_at": "timestamp with time zone", "submission_id": "text", "ask_at": "timestamp with time zone", "published_at": "timestamp with time zone", "url": "text", "error": "text"}, "agent_claude_usage": {"run": "uuid", "purpose": "text", "outcome": "text", "model": "text", "day": "date", "questions": "bigint", "tokens_asked": "bigint", "tokens_answered": "bigint", "dollars": "numeric"}, "actp_inbox": {"contact_id": "uuid", "unheard": "boolean", "done_at": "timestamp with time zone", "snoozed_until": "timestamp with time zone", "look_at": "timestamp with time zone", "look_words": "text", "alerted_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "note_asked": "text"}, "actp_own_posts": {"platform": "text", "external_id": "text", "url": "text", "published_at": "timestamp with time zone", "next_look_at": "timestamp with time zone", "failures": "integer", "problem": "text", "hour_taught_at": "timestamp with time zone"}, "actp_post_looks": {"platform": "text", "external_id": "text", "look": "text", "age_hours": "double precision", "measured_at": "timestamp with time zone", "views": "bigint", "likes": "bigint", "shares": "bigint", "replies": "bigint", "engagement": "numeric"}}');
