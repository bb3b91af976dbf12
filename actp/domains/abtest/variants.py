"""The two variants of a test: a question, and a statement with a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from actp.clients.claude import Question
from actp.domains.outreach.suspicion import fault_in
from actp.errors import ClaudeError, InvalidInput
from actp.safari.texts import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.clients.claude import Claude

__all__ = ["Variants", "by_template", "written"]

SERVICE: Final = "twitter-comments"
LONGEST_TOPIC: Final = 80
ASKED: Final = 2
_INSTRUCTIONS: Final = """\
Write two posts for Twitter about the topic, for people in the niche.
question_variant opens with a question that makes them stop.
statement_variant opens with a statement that has a number.
At most 270 characters each, other words than in the texts already posted. No links, no hashtags,
no mentions. Never use these words: select, insert, update, delete, drop, create,
alter, exec, union, script."""
# Nothing in them is a claim: they go out in somebody's name. One of each for every round of a test,
# as Twitter refuses a text that was posted before.
_QUESTIONS: Final = (
    "What would change for you if {topic} took half the time? Most of us never ask.",
    "Which part of {topic} would you hand over tomorrow? The answer is often where to begin.",
    "When did you last look at {topic} from start to end? Most of us only see our own step.",
)
_STATEMENTS: Final = (
    "1 question before 10 tools: which step of {topic} would you skip first if you had to?",
    "3 things to write down about {topic} before you change any: who waits, for whom, how long.",
    "2 lists make {topic} easier to judge: what has to be right, and what only has to be done.",
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

    @property
    def written_by(self) -> str:
        """Who wrote both texts: ``claude`` or ``template``."""
        return "claude" if self.note is None else "template"


def written(
    claude: Claude | None, topic: str, niche: str, round_number: int = 1, used: Sequence[str] = ()
) -> Variants:
    """Return two texts by Claude that may go out as they are, else by template.

    Without ``claude`` the templates write, as texts of Claude would need a review.
    Texts in ``used`` were posted before and are not written again. Raises InvalidInput for a topic
    about which not even a template can be posted.
    """
    fallback = by_template(topic, round_number)
    data = {"topic": topic, "niche": niche, "already_posted": list(used)}
    question = Question("variants", _INSTRUCTIONS, data, Answer, tier="brief")
    if claude is None:
        return Variants(fallback.a, fallback.b, "review")
    note = "no_key"
    for _ in range(ASKED if claude.is_configured else 0):
        try:
            answer = claude.ask(question)
        except ClaudeError as error:
            note = error.reason
            break
        a, b = answer.question_variant.strip(), answer.statement_variant.strip()
        fault = _fault(a) or _fault(b)
        if a == b or {a, b} & set(used):
            fault = "a text comes twice"
        if fault is None:
            return Variants(a, b)
        note = fault
    return Variants(fallback.a, fallback.b, note)


def by_template(topic: str, round_number: int = 1) -> Variants:
    """Return the texts of the templates; raises InvalidInput where the topic does not fit."""
    topic = " ".join(topic.split())
    if not 0 < len(topic) <= LONGEST_TOPIC:
        raise InvalidInput(
            f"a topic has 1 to {LONGEST_TOPIC} characters", remedy="Name it in a few words."
        )
    chosen = (round_number - 1) % len(_QUESTIONS)
    texts = (_QUESTIONS[chosen], _STATEMENTS[chosen])
    a, b = (clean_text(SERVICE, text.format(topic=topic)) for text in texts)
    return Variants(a, b)


def _fault(text: str) -> str | None:
    """Return what keeps a text from going out, or None."""
    try:
        clean_text(SERVICE, text)
    except InvalidInput as error:
        return str(error)
    return fault_in(text, "twitter")
