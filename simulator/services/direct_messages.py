"""What the four services that send direct messages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from simulator.browser.sites import iso_time
from simulator.exchange import Call, Json, Reply
from simulator.services.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.browser.hands import Hands
    from simulator.browser.sites import Message

__all__ = ["SHOWN_CHARS", "DmService", "snippet"]

SHOWN_CHARS = 500
SNIPPET_CHARS = 100
MESSAGES_SHOWN = 20


def snippet(message: Message) -> str:
    """Return a message as a list of conversations shows it."""
    return message.text[:SNIPPET_CHARS]


class DmService(Service):
    """Sends messages into threads of one site."""

    messages_shown: ClassVar[int] = MESSAGES_SHOWN

    def conversation(self, person: str, last: Message) -> Json:
        """Return an item of its list of conversations."""
        return {"username": person, "lastMessage": snippet(last)}

    def message(self, index: int, message: Message) -> Json:  # noqa: ARG002
        """Return an item of its list of messages."""
        text = message.text[:SHOWN_CHARS]
        return {"text": text, "isOutbound": message.is_ours, "messageType": "text"}

    def conversations_shown(self, hands: Hands) -> list[Json]:
        """Return what the inbox lists: the scenario's, then its own; raises ScriptError."""
        hands.misses("look")
        if not hands.is_logged_in():
            return []
        scripted = [dict(item) for item in self.settings.conversations]
        return [*scripted, *(self.conversation(*each) for each in self.site.conversations())]

    def thread_shown(self, hands: Hands) -> list[Message]:
        """Return the messages of the thread in its tab, oldest first; raises ScriptError."""
        hands.misses("look")
        page = hands.session.tab().page
        if page.site != self.platform or not hands.is_logged_in():
            return []
        return list(self.site.threads.get(page.subject, ()))

    def person_like(self, name: str) -> str | None:
        """Return the first person in the inbox whose name holds the given one."""
        wanted = name.lower().removeprefix("@")
        return next((p for p, _ in self.site.conversations() if wanted in p.lower()), None)

    async def conversations(self, call: Call) -> Reply:
        """List the conversations."""
        async with self.looking(call) as hands:
            found = self.conversations_shown(hands)
        return Reply(200, {"conversations": found, "count": len(found)})

    async def messages(self, call: Call) -> Reply:
        """List the newest messages of the thread in its tab."""
        limit = int(call.request.query.get("limit", self.messages_shown))
        async with self.looking(call) as hands:
            found = self.listed(self.thread_shown(hands)[-limit:])
        return Reply(200, {"messages": found, "count": len(found)})

    def listed(self, messages: Iterable[Message]) -> list[Json]:
        """Return messages as its list shows them."""
        return [self.message(index, each) for index, each in enumerate(messages)]

    def sent_counts(self) -> Json:
        """Return how many messages count against the limits now."""
        return {
            "messagesSentToday": self.limits.today,
            "messagesSentThisHour": self.limits.this_hour,
        }

    def limits_json(self) -> Json:
        """Return the limits with the hours in which it sends."""
        start, end = self.limits.active_hours or (9, 21)
        limits = self.limits.as_json("messagesPerHour", "messagesPerDay")
        hours = {"activeHoursStart": start, "activeHoursEnd": end}
        return {**limits, "minDelayMs": 60_000, "maxDelayMs": 300_000, **hours}

    def hours_json(self) -> Json:
        """Return the hours in which it sends, and whether it does now."""
        start, end = self.limits.active_hours or (9, 21)
        is_active = self.limits.is_active()
        return {
            "start": start,
            "end": end,
            "currentHour": self.limits.hour(),
            "isActive": is_active,
        }

    async def set_limits(self, call: Call) -> Reply:
        """Change the limits."""
        self.limits.change(call.body, "messagesPerHour", "messagesPerDay")
        return Reply(200, {"rateLimits": self.limits_json()})

    @staticmethod
    def dated(message: Message) -> dict[str, Any]:
        """Return the time of a message where its list shows one."""
        return {"timestamp": iso_time(message.at)} if message.is_dated else {}
