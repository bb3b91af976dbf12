"""The brief of a video: content and length limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ContentBrief"]


@dataclass(frozen=True, slots=True)
class ContentBrief:
    """One video: its hook, the lines spoken, the lines shown, and how it ends."""

    niche: str
    content_type: str
    platform: str
    duration_secs: Annotated[int, Field(gt=0)]
    hook: str
    script: tuple[str, ...]
    overlays: tuple[str, ...]
    cta: str
    hashtags: tuple[str, ...]
    offer_tag: str
    generated_by: Literal["claude", "template"]

    def to_json(self) -> dict[str, Any]:
        """Return the object that is stored and sent."""
        stored: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ContentBrief:
        """Read a stored object; raises InvalidInput with everything that is wrong with it."""
        try:
            return _adapter().validate_python(stored)
        except ValidationError as error:
            wrong = (
                f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise InvalidInput(f"the brief cannot be used: {'; '.join(wrong)}") from None


@cache
def _adapter() -> TypeAdapter[ContentBrief]:
    return TypeAdapter(ContentBrief)
