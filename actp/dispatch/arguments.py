"""Turns a topic and JSON parameters into an argv, without a shell."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actp.dispatch.agents import Agents, Command

__all__ = ["arguments_for", "find", "parse_params", "suggestions"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_UNPASSABLE = re.compile("[\x00\ud800-\udfff]")
_SIMILARITY: Final = 0.5
_MOST_SUGGESTIONS: Final = 3


def suggestions(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names nearest to one that is not known, the nearest first."""
    wanted = name.lower().replace("_", "-")
    spelled = {each.replace("_", "-"): each for each in known}
    near = get_close_matches(wanted, spelled, n=_MOST_SUGGESTIONS, cutoff=_SIMILARITY)
    return [spelled[each] for each in near]


def find(agents: Agents, domain: str, task: str) -> Command:
    """Return the command of a task; raises InvalidInput with the nearest names."""
    if domain not in agents:
        raise _unknown(f"there is no domain {domain!r}", domain, agents)
    if task not in agents[domain]:
        raise _unknown(f"{domain} has no task {task!r}", task, agents[domain])
    return agents[domain][task]


def parse_params(text: str | None) -> dict[str, Any]:
    """Return the parameters that a person wrote as JSON; raises InvalidInput for no object."""
    remedy = """Write an object, for example --params '{"platform": "twitter"}'."""
    try:
        params = json.loads(text) if text is not None else {}
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the parameters are not JSON:  {error}", remedy=remedy) from None
    if not isinstance(params, dict):
        raise InvalidInput("the parameters are not a JSON object", remedy=remedy)
    return params


def arguments_for(command: Command, params: Mapping[str, Any]) -> list[str]:
    """Return the flags of a task with its parameters.

    ``true`` is a flag, ``false`` and ``null`` are left out, a list is joined by commas. Raises
    InvalidInput for what no flag can be.
    """
    given = {name: value for name, value in params.items() if not _is_absent(value)}
    for name in given:
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"the parameter {name!r} is not a valid name",
                remedy="Names have small letters, digits, _ and -.",
            )
    if command.bare is not None and not given:
        return [command.bare]
    task = command.flag
    if command.value is not None:
        task = f"{task}={_value_of(command, given)}"
    rest = {name: value for name, value in given.items() if name != command.value}
    flags = [_flag(name, value) for name, value in rest.items()]
    return [task, *(flag for flag in command.with_flags if flag not in flags), *flags]


def _is_absent(value: Any) -> bool:
    # Compared by identity: 0 equals False.
    return value is None or value is False or value == []


def _value_of(command: Command, given: Mapping[str, Any]) -> str:
    name = str(command.value)
    value = given.get(name, command.default)
    if value is None or value is True:
        raise InvalidInput(
            f"{command.flag} needs the parameter {name}",
            remedy=f"""Give it, for example --params '{{"{name}": "…"}}'.""",
        )
    return _text(name, value)


def _flag(name: str, value: Any) -> str:
    flag = f"--{name.replace('_', '-')}"
    return flag if value is True else f"{flag}={_text(name, value)}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(name, each) for each in value)
    if value is None or isinstance(value, dict | bool):
        raise InvalidInput(
            f"the parameter {name} is a {type(value).__name__} where a text or number belongs",
            remedy="Parameters are texts, numbers, true or false, or lists of texts.",
        )
    text = str(value)
    if _UNPASSABLE.search(text):
        raise InvalidInput(
            f"the parameter {name} holds a character that no program can be given",
            remedy="Leave out NUL and lone surrogates.",
        )
    return text


def _unknown(wrong: str, name: str, known: Iterable[str]) -> InvalidInput:
    near = suggestions(name, known)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(known)}."
    return InvalidInput(wrong, remedy=f"{hint} --list shows all of them.")
