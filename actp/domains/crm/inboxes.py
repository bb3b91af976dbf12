"""The inbox of each platform, and the requests that list it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from actp.domains.crm.conversations import read_conversations
from actp.errors import ServiceRefused, ServiceUnavailable

if TYPE_CHECKING:
    from actp.domains.crm.conversations import Conversation
    from actp.safari.client import SafariClient

__all__ = ["INBOXES", "Inbox", "list_inbox"]

# All four together end before a worker ends a phase of the brain.
OPEN_TIMEOUT_SECONDS: Final = 40.0
LIST_TIMEOUT_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Inbox:
    """The conversations of one platform; a service lists what its page shows, newest first."""

    platform: str
    service: str
    open_path: str
    list_path: str


INBOXES: Final = (
    Inbox("instagram", "instagram-dm", "/api/inbox/navigate", "/api/conversations/all"),
    Inbox("twitter", "twitter-dm", "/api/twitter/inbox/navigate", "/api/twitter/conversations"),
    Inbox("tiktok", "tiktok-dm", "/api/tiktok/inbox/navigate", "/api/tiktok/conversations"),
    Inbox(
        "linkedin",
        "linkedin-automation",
        "/api/linkedin/navigate/messaging",
        "/api/linkedin/conversations",
    ),
)


def list_inbox(safari: SafariClient, inbox: Inbox) -> list[Conversation]:
    """Open an inbox and return what it shows, each person once; raises ServiceError."""
    with safari.turn(
        OPEN_TIMEOUT_SECONDS + LIST_TIMEOUT_SECONDS, f"{inbox.service} reads its inbox"
    ):
        opened = safari.post(
            inbox.service, inbox.open_path, body={}, timeout_seconds=OPEN_TIMEOUT_SECONDS
        )
        if isinstance(opened, dict) and opened.get("success") is False:
            raise ServiceRefused(
                inbox.service,
                f"{inbox.service}: {_reason(opened)}",
                status=200,
                said=opened,
                remedy="Open the site in Safari and log in.",
            )
        said = safari.get(inbox.service, inbox.list_path, timeout_seconds=LIST_TIMEOUT_SECONDS)
    found = read_conversations(inbox.platform, said)
    if found is None:
        raise ServiceUnavailable(
            inbox.service, f"{inbox.service} answered without conversations: {_reason(said)}"
        )
    return found


def _reason(said: Any) -> str:
    error = said.get("error") if isinstance(said, dict) else None
    return str(error or "it did not say why")[:200]
