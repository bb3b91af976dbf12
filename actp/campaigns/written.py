"""Has Claude write the texts of a campaign about a subject that a person names."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from actp.campaigns.sources import WRITER
from actp.campaigns.wording import checked_wording
from actp.clients.claude import Claude, Question
from actp.errors import InvalidInput
from actp.safari.catalogue import route
from actp.safari.texts import clean_text

if TYPE_CHECKING:
    from actp.campaigns.plan import Plan
    from actp.campaigns.wording import Wording
    from actp.settings import Settings

__all__ = ["written_wording"]

ASKED: Final = 2
VARIANTS: Final = 3
LONGEST_ABOUT: Final = 500
LONGEST_TEXT: Final = 240
MAX_ANSWER_TOKENS: Final = 2000
_INSTRUCTIONS: Final = f"""\
Write the texts of an outreach campaign about the subject in the data. For each step give {VARIANTS}
variants, alike in meaning, in the order of the steps. A comment stands below any recent post of a
person and fits whatever it is about; a message is private and says something of use. Short, kind
and plain, at most {LONGEST_TEXT} characters; no links, no hashtags, no mentions, no placeholders.
Never use these words: select, insert, update, delete, drop, create, alter, exec, union, script."""
# A text goes out as it is: nothing that leads elsewhere, nothing left to be filled in.
_NOT_PLAIN: Final = re.compile(r"https?:|www\.|[@#{}\[\]<>]", re.IGNORECASE)


class StepTexts(BaseModel):
    """What Claude writes for one step."""

    step: str
    variants: list[str] = Field(min_length=1)


class Answer(BaseModel):
    """What Claude writes for all steps."""

    steps: list[StepTexts]


def written_wording(plan: Plan, platform: str, settings: Settings, about: str) -> Wording:
    """Return a wording by Claude, every text of which can be sent as it is.

    Raises ClaudeError, and InvalidInput where two answers have no text that can be sent for a step.
    """
    about = " ".join(about.split())
    if not 0 < len(about) <= LONGEST_ABOUT:
        raise InvalidInput(
            f"--about takes 1 to {LONGEST_ABOUT} characters",
            remedy="Describe the subject in a sentence or two.",
        )
    services = {step: route(stage.action, platform).name for stage in plan for step in stage.steps}
    asked = [
        {"step": step, "kind": stage.action, "platform": platform}
        for stage in plan
        for step in stage.steps
    ]
    question = Question(
        "campaign_texts",
        _INSTRUCTIONS,
        {"topic": about, "steps": asked},
        Answer,
        tier="brief",
        max_tokens=MAX_ANSWER_TOKENS,
    )
    with closing(Claude(settings)) as claude:
        for _ in range(ASKED):
            answer = {each.step: each.variants for each in claude.ask(question).steps}
            texts = {step: _usable(services[step], answer.get(step, ())) for step in services}
            if all(texts.values()):
                return checked_wording(texts, {}, WRITER)
    missing = next(step for step, variants in texts.items() if not variants)
    raise InvalidInput(
        f"Claude wrote no usable text for {missing}",
        remedy="Try again, rephrase the subject, or use --texts FILE.",
    )


def _usable(service: str, variants: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    usable = []
    for variant in variants[:VARIANTS]:
        try:
            text = clean_text(service, variant.strip())
        except InvalidInput:
            continue
        if len(text) <= LONGEST_TEXT and not _NOT_PLAIN.search(text):
            usable.append(text)
    return tuple(dict.fromkeys(usable))
