"""The targets of a campaign out of a spreadsheet, whose columns its texts may use."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from actp.consent import declined, remarks
from actp.errors import InvalidInput
from actp.spreadsheet import read_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from actp.spreadsheet import Line
    from actp.store import Json, Store

__all__ = ["TargetList", "read_targets", "refuse_unwilling"]

# A campaign to customers is the operator's choice.
_WISHES: Final[Mapping[str, str]] = MappingProxyType(
    {"opted_out": "must not be contacted", "doubt": "may not want to be contacted"}
)
_HANDLES: Final = ("handle", "username", "account", "profile", "profile_url", "url")


@dataclass(frozen=True, slots=True)
class TargetList:
    """Handles as they are written, and the cells of each by handle and column."""

    columns: tuple[str, ...]
    handles: tuple[str, ...]
    cells: Mapping[str, Mapping[str, str]]


def read_targets(path: Path, platform: str) -> TargetList:
    """Return the targets of a CSV file; raises InvalidInput naming every line that has none."""
    columns, lines = read_spreadsheet(path)
    wanted = (platform, f"{platform}_handle", f"{platform}_url", *_HANDLES)
    column = next((name for name in wanted if name in columns), None)
    if column is None:
        raise InvalidInput(
            f"{path} has no column of handles", remedy=f"Add a column {platform} or handle."
        )
    faults = [f"line {line.number}: {fault}" for line in lines if (fault := _fault(line, column))]
    if faults:
        raise InvalidInput(
            "\n".join(
                [f"{len(faults)} lines of {path} cannot be used; nothing was started", *faults]
            ),
            remedy="Correct these lines, or remove them, and submit the whole file again.",
        )
    return TargetList(
        tuple(name for name in columns if name),
        tuple(line.cells[column] for line in lines),
        MappingProxyType({line.cells[column]: line.cells for line in lines}),
    )


def refuse_unwilling(store: Store, cells: Mapping[str, Mapping[str, str]]) -> None:
    """Raise InvalidInput where states, tags or notes of a target's line forbid contact, or may."""
    people: dict[str, Json] = {handle: list(remarks(line)) for handle, line in cells.items()}
    said = store.call("agent_wishes_of", people={who: says for who, says in people.items() if says})
    faults = [
        f"{handle}: this person {_WISHES[wish]}" for handle, wish in said.items() if wish in _WISHES
    ]
    if faults:
        raise InvalidInput(
            "\n".join(["nothing was started; states or notes of the file forbid it", *faults]),
            remedy="Remove these lines, or what they say if it does not hold any more.",
        )


def _fault(line: Line, column: str) -> str | None:
    if line.fault or column not in line.cells:
        return line.fault or f"no {column}"
    refusal = declined(line.cells)
    return refusal and f"this person must not be contacted, {refusal}"
