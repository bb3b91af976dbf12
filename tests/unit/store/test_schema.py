from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from actp import __version__
from actp.errors import SchemaEdited, WrongState
from actp.store.schema import MIGRATIONS, freeze, read_schema, schema_version
from actp.store.statements import statements

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "0.1.0"
FIRST = (
    "create or replace function public.f(a int default 1) returns int language sql as 'select 1';"
)
SECOND = FIRST.replace("select 1", "select 2")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small copy: one released file that defines f, and functions/ that agrees with it."""
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "one.sql").write_text(f"-- What f is for.\n{FIRST}\n")
    (tmp_path / "20260101000000_first.sql").write_text(f"create table if not exists t ();\n{FIRST}")
    freeze(tmp_path, RELEASE)
    return tmp_path


def define(copy: Path, text: str) -> None:
    (copy / "functions" / "one.sql").write_text(text)


def names(copy: Path) -> list[str]:
    return [file.name for file in read_schema(copy).files]


def test_every_released_file_is_as_it_was_released() -> None:
    assert {line.release for line in read_schema().released} >= {"0.1.0"}
    assert sum(line.release == "0.1.0" for line in read_schema().released) == 34


def test_only_released_bundles_lie_among_the_migrations() -> None:
    released = {line.name for line in read_schema().released}
    assert {path.name for path in MIGRATIONS.glob("*_functions.sql")} <= released


def test_new_files_define_no_functions() -> None:
    for file in read_schema().unreleased:
        if file != read_schema().bundle:
            found = [s.text for s in statements(file.text) if re.match(r"create.*function", s.text)]
            assert found == [], f"{file.name}: put it into migrations/functions"


def test_an_unchanged_copy_has_its_released_version_and_no_bundle(copy: Path) -> None:
    assert names(copy) == ["20260101000000_first.sql", "20260101220000_functions.sql"]
    assert read_schema(copy).version == 1
    assert read_schema(copy).bundle is None
    assert freeze(copy) == ()


@pytest.mark.parametrize("fate", ["edited", "removed"])
def test_a_released_file_that_changed_is_refused(copy: Path, fate: str) -> None:
    path = copy / "20260101000000_first.sql"
    path.unlink() if fate == "removed" else path.write_text("select 1;")
    with pytest.raises(SchemaEdited, match=rf"first\.sql was released .* {fate}"):
        read_schema(copy)


def test_a_changed_function_becomes_a_file_after_the_tables_of_its_day(copy: Path) -> None:
    define(copy, SECOND)
    (copy / "20260102070000_tables.sql").write_text("create table if not exists u ();")
    assert names(copy)[-2:] == ["20260102070000_tables.sql", "20260102220000_functions.sql"]
    bundle = read_schema(copy).bundle
    assert bundle is not None
    assert "select 2" in bundle.text
    assert read_schema(copy).version == 2


def test_next_bundle_holds_only_later_changes(copy: Path) -> None:
    define(copy, SECOND)
    assert [file.name for file in freeze(copy)] == ["20260102220000_functions.sql"]
    assert read_schema(copy).bundle is None
    assert read_schema(copy).version == 2
    define(copy, f"{SECOND}\n{FIRST.replace('public.f', 'public.g')}")
    bundle = read_schema(copy).bundle
    assert bundle is not None
    assert bundle.name == "20260103220000_functions.sql"
    assert "public.g" in bundle.text
    assert "public.f" not in bundle.text


def test_the_quick_version_is_that_of_the_whole_schema(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same() -> int:
        assert schema_version(copy) == read_schema(copy).version
        return schema_version(copy)

    assert same() == 1
    define(copy, SECOND)
    assert same() == 2
    freeze(copy)
    assert same() == 2
    with monkeypatch.context() as patch:
        patch.setattr("actp.store.schema._bundle", lambda *_: pytest.fail("the SQL was parsed"))
        assert schema_version(copy) == 2
    define(copy, FIRST)
    assert same() == 3
    define(copy, SECOND)
    (copy / "20270102070000_tables.sql").write_text("create table if not exists u ();")
    assert same() == 3


def test_a_function_that_goes_back_to_an_older_text_is_bundled_again(copy: Path) -> None:
    define(copy, SECOND)
    freeze(copy)
    define(copy, FIRST)
    bundle = read_schema(copy).bundle
    assert bundle is not None
    assert "select 1" in bundle.text


@pytest.mark.parametrize("replacement", ["", FIRST.replace("a int", "a bigint")])
def test_a_function_that_is_gone_or_takes_other_arguments_needs_a_drop(
    copy: Path, replacement: str
) -> None:
    define(copy, replacement or FIRST.replace("public.f", "public.other"))
    with pytest.raises(SchemaEdited, match="is gone from"):
        read_schema(copy)
    define(copy, f"drop function if exists public.f(int);\n{replacement}")
    bundle = read_schema(copy).bundle
    assert bundle is not None
    assert "drop function if exists public.f(int);" in bundle.text


def test_a_release_needs_a_version_of_its_own(copy: Path) -> None:
    define(copy, SECOND)
    with pytest.raises(WrongState, match=r"0\.1\.0 is released already"):
        freeze(copy, RELEASE)


def test_unreleased_sql_belongs_to_a_coming_release() -> None:
    schema = read_schema()
    assert not schema.unreleased or __version__ not in {line.release for line in schema.released}


def test_another_default_needs_no_drop(copy: Path) -> None:
    define(copy, FIRST.replace("default 1", "default 2"))
    assert read_schema(copy).bundle is not None


@pytest.mark.parametrize(
    ("text", "said"), [("create table x ();", "definitions only"), (FIRST * 2, "twice")]
)
def test_what_is_no_single_definition_is_refused(copy: Path, text: str, said: str) -> None:
    define(copy, text)
    with pytest.raises(SchemaEdited, match=said):
        read_schema(copy)


def test_our_function_files_are_short_enough_to_read() -> None:
    for path in [*MIGRATIONS.glob("functions/*.sql")]:
        assert len(path.read_text().splitlines()) <= 400, path
