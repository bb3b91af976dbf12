"""The sources of a campaign's texts, in order: options, settings, the built-in ones."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actp.campaigns.wording import FORMAT, checked_wording, wording_of
from actp.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.campaigns.plan import Plan
    from actp.campaigns.wording import Wording
    from actp.settings import Settings

__all__ = ["SHIPPED_NAME", "WRITER", "choose_wording", "read_wording"]

WRITER: Final = "Claude"
SHIPPED_TEXTS: Final = Path(__file__).with_name("texts.toml")
# How a person names those texts: not by the path that they happen to have here.
SHIPPED_NAME: Final = "the project's own, actp/campaigns/texts.toml"


def choose_wording(
    plan: Plan,
    settings: Settings,
    *,
    texts: Sequence[str] = (),
    path: Path | None = None,
    columns: Sequence[str] = (),
) -> Wording:
    """Return the wording of given texts, else of a file, the file of the settings, or ours.

    The texts may use ``columns`` besides the handle and the name.

    Raises InvalidInput where texts and a file are given, or a step has no text; NotFound where a
    file is not there.
    """
    if texts and path is not None:
        raise InvalidInput("--texts cannot be combined with --text", remedy=FORMAT)
    if texts:
        return wording_of(plan, texts, columns)
    if path is not None:
        return read_wording(plan, path, columns=columns)
    if settings.safari_campaign_texts is not None:
        named = f"SAFARI_CAMPAIGN_TEXTS ({settings.safari_campaign_texts})"
        return read_wording(plan, settings.safari_campaign_texts, named, columns=columns)
    return read_wording(plan, SHIPPED_TEXTS, SHIPPED_NAME)


def read_wording(
    plan: Plan, path: Path, source: str | None = None, *, columns: Sequence[str] = ()
) -> Wording:
    """Return the wording of a TOML or JSON file; raises InvalidInput naming what is wrong."""
    source = source or str(path)
    data = _parsed(path, source)
    if unknown := sorted(data.keys() - {"comments", "messages", "names"}):
        raise InvalidInput(f"{source}: unknown {', '.join(unknown)}", remedy=FORMAT)
    steps: dict[str, tuple[str, ...]] = {}
    for key, is_comment in (("comments", True), ("messages", False)):
        stages = [stage for stage in plan if (stage.action == "comment") is is_comment]
        needed = [step for stage in stages for step in stage.steps]
        given = _variants(data.get(key, []), key, source)
        if len(given) < len(needed):
            raise InvalidInput(
                f"{source}: no text for {needed[len(given)]}; {key} has {len(given)}, the campaign "
                f"needs {len(needed)}",
                remedy=FORMAT,
            )
        steps |= dict(zip(needed, given, strict=False))
    names = data.get("names", {})
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InvalidInput(f"{source}: names must be a table of texts", remedy=FORMAT)
    by_handle = {handle.lstrip("@").lower(): name for handle, name in names.items()}
    return checked_wording(steps, by_handle, source, columns)


def _variants(given: Any, key: str, source: str) -> list[tuple[str, ...]]:
    variants = []
    for item in given if isinstance(given, list) else [None]:
        texts = [item] if isinstance(item, str) else item
        if (
            not isinstance(texts, list)
            or not texts
            or not all(isinstance(text, str) for text in texts)
        ):
            raise InvalidInput(f"{source}: {key} must be a list of texts", remedy=FORMAT)
        variants.append(tuple(dict.fromkeys(texts)))
    return variants


def _parsed(path: Path, source: str) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise NotFound(f"{source} cannot be read: {error.strerror}", remedy=FORMAT) from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{source} cannot be used: {error}", remedy=FORMAT) from None
    if not isinstance(data, dict):
        raise InvalidInput(f"{source}: not an object", remedy=FORMAT)
    return data
