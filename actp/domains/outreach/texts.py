"""The texts of outreach from a file: checked when it is read, filled for one person at a time."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from actp.domains.outreach.suspicion import LENGTHS, fault_in
from actp.domains.taxonomy import NICHES
from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["MessageType", "Texts", "read_texts"]

MessageType: TypeAlias = Literal["outreach", "follow_up", "value_add"]

SHIPPED: Final = Path(__file__).with_name("texts.toml")
KINDS: Final[Mapping[MessageType, str]] = MappingProxyType(
    {"outreach": "opener", "follow_up": "follow_up", "value_add": "value_add"}
)
ANY: Final = "any"
MAIL: Final = "gmail"
VARIABLES: Final = ("first_name", "niche", "offer", "post", "sender")
# The longest values that a text is tried with.
TRIED: Final = MappingProxyType(
    {
        "first_name": "Bartholomew-Maximili",
        "post": "How we got our first customers without any ads at all",
        "sender": "Bartholomew of Longname Consulting",
    }
)
# A more specific text is drawn before one that fits everybody.
WEIGHTS: Final = MappingProxyType({"post": 4, "offer": 2, "niche": 2})
_FIELD: Final = re.compile(r"\{(\w+)(\|[^{}]*)?\}")
_BRACES: Final = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class Texts:
    """Templates by kind and platform, and the words for niches and offers."""

    templates: Mapping[str, Mapping[str, tuple[str, ...]]]
    niches: Mapping[str, str]
    offers: Mapping[str, str]

    def text(
        self, kind: MessageType, platform: str, values: Mapping[str, str | None], seed: str
    ) -> str:
        """Return a text for one person: one of the most specific that ``values`` can fill.

        ``values`` are by VARIABLES, None where unknown; the same seed draws the same text.
        """
        draw = int.from_bytes(sha256(seed.encode()).digest()[:4])
        levels: dict[int, list[str]] = {}
        for template in self._candidates(kind, platform):
            if (text := _fill(template, values)) is not None:
                levels.setdefault(_weight(template), []).append(text)
        for weight in sorted(levels, reverse=True):
            choices = levels[weight]
            for turn in range(len(choices)):
                text = choices[(draw + turn) % len(choices)]
                if fault_in(text, platform) is None:
                    return text
        # A name may read like bait; the texts that need nothing were checked with the file.
        return self.text(kind, platform, {}, seed)

    def _candidates(self, kind: MessageType, platform: str) -> Sequence[str]:
        texts = self.templates[KINDS[kind]]
        return texts.get(platform) or texts[ANY]


def read_texts(path: Path | None = None) -> Texts:
    """Return the texts of a file, or those of the project; raises InvalidInput with every fault."""
    given = _parsed(SHIPPED if path is None else path)
    shipped = given if path is None else _parsed(SHIPPED)
    known = {*KINDS.values(), "niches", "offers"}
    names = ", ".join(sorted(known))
    faults = [f"[{name}] is unknown; known are {names}" for name in sorted(given.keys() - known)]
    templates: dict[str, dict[str, tuple[str, ...]]] = {}
    words = {name: _words(given, name, faults) for name in ("niches", "offers")}
    faults += [f"[niches] {name} is no niche" for name in words["niches"].keys() - set(NICHES)]
    niches = {**shipped["niches"], **words["niches"]}
    for kind in KINDS.values():
        templates[kind] = _templates(kind, given.get(kind), faults)
        if not faults:
            faults += _faults(kind, templates[kind], niches, words["offers"])
    if faults:
        raise InvalidInput(
            f"{path or SHIPPED}: " + "\n".join(faults),
            remedy="Correct the file; actp/domains/outreach/texts.toml shows its shape.",
        )
    return Texts(templates, niches, words["offers"])


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidInput(
            f"cannot read {path}: {error.strerror}", remedy="Set OUTREACH_TEXTS to a file."
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: {error}", remedy="Write it as TOML in UTF-8.") from None


def _templates(kind: str, table: Any, faults: list[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict) or not table.get(ANY) or not table.get(MAIL):
        faults.append(f"[{kind}] needs at least one text under {ANY} and one under {MAIL}")
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for platform, texts in table.items():
        if platform not in (ANY, *LENGTHS):
            faults.append(f"[{kind}] {platform} is no platform; known are {', '.join(LENGTHS)}")
        elif not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            faults.append(f"[{kind}] {platform} must be a list of texts")
        else:
            found[platform] = tuple(texts)
    return found


def _words(given: Mapping[str, Any], name: str, faults: list[str]) -> dict[str, str]:
    table = given.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        faults.append(f"[{name}] must be a table of texts")
        return {}
    return dict(table)


def _faults(
    kind: str,
    templates: Mapping[str, tuple[str, ...]],
    niches: Mapping[str, str],
    offers: Mapping[str, str],
) -> Iterator[str]:
    """Yield what is wrong with the texts of one kind, each tried with the longest values."""
    longest = dict(TRIED) | {
        "niche": max(niches.values(), key=len),
        "offer": max(offers.values(), key=len, default=None),
    }
    for place, texts in templates.items():
        platforms = [place] if place != ANY else [name for name in LENGTHS if name != MAIL]
        for text in texts:
            where = f"[{kind}] {place}: “{text[:50]}…”"
            names = [match[1] for match in _FIELD.finditer(text)]
            if unknown := [name for name in names if name not in VARIABLES]:
                yield f"{where} has {{{unknown[0]}}}; known are {', '.join(VARIABLES)}"
                continue
            if _BRACES.search(_FIELD.sub("", text)):
                yield f"{where} has a brace that belongs to no variable"
                continue
            filled = _fill(text, longest) or ""
            for platform in platforms:
                if filled and (fault := fault_in(filled, platform)):
                    yield f"{where} on {platform}: {fault}"
                    break
        nobody: Mapping[str, str | None] = dict.fromkeys(VARIABLES)
        if all(_fill(text, nobody) is None for text in texts):
            yield f"[{kind}] {place} needs a text that can be filled when nothing is known"


def _fill(template: str, values: Mapping[str, str | None]) -> str | None:
    """Return the text, or None where a value without a fallback is unknown."""
    is_whole = True

    def value(match: re.Match[str]) -> str:
        nonlocal is_whole
        known = values.get(match[1])
        if known is None and match[2] is None:
            is_whole = False
        return known or (match[2] or "|")[1:]

    text = _FIELD.sub(value, template)
    return re.sub(r"[ \t]+(?=\n|$)", "", text).strip() if is_whole else None


def _weight(template: str) -> int:
    needed = {match[1] for match in _FIELD.finditer(template) if match[2] is None}
    return sum(weight for name, weight in WEIGHTS.items() if name in needed)
