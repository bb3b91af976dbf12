"""Rules that are used up: the first that matches and has not been decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CountedRules"]


class _Counted(Protocol):
    @property
    def times(self) -> int | None: ...

    @property
    def after(self) -> int: ...


R = TypeVar("R", bound=_Counted)


class CountedRules(Generic[R]):
    """Rules in their order, each with how often it was met; ``after`` meetings pass unharmed."""

    def __init__(self, rules: Sequence[R]) -> None:
        self._rules = rules
        self._met = [0] * len(rules)

    def find(self, matches: Callable[[R], bool]) -> R | None:
        """Give the rule that decides, and count its use."""
        for index, rule in enumerate(self._rules):
            last = None if rule.times is None else rule.after + rule.times
            if not matches(rule) or (last is not None and self._met[index] >= last):
                continue
            self._met[index] += 1
            if self._met[index] > rule.after:
                return rule
        return None
