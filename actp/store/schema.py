"""The SQL of this copy: released files, new ones, and the functions that changed since.

``migrations/*.sql`` are applied in the order of their names. A released one is never edited;
``released.txt`` holds its digest. ``migrations/functions/*.sql`` define each function once, as it
is now; what differs from the released files becomes one more file, the bundle, at each release
and, until then, whenever the schema is read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import LiteralString, NamedTuple

from actp import __version__
from actp.errors import SchemaEdited, WrongState
from actp.store.bundle import Stamp, bundle
from actp.store.columns import columns_of

__all__ = [
    "BEFORE_EACH",
    "FROM_PUBLIC",
    "MIGRATIONS",
    "OLDEST_CODE",
    "SEQUENCES",
    "Migration",
    "Schema",
    "freeze",
    "read_schema",
    "schema_version",
]

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
# What each file begins with, as a migration or another program runs it.
BEFORE_EACH = tuple(
    Path(__file__).with_name(name) for name in ("queue_tables.sql", "migrations_table.sql")
)
SEQUENCES = Path(__file__).with_name("sequences.sql")  # runs at the end of each migration
# A role or a database may look up names elsewhere; extensions are found where they were. Its value:
# whether for the transaction alone.
FROM_PUBLIC: LiteralString = (
    "select set_config('search_path',"
    " concat_ws(', ', 'public', nullif(current_setting('search_path'), '')), %s)"
)
RELEASED = "released.txt"
FUNCTIONS = "functions"
BUNDLE_SUFFIX = "_functions.sql"
# Table files of the same day are applied before the bundle, at 22:00:00; steps that need its
# functions are named later.
BUNDLE_TIME = "220000"
OLDEST_CODE = 1  # code of this schema version or later can work on the schema of this copy


class Migration(NamedTuple):
    """One file that is applied as a whole."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Return the digest that is recorded."""
        return sha256(self.text.encode()).hexdigest()


class Released(NamedTuple):
    """A line of released.txt."""

    name: str
    sha256: str
    release: str


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that a database gets from this copy, in order."""

    files: tuple[Migration, ...]
    released: tuple[Released, ...]
    bundle: Migration | None

    @property
    def unreleased(self) -> tuple[Migration, ...]:
        """Return the files that the coming release adds."""
        names = {line.name for line in self.released}
        return tuple(file for file in self.files if file.name not in names)

    @property
    def version(self) -> int:
        """Return the schema version: how many releases changed the schema, the coming one too."""
        return _version(self.released, coming=bool(self.unreleased))


def read_schema(folder: Path = MIGRATIONS, release: str = __version__) -> Schema:
    """Return the schema of a copy; raises SchemaEdited for a released file that is not as released.

    A folder without ``released.txt`` and ``functions`` is just its files.
    """
    return _read(folder, _fingerprint(folder), release)


def schema_version(folder: Path = MIGRATIONS) -> int:
    """Return the version that ``read_schema`` finds, mostly without parsing the SQL.

    Every command asks this when it opens the database, and parsing all functions takes 60 ms. They
    are parsed only if they are not those of the last release and no other file is new.
    """
    released = _released(folder / RELEASED)
    names = {line.name for line in released}
    if any(path.name not in names for path in folder.glob("*.sql")):
        return _version(released, coming=True)
    if _are_functions_released(folder):
        return _version(released, coming=False)
    return read_schema(folder).version


def freeze(folder: Path = MIGRATIONS, release: str = __version__) -> tuple[Migration, ...]:
    """Release what is unreleased: write the bundle, record every digest; return the files.

    From then on read_schema refuses an edit of them. Raises WrongState when there is something to
    release and the version is that of a release.
    """
    schema = read_schema(folder, release)
    if schema.unreleased and release in {line.release for line in schema.released}:
        raise WrongState(
            f"{release} is released already",
            remedy="Raise actp.__version__ and the version in pyproject.toml.",
        )
    if schema.bundle is not None:
        (folder / schema.bundle.name).write_text(schema.bundle.text, encoding="utf-8")
    with (folder / RELEASED).open("a", encoding="utf-8") as record:
        record.writelines(f"{file.name} {file.sha256} {release}\n" for file in schema.unreleased)
        if schema.unreleased:
            record.write(_functions_line(folder))
    return schema.unreleased


def _are_functions_released(folder: Path) -> bool:
    record = folder / RELEASED
    return record.exists() and record.read_text(encoding="utf-8").endswith(_functions_line(folder))


def _functions_line(folder: Path) -> str:
    """Return the line of the record that names the functions of a release, a comment to others."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob(f"{FUNCTIONS}/*.sql")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"# functions {digest.hexdigest()}\n"


def _fingerprint(folder: Path) -> frozenset[tuple[str, int]]:
    paths = [*folder.glob("*.sql"), *folder.glob(f"{FUNCTIONS}/*.sql"), folder / RELEASED]
    return frozenset((str(path), path.stat().st_mtime_ns) for path in paths if path.exists())


@lru_cache(maxsize=4)
def _read(folder: Path, _fingerprint: frozenset[tuple[str, int]], release: str) -> Schema:
    released = _released(folder / RELEASED)
    files = [
        Migration(path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.sql"))
    ]
    _refuse_edits(released, files)
    bundled = _bundle(folder, released, files, release)
    every = sorted([*files, bundled] if bundled else files)
    return Schema(tuple(every), released, bundled)


def _released(path: Path) -> tuple[Released, ...]:
    if not path.exists():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(Released(*line.split()) for line in lines if line and not line.startswith("#"))


def _refuse_edits(released: tuple[Released, ...], files: list[Migration]) -> None:
    found = {file.name: file.sha256 for file in files}
    for line in released:
        if found.get(line.name) != line.sha256:
            fate = "edited" if line.name in found else "removed"
            raise SchemaEdited(
                f"migrations/{line.name} was released with {line.release} and has been {fate}"
            )


def _bundle(
    folder: Path, released: tuple[Released, ...], files: list[Migration], release: str
) -> Migration | None:
    names = {line.name for line in released}
    is_needed = any(file.name not in names for file in files)
    if not is_needed and _are_functions_released(folder):
        return None  # as the parsing of both would find
    definitions = [
        path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"{FUNCTIONS}/*.sql"))
    ]
    if not definitions:
        return None
    text = bundle(
        definitions,
        [file.text for file in files if file.name in names],
        released=[(line.name, line.sha256) for line in released],
        stamp=Stamp(
            _version(released, coming=True),
            release,
            OLDEST_CODE,
            json.dumps(columns_of(file.text for file in files)),
        ),
        needed=is_needed,
    )
    return Migration(_bundle_name(released, files), text) if text else None


def _version(released: tuple[Released, ...], *, coming: bool) -> int:
    return len({line.release for line in released}) + coming


def _bundle_name(released: tuple[Released, ...], files: list[Migration]) -> str:
    newest = max(file.name for file in files)
    day = date.fromisoformat(f"{newest[:4]}-{newest[4:6]}-{newest[6:8]}")
    while (name := f"{day:%Y%m%d}{BUNDLE_TIME}{BUNDLE_SUFFIX}") <= max(
        (line.name for line in released), default=""
    ):
        day += timedelta(days=1)
    return name
