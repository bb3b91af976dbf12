"""Names the conversation whose words a driver takes for a limit of the site.

The drivers of messages look for such words in the whole page, the list of conversations included.
They send nothing as long as the words stand there, to nobody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from actp.safari.pages import LIMIT_WORDS
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from actp.safari.asking import Asking
    from actp.safari.outcomes import Outcome

__all__ = ["with_conversation"]

MAX_NAME_LENGTH: Final = 60
_LISTS: Final = {
    "instagram-dm": "/api/conversations",
    "tiktok-dm": "/api/tiktok/conversations",
}


def with_conversation(asking: Asking, outcome: Outcome) -> Outcome:
    """Return the outcome of a block, with the conversation whose last message reads like one."""
    name = asking.service.name
    if outcome.reason != "blocked" or outcome.alert is None or name not in _LISTS:
        return outcome
    found = asking.said("GET", _LISTS[name]).data.get("conversations")
    for each in found if isinstance(found, list) else ():
        words = _words(name, each) if isinstance(each, dict) else None
        if words is not None:
            whom = each.get("displayName") or each.get("username") or "somebody"
            shown = storable_text(str(whom), MAX_NAME_LENGTH)
            cause = (
                f'"{words}" stands in the last message of the conversation with {shown}, and the'
                " service may take it for a limit; answer or archive it"
            )
            return replace(outcome, alert=f"{outcome.alert}. {cause}.")
    return outcome


def _words(name: str, conversation: dict[str, Any]) -> str | None:
    last = str(conversation.get("lastMessage") or "").lower()
    return next((words for words in LIMIT_WORDS[name] if words in last), None)
