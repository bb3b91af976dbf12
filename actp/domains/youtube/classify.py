"""Classifies videos: with Claude, twenty titles per request, or by keywords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, Field

from actp.clients.claude import Question
from actp.domains.paging import batches
from actp.domains.taxonomy import (
    CONTENT_TYPES,
    NICHES,
    NO_OFFER,
    OFFERS,
    OTHER,
    content_type_of,
    matching_offers,
    niche_of,
    words_of,
)
from actp.errors import ClaudeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from actp.clients.claude import Claude

__all__ = ["TITLES_A_QUESTION", "Classified", "Classifier", "by_words"]

TITLES_A_QUESTION: Final = 20
MAX_ANSWER_TOKENS: Final = 4000
MOST_TOPICS: Final = 5
LONGEST_TOPIC: Final = 40
_OFFER_NAMES: Final = tuple(offer.name for offer in OFFERS)
_INSTRUCTIONS: Final = f"""\
Classify each video by its title. Answer one entry for each, with its index.
niche: one of {", ".join((*NICHES, OTHER))}.
content_type: one of {", ".join(CONTENT_TYPES)}.
offer_tags: those of {", ".join(_OFFER_NAMES)} that the video could sell; may be empty.
topic_tags: up to {MOST_TOPICS} short subjects."""


def _one_of(*words: str) -> Any:
    # Told to Claude, but not demanded: one title with its own word must not cost the others.
    return Field(json_schema_extra={"enum": list(words)})


class VideoAnswer(BaseModel):
    """What Claude says of one title."""

    index: int
    niche: Annotated[str, _one_of(*NICHES, OTHER)]
    content_type: Annotated[str, _one_of(*CONTENT_TYPES)]
    offer_tags: list[Annotated[str, _one_of(*_OFFER_NAMES)]] = []
    topic_tags: list[str] = []


class Answer(BaseModel):
    """What Claude says of a list of titles."""

    videos: list[VideoAnswer]


@dataclass(frozen=True, slots=True)
class Classified:
    """What a video is about, in our own words only."""

    niche: str
    content_type: str
    offer_tags: tuple[str, ...]
    topic_tags: tuple[str, ...]


def by_words(title: str | None) -> Classified:
    """Classify by the words of a title."""
    topics = [word for word in dict.fromkeys(words_of(title)) if len(word) > 4]
    return Classified(
        niche_of(title),
        content_type_of(title),
        tuple(matching_offers(title)),
        tuple(topics[:MOST_TOPICS]),
    )


class Classifier:
    """Asks Claude as long as it answers; what it does not answer well goes by its words."""

    def __init__(self, claude: Claude) -> None:
        self._claude = claude
        self.questions = 0
        self.by_claude = 0
        self.given_up: str | None = None if claude.is_configured else "no_key"

    def classify(
        self, videos: Iterable[Mapping[str, Any]]
    ) -> Iterator[list[tuple[Mapping[str, Any], Classified]]]:
        """Yield videos with what they are about, a question's worth at a time."""
        for batch in batches(videos, TITLES_A_QUESTION):
            answers = self._ask([video["title"] for video in batch])
            self.by_claude += len(answers)
            yield [
                (video, answers.get(index) or by_words(video["title"]))
                for index, video in enumerate(batch)
            ]

    def _ask(self, titles: Sequence[str | None]) -> dict[int, Classified]:
        if self.given_up is not None:
            return {}
        listed = [{"index": index, "title": title} for index, title in enumerate(titles)]
        question = Question(
            "classify", _INSTRUCTIONS, {"videos": listed}, Answer, max_tokens=MAX_ANSWER_TOKENS
        )
        self.questions += 1
        try:
            answer = self._claude.ask(question)
        except ClaudeError as error:
            if error.reason != "garbage":
                self.given_up = error.reason
            return {}
        found = {video.index: _checked(video) for video in answer.videos}
        return {index: each for index, each in found.items() if each and index < len(titles)}


def _checked(video: VideoAnswer) -> Classified | None:
    """Return what is in our taxonomy, or None where the main words are not."""
    if video.niche not in {*NICHES, OTHER} or video.content_type not in CONTENT_TYPES:
        return None
    offers = [tag for tag in dict.fromkeys(video.offer_tags) if tag in _OFFER_NAMES]
    topics = (" ".join(words_of(tag))[:LONGEST_TOPIC] for tag in video.topic_tags)
    kept = [topic for topic in dict.fromkeys(topics) if topic and topic != NO_OFFER]
    return Classified(video.niche, video.content_type, tuple(offers), tuple(kept[:MOST_TOPICS]))
