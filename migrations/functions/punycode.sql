-- Hosts that are written in letters beyond ASCII.

-- A part of a host as people write it: what Punycode (RFC 3492) stands for. What stands for no such
-- name, or for another spelling of one, stays as it is.
create or replace function public.safari_host_label(label text) returns text
language plpgsql immutable as $$
declare
  digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
  code constant text := substr(label, 5);
  dash constant integer := length(code) - coalesce(nullif(position('-' in reverse(code)), 0),
                                                   length(code) + 1) + 1;
  signs integer[] := array(select ascii(c) from regexp_split_to_table(left(code, greatest(dash - 1, 0)), '') c
                            where c <> '');
  place integer := dash + 1;
  sign_code bigint := 128;
  slot bigint := 0;
  before bigint;
  bias integer := 72;
  digit integer;
  weight bigint;
  step integer;
  threshold integer;
  delta bigint;
  size integer;
  written text;
begin
  if not starts_with(label, 'xn--') then
    return label;
  end if;
  while place <= length(code) loop
    before := slot;
    weight := 1;
    step := 36;
    loop
      digit := position(substr(code, place, 1) in digits) - 1;
      if place > length(code) or digit < 0 then
        return label;
      end if;
      place := place + 1;
      slot := slot + digit * weight;
      threshold := least(greatest(step - bias, 1), 26);
      exit when digit < threshold;
      weight := weight * (36 - threshold);
      step := step + 36;
      if slot > 2147483647 or weight > 2147483647 then
        return label;
      end if;
    end loop;
    size := cardinality(signs) + 1;
    delta := (slot - before) / case when before = 0 then 700 else 2 end;
    delta := delta + delta / size;
    bias := 0;
    while delta > 455 loop
      delta := delta / 35;
      bias := bias + 36;
    end loop;
    bias := bias + (36 * delta / (delta + 38))::integer;
    sign_code := sign_code + slot / size;
    slot := slot % size;
    if sign_code > 1114111 or sign_code between 55296 and 57343 then
      return label;
    end if;
    signs := signs[:slot::integer] || sign_code::integer || signs[slot::integer + 1:];
    slot := slot + 1;
  end loop;
  written := (select string_agg(chr(s), '' order by n) from unnest(signs) with ordinality u (s, n));
  if written is null or written ~ '^[\x01-\x7f]*$'
     or written <> safari_lower(normalize(written, NFKC)) or written ~ '[\u0080-\u00a0]' then
    return label;
  end if;
  return written;
end $$;
