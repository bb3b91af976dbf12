"""The texts of a campaign: given one by one or in a file, with ``{handle}`` and ``{name}``."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from actp.campaigns.plan import Plan

__all__ = ["FORMAT", "Wording", "read_wording", "wording_of"]

FORMAT: Final = """\
A file of texts is TOML (or the same as JSON); {handle} and {name} are filled in:
    comments = ["Great point!", "This helped me.", "Saved for later."]
    messages = ["Hi {name}, …", "Did you see my message?", "Last one from me."]
    [names]
    ada = "Ada Lovelace"
A warmup needs the comments, a sequence both."""
_PLACES = re.compile(r"\{([a-z_]+)\}")
_KNOWN_PLACES: Final = frozenset({"handle", "name"})


@dataclass(frozen=True, slots=True)
class Wording:
    """A template for each step, and the names of people by handle."""

    steps: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def texts_for(self, handle: str) -> dict[str, str]:
        """Return what each step says to one person; without a name the handle stands for it."""
        values = {"handle": handle, "name": self.names.get(handle, handle)}
        return {
            step: _PLACES.sub(lambda place: values[place[1]], template)
            for step, template in self.steps.items()
        }


def wording_of(plan: Plan, texts: Sequence[str]) -> Wording:
    """Return the wording of texts given in the order of the steps."""
    steps = [step for stage in plan for step in stage.steps]
    if len(texts) != len(steps):
        raise InvalidInput(
            f"there are {len(texts)} texts for {len(steps)} steps: {', '.join(steps)}"
            if texts
            else "the campaign has no texts",
            remedy=f"Give --text {len(steps)} times, or --texts FILE.\n{FORMAT}",
        )
    return _checked(dict(zip(steps, texts, strict=True)), {})


def read_wording(plan: Plan, path: Path) -> Wording:
    """Return the wording of a TOML or JSON file; raises InvalidInput naming what is wrong."""
    data = _parsed(path)
    if unknown := sorted(data.keys() - {"comments", "messages", "names"}):
        raise InvalidInput(f"{path}: unknown {', '.join(unknown)}", remedy=FORMAT)
    steps: dict[str, str] = {}
    for key, is_comment in (("comments", True), ("messages", False)):
        needed = [
            step
            for stage in plan
            if (stage.action == "comment") is is_comment
            for step in stage.steps
        ]
        given = data.get(key, [])
        if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
            raise InvalidInput(f"{path}: {key} must be a list of texts", remedy=FORMAT)
        if len(given) < len(needed):
            raise InvalidInput(
                f"{path}: {key} has {len(given)} texts, the campaign needs {len(needed)}",
                remedy=FORMAT,
            )
        steps |= dict(zip(needed, given, strict=False))
    names = data.get("names", {})
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InvalidInput(f"{path}: names must be a table of texts", remedy=FORMAT)
    return _checked(steps, {handle.lstrip("@").lower(): name for handle, name in names.items()})


def _parsed(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", remedy=FORMAT) from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} cannot be used: {error}", remedy=FORMAT) from None
    if not isinstance(data, dict):
        raise InvalidInput(f"{path}: not an object", remedy=FORMAT)
    return data


def _checked(steps: dict[str, str], names: dict[str, str]) -> Wording:
    for step, template in steps.items():
        unknown = sorted(set(_PLACES.findall(template)) - _KNOWN_PLACES)
        if unknown:
            raise InvalidInput(
                f"the text of {step} has an unknown place: {{{unknown[0]}}}",
                remedy="Known are {handle} and {name}.",
            )
    return Wording(MappingProxyType(steps), MappingProxyType(names))
