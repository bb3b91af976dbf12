"""Writes the brief of a video with Claude, or from a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import BaseModel, Field

from actp.clients.claude import Question
from actp.domains.outreach.suspicion import fault_in, speaks_to_machines
from actp.domains.remotion.brief import ContentBrief
from actp.errors import ClaudeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actp.domains.remotion.choosing import Subject

__all__ = ["Script", "write_brief"]

PURPOSE: Final = "content_brief"
DURATION_SECONDS: Final = 30
LONGEST_DURATION_SECONDS: Final = 45
LONG_PLATFORMS: Final = frozenset({"youtube", "linkedin"})
MOST_LINES: Final = 6
MOST_HASHTAGS: Final = 5
LONGEST_HOOK: Final = 120
LONGEST_LINE: Final = 220
LONGEST_OVERLAY: Final = 60
# What is spoken and shown is published like a caption, so it is judged like a text to be sent.
JUDGED_AS: Final = "instagram"

_INSTRUCTIONS: Final = """\
Write the script of one short upright video of {seconds} seconds for {platform}, about the niche in
the data, of the given kind. Begin with a hook of at most twelve words; then three to six spoken
lines of one sentence each, and as many overlays of at most six words; end with a call to action
that asks to follow or to comment. Two to five hashtags. No links, no names of people, no mentions,
no numbers that the data does not give. The hooks in the data worked before: learn from their form,
copy none."""
_HASHTAG = re.compile(r"#?(\w{2,30})")


class Script(BaseModel):
    """What Claude answers."""

    hook: str = Field(min_length=1, description="The first sentence.")
    script: list[str] = Field(min_length=3, description="The lines spoken, in order.")
    overlays: list[str] = Field(min_length=1, description="The words shown, one for each line.")
    cta: str = Field(min_length=1, description="What the viewer is asked to do.")
    hashtags: list[str] = Field(default=[], description="Without the sign.")


class Asks(Protocol):
    """Claude, as far as a brief needs it."""

    def ask(self, question: Question[Script]) -> Script:
        """Return an answer; raises ClaudeError."""


def write_brief(claude: Asks, subject: Subject) -> tuple[ContentBrief, str]:
    """Return the brief, and ``ok`` or why it is not by Claude."""
    hooks = tuple(hook for hook in subject.hooks if _can_be_said(hook, LONGEST_HOOK))
    strangers = tuple(hook for hook in subject.inspiration if _can_be_said(hook, LONGEST_HOOK))
    try:
        script = claude.ask(_question(subject, (*hooks, *strangers)))
    except ClaudeError as error:
        return _template(subject, hooks), error.reason
    texts = ((script.hook, LONGEST_HOOK), (script.cta, LONGEST_HOOK))
    if _is_copied((script.hook, *script.script, script.cta), strangers):
        return _template(subject, hooks), "suspicion"
    lines = [(line, LONGEST_LINE) for line in script.script]
    overlays = [(overlay, LONGEST_OVERLAY) for overlay in script.overlays]
    if not all(_can_be_said(*text) for text in (*texts, *lines, *overlays)):
        return _template(subject, hooks), "suspicion"
    return _brief(subject, script, "claude"), "ok"


def _question(subject: Subject, hooks: tuple[str, ...]) -> Question[Script]:
    return Question(
        purpose=PURPOSE,
        instructions=_INSTRUCTIONS.format(
            seconds=_duration(subject.platform), platform=subject.platform
        ),
        data={
            "niche": subject.niche,
            "kind": subject.content_type,
            "offer": subject.offer_tag,
            "hooks": list(hooks),
        },
        answer=Script,
        tier="brief",
    )


def _template(subject: Subject, hooks: tuple[str, ...]) -> ContentBrief:
    spoken = subject.niche.replace("_", " ")
    script = Script(
        hook=hooks[0] if hooks else f"What nobody tells you about {spoken}",
        script=[
            f"Most people start with {spoken} at the wrong end.",
            "Pick one step that you repeat every week, and write it down.",
            "Make that step work without you before you touch the next one.",
            "Do this once a week and look back after a month.",
        ],
        overlays=["The wrong end", "One step", "Without you", "Once a week"],
        cta=f"Follow for more on {spoken}.",
        hashtags=[subject.niche.replace("_", ""), subject.content_type.replace("_", "")],
    )
    return _brief(subject, script, "template")


def _brief(subject: Subject, script: Script, author: str) -> ContentBrief:
    tags = [match[1] for tag in script.hashtags if (match := _HASHTAG.fullmatch(tag.strip()))]
    return ContentBrief.from_json(
        {
            "niche": subject.niche,
            "content_type": subject.content_type,
            "platform": subject.platform,
            "duration_secs": _duration(subject.platform),
            "hook": _plain(script.hook),
            "script": [_plain(line) for line in script.script[:MOST_LINES]],
            "overlays": [_plain(line) for line in script.overlays[:MOST_LINES]],
            "cta": _plain(script.cta),
            "hashtags": [f"#{tag}" for tag in dict.fromkeys(tags[:MOST_HASHTAGS])],
            "offer_tag": subject.offer_tag,
            "generated_by": author,
        }
    )


def _can_be_said(text: str, longest: int) -> bool:
    plain = _plain(text)
    return (
        0 < len(plain) <= longest
        and not speaks_to_machines(plain)
        and fault_in(plain, JUDGED_AS) is None
    )


def _is_copied(texts: Iterable[str], strangers: Iterable[str]) -> bool:
    """Return whether a text is a stranger's sentence, whatever its case and punctuation."""
    said = {_letters(text) for text in texts}
    return any(_letters(hook) in said for hook in strangers)


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _plain(text: str) -> str:
    return " ".join(text.split())


def _duration(platform: str) -> int:
    return LONGEST_DURATION_SECONDS if platform in LONG_PLATFORMS else DURATION_SECONDS
