"""Two ways to say one thing: a question, and a statement with a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from actp.clients.claude import Question
from actp.domains.outreach.suspicion import fault_in
from actp.errors import ClaudeError, InvalidInput
from actp.safari.texts import clean_text

if TYPE_CHECKING:
    from actp.clients.claude import Claude

__all__ = ["Variants", "by_template", "written"]

SERVICE: Final = "twitter-comments"
LONGEST_TOPIC: Final = 80
ASKED: Final = 2
_INSTRUCTIONS: Final = """\
Write two posts for Twitter about the topic, for people in the niche.
question_variant opens with a question that makes them stop.
statement_variant opens with a statement that has a number.
At most 270 characters each. No links, no hashtags, no mentions. Never use these words: select,
insert, update, delete, drop, create, alter, exec, union, script."""
# Nothing in them is a claim: they go out in somebody's name.
_QUESTION: Final = (
    "What would change for you if {topic} took half the time? Most of us never ask, and keep doing "
    "it the slow way."
)
_STATEMENT: Final = (
    "1 question before 10 tools: which step of {topic} would you skip first if you had to? "
    "Start there."
)


class Answer(BaseModel):
    """What Claude writes."""

    question_variant: str
    statement_variant: str


@dataclass(frozen=True, slots=True)
class Variants:
    """The texts of both arms; ``note`` says why Claude did not write them, if it did not."""

    a: str
    b: str
    note: str | None = None


def written(claude: Claude, topic: str, niche: str) -> Variants:
    """Return two texts by Claude that may go out as they are, else by template.

    Raises InvalidInput for a topic about which not even a template can be posted.
    """
    fallback = by_template(topic)
    question = Question(
        "variants", _INSTRUCTIONS, {"topic": topic, "niche": niche}, Answer, tier="brief"
    )
    note = "no_key"
    for _ in range(ASKED if claude.is_configured else 0):
        try:
            answer = claude.ask(question)
        except ClaudeError as error:
            note = error.reason
            break
        a, b = answer.question_variant.strip(), answer.statement_variant.strip()
        fault = _fault(a) or _fault(b) or ("they are the same" if a == b else None)
        if fault is None:
            return Variants(a, b)
        note = fault
    return Variants(fallback.a, fallback.b, note)


def by_template(topic: str) -> Variants:
    """Return the texts of the templates; raises InvalidInput where the topic does not fit."""
    topic = " ".join(topic.split())
    if not 0 < len(topic) <= LONGEST_TOPIC:
        raise InvalidInput(
            f"a topic has 1 to {LONGEST_TOPIC} characters", remedy="Name it in a few words."
        )
    a, b = (clean_text(SERVICE, text.format(topic=topic)) for text in (_QUESTION, _STATEMENT))
    return Variants(a, b)


def _fault(text: str) -> str | None:
    """Return what keeps a text from going out, or None."""
    try:
        clean_text(SERVICE, text)
    except InvalidInput as error:
        return str(error)
    return fault_in(text, "twitter")
