"""Reads a CSV file as spreadsheets write it: any delimiter, line end and Unicode encoding."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from actp.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Line", "column_name", "read_spreadsheet", "read_table"]

DELIMITERS: Final = ",;\t|"
MAX_LINES: Final = 100_000
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_CELL: Final = 10_000
# The longer marks first: that of UTF-32 begins with one of UTF-16.
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
# What is picked by mistake, by its first bytes.
_OTHER_KINDS: Final = (
    (b"PK\x03\x04", "an Excel workbook, or another ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or Word document"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
_LOOKED_AT_BYTES: Final = 1000
# Excel writes the delimiter into a line before the header.
_DELIMITER_LINE: Final = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)


# What stands above the header in exports of Numbers ("Table 1") and LinkedIn ("Notes:").
_TITLE_LINES: Final = 4
_HEADER_WORD: Final = re.compile(
    r"(?i)(?:^|[\W_])(?:name|e-?mail|url|handle|username|platform|profile|instagram|twitter|linkedin|tiktok)(?:[\W_]|$)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the line of the file on which it begins, and its cells by column.

    Cells are stripped; empty ones are left out. ``fault`` says why the row cannot be used.
    """

    number: int
    cells: dict[str, str]
    fault: str | None = None


def column_name(header: str) -> str:
    """Return a header as a name: ``E-mail Address`` is ``e_mail_address``."""
    return "_".join("".join(c if c.isalnum() else " " for c in header.casefold()).split())


def read_spreadsheet(path: Path) -> tuple[tuple[str, ...], list[Line]]:
    """Return the columns and lines of a file; raises InvalidInput where it is no table."""
    return read_table(_bytes_of(path), str(path))


def read_table(raw: bytes, path: str) -> tuple[tuple[str, ...], list[Line]]:
    """Return the columns and lines of what is in a file; raises InvalidInput as well."""
    text = _decoded(raw, path)
    first = list(islice((line for line in text.splitlines() if line.strip()), _TITLE_LINES + 1))
    named = _DELIMITER_LINE.fullmatch(first[0]) if first else None
    titles = _titles(first)
    sample = first[titles] if first else ""
    delimiter = named[1] if named else max(DELIMITERS, key=sample.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    # A line without a delimiter and a word is blank; one of empty cells is a row.
    rows = (row for row in _rows(reader, path) if len(row[1]) > 1 or "".join(row[1]).strip())
    for _ in range(1 if named else titles):
        next(rows)
    header = next(rows, (1, []))[1]
    columns = tuple(map(column_name, header))
    if not any(columns):
        raise InvalidInput(f"{path}: the first line names no columns", remedy="Add a header line.")
    given = [column for column in columns if column]
    if twice := sorted({column for column in given if given.count(column) > 1}):
        raise InvalidInput(f"{path}: duplicate column {twice[0]}", remedy="Rename one of them.")
    lines = [_line(number, columns, cells) for number, cells in rows if any(map(str.strip, cells))]
    if len(lines) > MAX_LINES:
        raise InvalidInput(
            f"{path}: {len(lines):,} lines are too many at once",
            remedy=f"Split it into files of at most {MAX_LINES:,} lines.",
        )
    return columns, lines


def _titles(first: list[str]) -> int:
    """Return how many lines of one cell stand above a header of several."""
    for number, line in enumerate(first):
        if len(line) > MAX_CELL or line.count('"') % 2:  # a cell goes on in the next line
            return 0
        cells = next(csv.reader([line], delimiter=max(DELIMITERS, key=line.count)))
        if sum(map(bool, map(str.strip, cells))) > 1:
            is_header = "@" not in line and "//" not in line and _HEADER_WORD.search(line)
            return number if is_header else 0
    return 0


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than 64 MiB", remedy="Split it.")
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", remedy="Name a file.") from None


def _decoded(raw: bytes, path: str) -> str:
    for start, kind in _OTHER_KINDS:
        if raw.startswith(start):
            raise InvalidInput(f"{path} is {kind}", remedy="Save the table as CSV in UTF-8.")
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    encoding = encoding or _unmarked(raw[:_LOOKED_AT_BYTES])
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InvalidInput(
            f"{path}, line {line}: not {encoding}", remedy="Save it as CSV in UTF-8."
        ) from None


def _unmarked(start: bytes) -> str:
    """Return the encoding of a file without a mark: every other byte of UTF-16 is zero."""
    zeros = [start[place::2].count(0) for place in (0, 1)]
    if max(zeros) * 4 < len(start):
        return "utf-8"
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _rows(reader: Iterator[list[str]], path: str) -> Iterator[tuple[int, list[str]]]:
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_long = "field larger" in str(error)
            raise InvalidInput(
                f"{path}, line {begins}: {'a cell is too long' if is_long else error}",
                remedy=f"{'Shorten it, or close' if is_long else 'Close'} the quotation marks.",
            ) from None
        yield begins, cells
        begins = int(getattr(reader, "line_num", begins)) + 1


def _line(number: int, columns: tuple[str, ...], cells: list[str]) -> Line:
    found = {
        column: value.strip()
        for column, value in zip(columns, cells, strict=False)
        if column and value.strip()
    }
    fault = None
    if any(cell.strip() for cell in cells[len(columns) :]):
        fault = f"{len(cells)} cells for {len(columns)} columns"
    elif any(len(value) > MAX_CELL for value in found.values()):
        fault = f"a cell is longer than {MAX_CELL:,} characters"
    elif any("\0" in value for value in found.values()):
        fault = "a cell contains a NUL character"
    return Line(number, found, fault)
