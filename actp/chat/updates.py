"""Parses Telegram updates, and checks whether their sender has permission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asked", "Ignored", "People", "Press", "Update", "read_update"]

Why: TypeAlias = Literal["chat", "user", "unreadable", "other"]

MAX_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody who may decide pressed a button, or sent data as if there were one."""

    query_id: str
    data: str
    message_id: int
    user_id: int
    name: str

    @property
    def operator(self) -> str:
        """The name for the audit: the number, since names can be changed."""
        return f"telegram:{self.user_id} ({self.name})"


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who may ask wrote ``/status`` or another command; ``asked_at`` in Unix seconds.

    In a group a command can name its ``bot``, as in /status@our_bot.
    """

    command: str
    asked_at: int
    bot: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do; ``query_id`` where a user in our chat waits for an answer to a press."""

    why: Why
    query_id: str | None = None
    user_id: int | None = None


Update: TypeAlias = Press | Asked | Ignored


@dataclass(frozen=True, slots=True)
class People:
    """Who may decide: these users in this chat; in a private chat without users its owner."""

    chat_id: str
    users: frozenset[int]

    @property
    def is_group(self) -> bool:
        """Whether others, and their bots, may be in the chat."""
        return self.chat_id.startswith(("-", "@"))

    @property
    def is_empty(self) -> bool:
        """Whether nobody may decide: a group whose users are not named."""
        return self.is_group and not self.users

    def is_chat(self, chat: Mapping[str, Any]) -> bool:
        """Return whether it is the configured chat."""
        if self.chat_id.startswith("@"):
            return f"@{chat.get('username')}".lower() == self.chat_id.lower()
        return str(chat.get("id")) == self.chat_id

    def has(self, user: Mapping[str, Any], chat: Mapping[str, Any]) -> bool:
        """Return whether somebody may decide; a bot may not."""
        number = user.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or user.get("is_bot") is True:
            return False
        if self.users:
            return number in self.users
        return chat.get("type") == "private" and str(number) == self.chat_id


def read_update(update: Mapping[str, Any], people: People) -> Update:
    """Return what an update means; whatever shape it has."""
    query, message = update.get("callback_query"), update.get("message")
    if isinstance(query, dict):
        return _press(query, people)
    if isinstance(message, dict):
        return _asked(message, people)
    return Ignored("other")


def _press(query: Mapping[str, Any], people: People) -> Update:
    message, user = query.get("message"), query.get("from")
    chat = message.get("chat") if isinstance(message, dict) else None
    query_id, data = query.get("id"), query.get("data")
    if not isinstance(chat, dict) or not isinstance(user, dict) or not isinstance(message, dict):
        return Ignored("unreadable")
    if not people.is_chat(chat):
        return Ignored("chat")
    if not isinstance(query_id, str) or not query_id or not isinstance(data, str):
        return Ignored("unreadable")
    if not people.has(user, chat):
        number = user.get("id")
        return Ignored("user", query_id, number if isinstance(number, int) else None)
    message_id = message.get("message_id")
    if not isinstance(message_id, int):
        return Ignored("unreadable", query_id)
    return Press(query_id[:100], data, message_id, user["id"], _name(user))


def _asked(message: Mapping[str, Any], people: People) -> Update:
    chat, user, text = message.get("chat"), message.get("from"), message.get("text")
    if not isinstance(chat, dict) or not isinstance(user, dict):
        return Ignored("unreadable")
    if not people.is_chat(chat):
        return Ignored("chat")
    if not people.has(user, chat):
        return Ignored("user")
    asked_at = message.get("date")
    if not isinstance(text, str) or not text.startswith("/") or not isinstance(asked_at, int):
        return Ignored("other")
    command, _, bot = text.split()[0][1:].partition("@")
    return Asked(command.lower(), asked_at, bot)


def _name(user: Mapping[str, Any]) -> str:
    named = user.get("username") or user.get("first_name") or "no name"
    shown = "".join(sign for sign in str(named) if sign.isprintable())
    return storable_text(shown.strip() or "no name", MAX_NAME_LENGTH)
