-- Words of commands stand in the index on one line, as lists show them; older rows follow.
update public.safari_command_index i
   set words = regexp_replace(i.words, '[\s\u00a0\u202f]+', ' ', 'g')
 where i.words ~ '[\t\n\u000b\f\r\u00a0\u202f]|  ';
