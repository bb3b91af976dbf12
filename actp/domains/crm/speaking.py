"""Determines who wrote last in a conversation, and whether they ask us to stop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from actp.campaigns.replies import is_one_of
from actp.domains.outreach.optout import asks_to_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actp.domains.crm.conversations import Conversation

__all__ = ["Direction", "Said", "last_said"]

Direction: TypeAlias = Literal["inbound", "outbound"]

# As the sites write it in the languages that their pages are shown in.
_OUR_PREFIX = re.compile(
    r"(?:you|me|du|sie|ich|t[uú]|usted|yo|vous|toi|moi|voc[eê]|eu|jij|je|ik|вы|ты|ви|ти|siz|sinä"
    r"|minä|あなた|自分|你|您|나|회원님|أنت|אתה|את|आप|kamu|anda|saya|bạn|คุณ|εσείς|εσύ)"
    r"\s?[:\uff1a]\s*"
    # "You sent me this twice" is theirs.
    r"|you sent (?=an? [\w ]{3,20}\.?$|an? \w+ by @?[\w.]+$)|you (?=shared an? \w+\.?$)"
    r"|you (?=replied to (?:their|his|her|[\w. ]{1,40}['\u2019]s?) (?:story|note)\b)",
    re.IGNORECASE,
)
_SENT_PREFIX = re.compile(r"you sent ", re.IGNORECASE)
# A service that finds no text shows what else stands there. Only what nobody would write is taken
# for that: "Friday", "today" or "sent" may well be an answer, and a doubt counts as one.
_TIME: Final = r"(?:just now|yesterday|(?:on |at )?[\d:., apm]*\d ?[a-z]{0,3}(?: ago)?)"
_NO_TEXT = re.compile(
    rf"active(?: now|(?: today)?| {_TIME})|online|(?:[\w.]+ is )?typing.{{0,3}}"
    rf"|seen(?: {_TIME}| by \w+| on (?:mon|tues|wednes|thurs|fri|satur|sun)day)?"
    rf"|(?:sent|delivered|opened|read) {_TIME}|\[draft\] .*|draft: .*",
    re.IGNORECASE,
)
# What the site reports that somebody did: neither words of theirs nor an answer of ours. Who only
# likes something has said nothing; a sign of refusal is an answer.
_OUR_ACT = re.compile(
    r"you (?:unsent|deleted|removed) (?:a|this) message|you liked (?:a|their) (?:message|story)"
    r"|you reacted\b.*|you called \w[\w ]*|you started an? (?:audio|video|voice) (?:chat|call)"
    r"|(?:this )?message (?:was |has been |is )?(?:deleted|removed|unsent|unavailable)"
    r"|this message is no longer available|you named the group .*"
    r"|(?:audio|video) (?:call|chat) ended"
    r"|you can now message (?:and call )?each other.*|you(?:['\u2019]re| are) now connected.*"
    r"|say hi to your new connection|sponsored",
    re.IGNORECASE,
)
_THEIR_ACT = re.compile(
    r"unsent a message|liked (?:a|your) (?:message|story)"
    r"|reacted (?:[^\w\s\U0001f44e\U0001f595\U0001f92c\U0001f92e]{1,8} )?to (?:your|a)"
    r" (?:message|story)\b.*"
    r"|accepted your (?:message request|invitation|connection request)"
    r"|changed the theme\b.*|left the group|added [\w ]{1,60} to the group",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\d+\+? new messages?", re.IGNORECASE)
_AGE = re.compile(r"\s*[\u00b7\u2022]\s*(?:now|\d+ ?[a-z]{1,3}|yesterday)(?: ago)?$", re.IGNORECASE)
_SHORTEST_NAME: Final = 2


@dataclass(frozen=True, slots=True)
class Said:
    """The last thing said, as far as it is known; without a direction nobody knows by whom.

    ``is_recorded`` says that it is a text which we sent by the queue; ``is_doubtful``, that
    something newer may be there which the list does not show.
    """

    text: str | None
    direction: Direction | None
    is_recorded: bool = False
    is_doubtful: bool = False
    wants_peace: bool = False


def last_said(conversation: Conversation, our_texts: Sequence[str]) -> Said:
    """Return the last thing said; one of our texts is ours, any other one is theirs.

    What is unread came after whatever we sent, though a list may still show our own text.
    """
    text, direction = _spoken(conversation)
    is_recorded = text is not None and (
        is_one_of(text, our_texts) or is_one_of(_SENT_PREFIX.sub("", text, count=1), our_texts)
    )
    if direction is None and text is not None:
        direction = "outbound" if is_recorded else "inbound"
    if direction == "inbound":
        return Said(text, direction, wants_peace=asks_to_stop(text))
    return Said(text, direction, is_recorded, is_doubtful=conversation.is_unread)


def _spoken(conversation: Conversation) -> tuple[str | None, Direction | None]:
    text = _AGE.sub("", conversation.text or "").strip()
    known: Direction | None = None
    if conversation.is_ours is not None:
        known = "outbound" if conversation.is_ours else "inbound"
    first, *_ = conversation.name.split() or [""]
    if len(first) >= _SHORTEST_NAME and text.casefold().startswith(f"{first.casefold()}: "):
        text, known = text[len(first) + 2 :], known or "inbound"
    elif match := _OUR_PREFIX.match(text):
        text, known = text[match.end() :], known or "outbound"
    if _COUNTED.fullmatch(text):
        return None, "inbound"
    names = {conversation.name.casefold(), f"@{conversation.handle}", conversation.handle}
    if not text or _NO_TEXT.fullmatch(text) or text.casefold().removeprefix("seen by ") in names:
        return None, known
    if _is_act(text, conversation):
        return None, None
    return text.strip(), known


def _is_act(text: str, conversation: Conversation) -> bool:
    shown = text.rstrip(".")
    people = [conversation.name, *conversation.name.split()[:1], conversation.handle or ""]
    who = next((each for each in people if each and shown.startswith(f"{each} ")), None)
    act = shown[len(who) + 1 :] if who else shown
    return _OUR_ACT.fullmatch(shown) is not None or _THEIR_ACT.fullmatch(act) is not None
