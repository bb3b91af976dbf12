"""Parses a response into a validated answer, or raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from actp.clients.claude.question import TOOL_NAME
from actp.errors import ClaudeError

if TYPE_CHECKING:
    from actp.clients.claude.question import A

__all__ = ["Usage", "read_answer", "usage_of"]


class Usage(NamedTuple):
    """Tokens that messages cost."""

    asked: int = 0
    answered: int = 0

    def plus(self, other: Usage) -> Usage:
        """Return what both cost together."""
        return Usage(self.asked + other.asked, self.answered + other.answered)


def usage_of(reply: object) -> Usage:
    """Return what a reply says that it cost; what is no number counts as nothing."""
    usage = getattr(reply, "usage", None)
    asked, answered = getattr(usage, "input_tokens", 0), getattr(usage, "output_tokens", 0)
    return Usage(_count(asked), _count(answered))


def read_answer(reply: object, shape: type[A]) -> A:
    """Return the answer in its shape; raises ClaudeError, which repeats nothing of the reply."""
    stopped = getattr(reply, "stop_reason", None)
    if stopped == "refusal":
        raise ClaudeError("refused", "Claude declined to answer.")
    if stopped == "max_tokens":
        raise ClaudeError("garbage", "Claude's answer was cut off at its longest.")
    try:
        return shape.model_validate(_tool_input(reply))
    except ValidationError as error:
        fields = {".".join(map(str, fault["loc"])) or "all of it" for fault in error.errors()}
        wrong = ", ".join(sorted(fields))
        raise ClaudeError("garbage", f"Claude's answer has another shape: {wrong}.") from None


def _tool_input(reply: object) -> Any:
    content = getattr(reply, "content", None)
    for block in content if isinstance(content, list) else ():
        if getattr(block, "type", None) == "tool_use" and block.name == TOOL_NAME:
            return block.input
    raise ClaudeError("garbage", "Claude did not answer in the requested format.")


def _count(tokens: object) -> int:
    return tokens if isinstance(tokens, int) and tokens > 0 else 0
