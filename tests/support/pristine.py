"""What a database is like when it is fresh, and how a used one is brought back to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    import psycopg

# Where all that DDL, grants and ANALYZE may change is written down.
CATALOGS = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_collation", "pg_constraint", "pg_default_acl"),
    *("pg_depend", "pg_description", "pg_event_trigger", "pg_extension", "pg_index"),
    *("pg_inherits", "pg_init_privs", "pg_largeobject_metadata", "pg_namespace", "pg_policy"),
    *("pg_proc", "pg_publication", "pg_rewrite", "pg_sequence", "pg_statistic"),
    *("pg_statistic_ext", "pg_trigger", "pg_type"),
)
# A changed row of a catalog bears the number of the transaction that changed it.
CATALOG = "select count(*), age('3'::xid) - min(age(xmin)) from "
OF_THE_DATABASE = """
select datacl::text, datconnlimit,
       (select array_agg(s::text order by s::text)
          from pg_db_role_setting s where s.setdatabase = d.oid),
       (select sum(reltuples)::text || ' ' || sum(relpages) from pg_class)
  from pg_database d where datname = current_database()
"""
RELATIONS = """
select format('%%I.%%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = %s and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1
"""
# A table whose file is empty has no rows.
NOT_EMPTY = """
select format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
   and (pg_stat_file(pg_relation_filepath(c.oid))).size > 0
"""
# Rows that were written, also by transactions that were rolled back; one of a catalog has no name.
WRITTEN = """
select distinct case when n.nspname !~ '^pg_' then format('%I.%I', n.nspname, c.relname) end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and not c.relisshared
   and pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
     + pg_stat_get_tuples_deleted(c.oid) > 0
"""
COUNTED_SINCE = "select stats_reset from pg_stat_database where datname = current_database()"
DIGEST = "select {}, (select md5(string_agg(t::text, '' order by t::text)) from {} t)"
POSITION = "select {}, last_value, is_called from {}"
# Deleted rows stay in the files: a database that has held many is not worth keeping.
GROWTH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pristine:
    """The schema, the rows and the sequences of a fresh database."""

    schema: list[Any]
    of_the_database: list[Any]
    size_bytes: int
    rows: dict[str, bytes]
    digests: list[Any]
    positions: list[Any]

    @classmethod
    def of(cls, connection: psycopg.Connection) -> Pristine:
        """Describe the database of this connection, which is a superuser's."""
        tables = _relations(connection, "r")
        return cls(
            _schema(connection),
            connection.execute(OF_THE_DATABASE).fetchall(),
            _size_bytes(connection),
            {table: _rows(connection, table) for table in tables},
            _of_each(connection, DIGEST, tables),
            _of_each(connection, POSITION, _relations(connection, "S")),
        )

    def restore(
        self, connection: psycopg.Connection, counted_since: datetime | None
    ) -> datetime | None:
        """Put rows and sequences back; return None if more than these has changed.

        The server counts the rows that a session writes when the session ends. ``counted_since``
        is what was returned the last time if every session has ended since, else None: a server
        that crashed, or was asked to, counts anew and has another time. Without counts all rows
        are compared, which takes much longer.
        """
        written = self._written(connection, counted_since)
        if connection.execute(OF_THE_DATABASE).fetchall() != self.of_the_database:
            return None
        if (written is None or None in written) and _schema(connection) != self.schema:
            return None
        if written is None:
            written = self._changed(connection)
        if _size_bytes(connection) > self.size_bytes + GROWTH_BYTES:
            return None
        with connection.transaction():
            # No trigger and no foreign key has a word in it.
            connection.execute("set local session_replication_role = replica")
            for table in filter(None, written):
                self._put_back(connection, table)
            for position in self.positions:
                connection.execute("select setval(%s, %s, %s)", position)
        # What this session has written is counted before the count begins anew.
        connection.execute("select pg_stat_force_next_flush()")
        connection.execute("select pg_stat_reset()")
        return _counted_since(connection)

    def _written(
        self, connection: psycopg.Connection, counted_since: datetime | None
    ) -> set[str | None] | None:
        if counted_since is None or _counted_since(connection) != counted_since:
            return None
        return {table for (table,) in connection.execute(WRITTEN)}

    def _changed(self, connection: psycopg.Connection) -> set[str | None]:
        not_empty = {table for (table,) in connection.execute(NOT_EMPTY)}
        same = {table for table, digest in self.digests if digest is None} - not_empty
        found = _of_each(connection, DIGEST, sorted(self.rows.keys() - same))
        return {table for table, _ in set(found) - set(self.digests)}

    def _put_back(self, connection: psycopg.Connection, table: str) -> None:
        connection.execute(f"delete from {table}".encode())  # noqa: S608  # quoted already
        if self.rows[table]:
            with connection.cursor().copy(f"copy {table} from stdin".encode()) as copy:
                copy.write(self.rows[table])


def _counted_since(connection: psycopg.Connection) -> datetime | None:
    ((moment,),) = connection.execute(COUNTED_SINCE)
    return cast("datetime | None", moment)


def _schema(connection: psycopg.Connection) -> list[Any]:
    catalogs = " union all ".join(CATALOG + name for name in CATALOGS)
    return connection.execute(catalogs.encode()).fetchall()


def _size_bytes(connection: psycopg.Connection) -> int:
    ((size,),) = connection.execute("select pg_database_size(current_database())")
    return int(size)


def _relations(connection: psycopg.Connection, kind: str) -> list[str]:
    return [name for (name,) in connection.execute(RELATIONS, (kind,))]


def _rows(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"copy {table} to stdout".encode()) as copy:
        return b"".join(copy)


def _of_each(connection: psycopg.Connection, query: str, relations: Iterable[str]) -> list[Any]:
    queries = [sql.SQL(query).format(each, sql.SQL(each)) for each in relations]
    return connection.execute(sql.SQL(" union all ").join(queries)).fetchall() if queries else []
