"""The table of turns as bytes in a file: a header and fixed-size records."""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from typing import Final, Self

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
    """What was read from the file; each change is written through ``write``."""

    def __init__(self, descriptor: int, records: list[TurnRecord], ticket: int) -> None:
        self.records = records
        self._descriptor = descriptor
        self._ticket = ticket

    @classmethod
    def read(cls, descriptor: int) -> Self:
        """Return the table of a file; a file that is not one is made into an empty one."""
        data = os.pread(descriptor, _SIZE + 1, 0)
        if len(data) == _SIZE:
            magic, count, ticket = _HEADER.unpack_from(data)
            if magic == _MAGIC and count <= MAX_HOLDERS:
                return cls(descriptor, _records(data, count), ticket)
        os.ftruncate(descriptor, 0)
        os.ftruncate(descriptor, _SIZE)
        table = cls(descriptor, [], 0)
        table._write_header()
        return table

    def find(self, name: bytes) -> TurnRecord | None:
        """Return the record of a holder."""
        return next((record for record in self.records if record.name == name), None)

    def add(self, name: bytes) -> TurnRecord:
        """Return a new record; the caller has seen that there is room."""
        record = TurnRecord(index=len(self.records), name=name)
        self.write(record)
        self.records.append(record)
        self._write_header()
        return record

    def reuse(self, record: TurnRecord, name: bytes) -> TurnRecord:
        """Return a fresh record in the place of another."""
        fresh = TurnRecord(index=record.index, name=name)
        self.records[record.index] = fresh
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
        os.pwrite(self._descriptor, _HEADER.pack(_MAGIC, len(self.records), ticket), 0)


def _records(data: bytes, count: int) -> list[TurnRecord]:
    return [_record(data, index) for index in range(count)]


def _record(data: bytes, index: int) -> TurnRecord:
    name, is_waiting, is_holding, served, busy_until, wanted_at = _RECORD.unpack_from(
        data, _HEADER.size + index * _RECORD.size
    )
    return TurnRecord(
        index,
        name.rstrip(b"\0"),
        is_waiting,
        is_holding,
        served,
        0.0 if math.isnan(busy_until) else busy_until,
        0.0 if math.isnan(wanted_at) else wanted_at,
    )
