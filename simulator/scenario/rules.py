"""The rules of a scenario while it is played: which request each decides, and how often."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any, get_args

from simulator.catalogue import NAMES
from simulator.scenario.settings import RECIPIENT_FIELDS, Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.scenario.settings import Rule, Scenario

__all__ = ["RuleBook"]


class _ArmedRule:
    """A rule and how often it has been met."""

    def __init__(self, rule: Rule, dice: random.Random) -> None:
        self.rule = rule
        self.met = 0
        self.used = 0
        self._dice = dice
        self._patterns = [(key, _pattern(key, value)) for key, value in rule.match.items()]

    def applies_to(self, body: Mapping[str, Any]) -> bool:
        rule = self.rule
        if rule.times is not None and self.used >= rule.times:
            return False
        if not all(pattern.fullmatch(_field(body, key)) for key, pattern in self._patterns):
            return False
        self.met += 1
        if self.met <= rule.after:
            return False
        if rule.chance < 1.0 and self._dice.random() >= rule.chance:
            return False
        self.used += 1
        return True


class RuleBook:
    """The rules of a scenario, arranged so that a request without any costs one look-up."""

    def __init__(self, scenario: Scenario) -> None:
        dice = random.Random(scenario.seed)
        self._armed = [_ArmedRule(rule, dice) for rule in scenario.rules]
        self._table: dict[tuple[str, str], list[_ArmedRule]] = {}
        for service in NAMES:
            for action in get_args(Action):
                armed = [a for a in self._armed if a.rule.is_for(service, action)]
                if armed:
                    self._table[service, action] = armed

    def find(self, service: str, action: str, body: Mapping[str, Any]) -> Rule | None:
        """Give the rule that decides this request, and count its use."""
        armed = self._table.get((service, action))
        if armed is None:
            return None
        return next((a.rule for a in armed if a.applies_to(body)), None)

    def usage(self) -> list[dict[str, int]]:
        """Tell, in the order of the rules, how many requests each met and decided."""
        return [{"met": a.met, "used": a.used} for a in self._armed]


def _pattern(key: str, value: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in value.split("*")]
    if key == "text":
        parts = ["", *parts, ""]
    return re.compile(".*".join(parts), re.DOTALL)


def _field(body: Mapping[str, Any], key: str) -> str:
    if key == "recipient":
        names: tuple[str, ...] = RECIPIENT_FIELDS
    elif key == "text":
        names = ("text", "message")
    else:
        names = (key,)
    return next((str(body[name]) for name in names if name in body), "")
