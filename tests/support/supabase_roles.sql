-- The roles and default privileges of a Supabase project. Passwords are for the test server.
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit password 'test-only';
grant anon, authenticated, service_role to authenticator;
create role postgres login createdb createrole bypassrls password 'test-only';
grant anon, authenticated, service_role to postgres;
grant pg_monitor, pg_signal_backend to postgres;
