"""The fields of an alert as its text may show them."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from actp.alerts.markup import escape
from actp.alerts.spans import moment
from actp.lines import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["MAX_FIELD_LENGTH", "Fields", "platform_name"]

MAX_FIELD_LENGTH: Final = 300
_PLATFORMS: Final = MappingProxyType(
    {"linkedin": "LinkedIn", "tiktok": "TikTok", "youtube": "YouTube"}
)


def platform_name(platform: str) -> str:
    """Return a platform as its owner writes it."""
    return _PLATFORMS.get(platform, platform.capitalize())


def _shown(value: object) -> str:
    # On one line: with a line break, words of a stranger would look like a line of the alert.
    return escape(one_line(value, MAX_FIELD_LENGTH))


class Fields:
    """The fields of an alert, escaped and short; what is missing or odd harms no text."""

    def __init__(self, detail: Mapping[str, Any], now: datetime) -> None:
        self._detail = detail
        self.now = now

    def __getitem__(self, name: str) -> str:
        """Return a field as text, or a question mark."""
        return self.get(name, "?")

    def get(self, name: str, default: str = "") -> str:
        """Return a field as text, or the default."""
        value = self._detail.get(name)
        return default if value in (None, "") else _shown(value)

    def whole(self, name: str) -> str:
        """Return a field as text of any length."""
        return escape(str(self._detail.get(name) or ""))

    def number(self, name: str) -> int:
        """Return a field as a whole number, 0 where it is none."""
        return int(self.real(name))

    def real(self, name: str) -> float:
        """Return a field as a number, 0 where it is none."""
        value = self._detail.get(name)
        try:
            number = float(value) if isinstance(value, int | float) else 0.0
        except OverflowError:
            return 0.0
        return number if math.isfinite(number) else 0.0

    def counted(self, name: str, noun: str) -> str:
        """Return ``1 message`` or ``2 messages``."""
        count = self.number(name)
        return f"{count} {noun}{'' if count == 1 else 's'}"

    def capitals(self, name: str) -> str:
        """Return a short name, as that of an arm, in capitals."""
        value = self._detail.get(name)
        return _shown(value.upper()) if isinstance(value, str) else "?"

    def flag(self, name: str) -> bool:
        """Return whether a field is true."""
        return self._detail.get(name) is True

    def names(self, name: str) -> list[str]:
        """Return the texts of a list."""
        value = self._detail.get(name)
        if not isinstance(value, list | tuple):
            return []
        return [_shown(each) for each in value]

    def platforms(self, name: str = "platforms") -> str:
        """Return the platforms of a list, or ``nowhere``."""
        return ", ".join(map(platform_name, self.names(name))) or "nowhere"

    def inner(self, name: str) -> Self:
        """Return the fields of an object in a field."""
        value = self._detail.get(name)
        return type(self)(value if isinstance(value, dict) else {}, self.now)

    def items(self, name: str) -> list[Self]:
        """Return the fields of each object in a list."""
        value = self._detail.get(name)
        found = value if isinstance(value, list | tuple) else ()
        return [type(self)(each, self.now) for each in found if isinstance(each, dict)]

    def line(self, name: str) -> str:
        """Return the field on its own line, or nothing."""
        value = self.get(name)
        return f"\n{value}" if value else ""

    def process(self) -> str:
        """Return the process that it is about, with its host."""
        name = self.get("program") or self.get("process", "a process")
        return f"{name} on {self.get('host')}" if self.get("host") else name

    def platform(self) -> str:
        """Return the platform that it is about."""
        return platform_name(self["platform"])

    def moment(self, name: str) -> datetime | None:
        """Return a field as a moment."""
        return moment(self._detail.get(name))
