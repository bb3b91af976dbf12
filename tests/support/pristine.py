"""What a database is like when it is fresh, and how a used one is brought back to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable
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
CATALOG = "select count(*), max(xmin::text::bigint) from "
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
DIGEST = "select {}, (select md5(string_agg(t::text, '' order by t::text)) from {} t)"
POSITION = "select {}, last_value, is_called from {}"
# Deleted rows stay in the files: a database that has held many is not worth keeping.
GROWTH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pristine:
    """The schema, the rows and the sequences of a fresh database."""

    schema: list[Any]
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
            _size_bytes(connection),
            {table: _rows(connection, table) for table in tables},
            _of_each(connection, DIGEST, tables),
            _of_each(connection, POSITION, _relations(connection, "S")),
        )

    def restore(self, connection: psycopg.Connection) -> bool:
        """Put rows and sequences back; return False if more than these has changed."""
        if _schema(connection) != self.schema:
            return False
        if _size_bytes(connection) > self.size_bytes + GROWTH_BYTES:
            return False
        found = _of_each(connection, DIGEST, self.rows)
        with connection.transaction():
            # No trigger and no foreign key has a word in it.
            connection.execute("set local session_replication_role = replica")
            for table, _ in set(found) - set(self.digests):
                self._put_back(connection, table)
            for position in self.positions:
                connection.execute("select setval(%s, %s, %s)", position)
            connection.execute("select pg_stat_reset()")
        return True

    def _put_back(self, connection: psycopg.Connection, table: str) -> None:
        connection.execute(f"delete from {table}".encode())  # noqa: S608  # quoted already
        if self.rows[table]:
            with connection.cursor().copy(f"copy {table} from stdin".encode()) as copy:
                copy.write(self.rows[table])


def _schema(connection: psycopg.Connection) -> list[Any]:
    catalogs = " union all ".join(CATALOG + name for name in CATALOGS)
    return [*connection.execute(catalogs.encode()), *connection.execute(OF_THE_DATABASE)]


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
