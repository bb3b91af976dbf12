"""The table of turns as bytes in a file: a header and fixed-size records."""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    _Fields = tuple[bytes, bool, bool, int, float, float]

__all__ = ["MAX_HOLDERS", "MAX_NAME_BYTES", "Table", "TurnRecord"]

MAX_HOLDERS: Final = 32
MAX_NAME_BYTES: Final = 40

_MAGIC: Final = b"ACTPTRN1"
_HEADER: Final = struct.Struct("<8sQQ")  # magic, number of records, last ticket
_RECORD: Final = struct.Struct(f"<{MAX_NAME_BYTES}s??6xQdd")
_SIZE: Final = _HEADER.size + MAX_HOLDERS * _RECORD.size


@dataclass(slots=True)
class TurnRecord:
    """One holder: ``served`` is the ticket of its last turn, the times are wall clock."""

    index: int
    name: bytes
    is_waiting: bool = False
    is_holding: bool = False
    served: int = 0
    busy_until: float = 0.0
    wanted_at: float = 0.0

    def precedes(self, other: TurnRecord) -> bool:
        """Return whether it was served longer ago."""
        return (self.served, self.index) < (other.served, other.index)


class Table:
    """What was read from the file; each change is written through ``write``.

    It lies on the way of every command, so records are made only of what is looked at.
    """

    def __init__(self, descriptor: int, data: bytes, count: int, ticket: int) -> None:
        self._descriptor = descriptor
        self._data = data
        self._count = count
        self._ticket = ticket

    @classmethod
    def read(cls, descriptor: int) -> Self:
        """Return the table of a file; a file that is not one is made into an empty one."""
        data = os.pread(descriptor, _SIZE + 1, 0)
        if len(data) == _SIZE:
            magic, count, ticket = _HEADER.unpack_from(data)
            if magic == _MAGIC and count <= MAX_HOLDERS:
                return cls(descriptor, data, count, ticket)
        os.ftruncate(descriptor, 0)
        os.ftruncate(descriptor, _SIZE)
        table = cls(descriptor, bytes(_SIZE), 0, 0)
        table._write_header()
        return table

    @property
    def is_full(self) -> bool:
        """Whether there is no place for another holder."""
        return self._count >= MAX_HOLDERS

    def records(self) -> list[TurnRecord]:
        """Return all records, as they were read."""
        return [_record(index, *fields) for index, fields in self._unpacked()]

    def lively(self) -> list[TurnRecord]:
        """Return the records that hold, wait or may still be busy, as they were read."""
        return [
            _record(index, *fields)
            for index, fields in self._unpacked()
            if fields[1] or fields[2] or fields[4]
        ]

    @property
    def is_waited_for(self) -> bool:
        """Whether anybody waits, as it was read."""
        end = _HEADER.size + self._count * _RECORD.size
        return any(self._data[_HEADER.size + MAX_NAME_BYTES : end : _RECORD.size])

    def find(self, name: bytes) -> TurnRecord | None:
        """Return the record of a holder."""
        padded = name.ljust(MAX_NAME_BYTES, b"\0")
        end = _HEADER.size + self._count * _RECORD.size
        at = self._data.find(padded, _HEADER.size, end)
        while at >= 0:
            index, rest = divmod(at - _HEADER.size, _RECORD.size)
            if rest == 0:
                return _record(index, *_RECORD.unpack_from(self._data, at))
            at = self._data.find(padded, at + 1, end)
        return None

    def add(self, name: bytes) -> TurnRecord:
        """Return a new record; the caller has seen that there is room."""
        record = TurnRecord(index=self._count, name=name)
        self._count += 1
        self.write(record)
        self._write_header()
        return record

    def reuse(self, record: TurnRecord, name: bytes) -> TurnRecord:
        """Return a fresh record in the place of another."""
        fresh = TurnRecord(index=record.index, name=name)
        self.write(fresh)
        return fresh

    def next_ticket(self) -> int:
        """Return the number of the next turn."""
        self._ticket += 1
        self._write_header()
        return self._ticket

    def write(self, record: TurnRecord) -> None:
        """Store a record."""
        data = _RECORD.pack(
            record.name,
            record.is_waiting,
            record.is_holding,
            record.served,
            record.busy_until,
            record.wanted_at,
        )
        os.pwrite(self._descriptor, data, _HEADER.size + record.index * _RECORD.size)

    def _write_header(self) -> None:
        ticket = self._ticket % 2**64
        os.pwrite(self._descriptor, _HEADER.pack(_MAGIC, self._count, ticket), 0)

    def _unpacked(self) -> Iterator[tuple[int, _Fields]]:
        end = _HEADER.size + self._count * _RECORD.size
        return enumerate(_RECORD.iter_unpack(self._data[_HEADER.size : end]))


def _record(  # noqa: PLR0913, PLR0917 - the fields of the struct, in its order
    index: int,
    name: bytes,
    is_waiting: bool,  # noqa: FBT001
    is_holding: bool,  # noqa: FBT001
    served: int,
    busy_until: float,
    wanted_at: float,
) -> TurnRecord:
    name = name.rstrip(b"\0")
    if not name.replace(b"-", b"").isalnum():
        return TurnRecord(index, b"")
    return TurnRecord(
        index,
        name,
        is_waiting,
        is_holding,
        served,
        0.0 if math.isnan(busy_until) else busy_until,
        0.0 if math.isnan(wanted_at) else wanted_at,
    )
