"""The texts of a campaign: for each step one or several variants, of which each person gets one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from math import prod
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from actp.campaigns.plan import COMMENT_STEPS
from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from actp.campaigns.plan import Plan

__all__ = ["FORMAT", "Wording", "checked_wording", "wording_of"]

FORMAT: Final = """\
A file of texts is TOML (or the same as JSON); {handle}, {name} and with --csv each of its columns
are filled in, {column|fallback} also where a cell is empty:
    comments = ["Great point!", "This helped me.", ["Saved for later.", "Saved this one."]]
    messages = ["Hi {name}, …", "Did you see my message?", "Last one from me."]
    [names]
    ada = "Ada Lovelace"
A list in the place of a text holds its variants. A warmup needs the comments, a sequence both."""
_PLACES = re.compile(r"\{(\w+)(\|[^{}]*)?\}")
_KNOWN_PLACES: Final = frozenset({"handle", "name"})


@dataclass(frozen=True, slots=True)
class Wording:
    """The variants of each step, the names of people by handle, and where they come from.

    ``cells`` are what a spreadsheet says of people, by handle and column.
    """

    steps: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    source: str = "given"
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def varies(self) -> bool:
        """Whether people may get different variants."""
        return any(len(variants) > 1 for variants in self.steps.values())

    def texts_for(self, handles: Sequence[str], seed: str) -> dict[str, dict[str, str]]:
        """Return what each step says to each person; without a name the handle stands for it.

        The same handles and seed give the same texts. No two people get the same comments, nor the
        same messages, as long as there are variants enough.
        """
        drawn: dict[str, dict[str, str]] = {handle: {} for handle in handles}
        for kind, steps in groupby(self.steps, key=_kind):
            chosen = {step: self.steps[step] for step in steps}
            draws = _draws(chosen, len(handles), Random(f"{seed}:{kind}"))  # noqa: S311 - no secret
            for handle, templates in zip(handles, draws, strict=True):
                drawn[handle] |= {
                    step: self._filled(handle, template)
                    for step, template in zip(chosen, templates, strict=True)
                }
        return drawn

    def _filled(self, handle: str, template: str) -> str:
        values = {"name": self.names.get(handle, handle), **self.cells.get(handle, {})}
        values["handle"] = handle

        def value(place: re.Match[str]) -> str:
            if (known := values.get(place[1])) is not None:
                return known
            if place[2] is None:
                raise InvalidInput(
                    f"{handle} has nothing in the column {place[1]}",
                    remedy=f"Fill the cell, or write {{{place[1]}|something else}}.",
                )
            return place[2][1:]

        return _PLACES.sub(value, template)


def wording_of(plan: Plan, texts: Sequence[str], columns: Sequence[str] = ()) -> Wording:
    """Return the wording of texts given in the order of the steps."""
    steps = [step for stage in plan for step in stage.steps]
    if len(texts) != len(steps):
        raise InvalidInput(
            f"there are {len(texts)} texts for {len(steps)} steps: {', '.join(steps)}",
            remedy=f"Give --text {len(steps)} times, or --texts FILE.\n{FORMAT}",
        )
    pairs = zip(steps, texts, strict=True)
    return checked_wording({step: (text,) for step, text in pairs}, {}, "--text", columns)


def checked_wording(
    steps: Mapping[str, tuple[str, ...]],
    names: Mapping[str, str],
    source: str,
    columns: Sequence[str] = (),
) -> Wording:
    """Return a wording; raises InvalidInput for a place that nothing fills."""
    known = _KNOWN_PLACES.union(columns)
    for step, variants in steps.items():
        for template in variants:
            if unknown := sorted({place[1] for place in _PLACES.finditer(template)} - known):
                raise InvalidInput(
                    f"the text of {step} has an unknown place: {{{unknown[0]}}}",
                    remedy=f"Known are {', '.join(f'{{{name}}}' for name in sorted(known))}.",
                )
    return Wording(MappingProxyType(dict(steps)), MappingProxyType(dict(names)), source)


def _kind(step: str) -> str:
    return "comments" if step in COMMENT_STEPS else "messages"


def _draws(
    steps: Mapping[str, tuple[str, ...]], people: int, random: Random
) -> Iterator[tuple[str, ...]]:
    """Yield a selection for each person, none twice before all were used."""
    total = prod(len(variants) for variants in steps.values())
    numbers = random.sample(range(total), min(people, total))
    for person in range(people):
        number, selection = numbers[person % total], []
        for variants in steps.values():
            number, digit = divmod(number, len(variants))
            selection.append(variants[digit])
        yield tuple(selection)
