"""Chats of a bot: its messages with their buttons, and what people do with them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from simulator.outside.telegram_text import Unsendable

__all__ = ["BOT", "Chats", "Message", "checked_keyboard"]

BOT = {"id": 1, "is_bot": True, "first_name": "Simulator", "username": "simulator_bot"}
LONGEST_CALLBACK_BYTES = 64
LONGEST_ANSWER = 200
MOST_BUTTONS = 100
EXPIRED = "query is too old and response timeout expired or query ID is invalid"
UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)

Keyboard = list[list[dict[str, Any]]]


@dataclass(slots=True)
class Message:
    """A message of the bot as its readers see it."""

    id: int
    chat: str
    text: str
    keyboard: Keyboard
    date: float = field(default_factory=time.time)

    def as_json(self) -> dict[str, Any]:
        """Give the message as the API does."""
        said: dict[str, Any] = {
            "message_id": self.id,
            "from": BOT,
            "chat": chat_json(self.chat),
            "date": int(self.date),
            "text": self.text,
        }
        if self.keyboard:
            said["reply_markup"] = {"inline_keyboard": self.keyboard}
        return said


@dataclass(slots=True)
class _Query:
    asked_at: float
    answer: str | None = None
    is_alert: bool = False


class Chats:
    """All messages, and the presses that wait for an answer."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self._queries: dict[str, _Query] = {}
        self._next_id = 0

    def send(self, chat: str, text: str, keyboard: Keyboard) -> Message:
        """Add a message."""
        self._next_id += 1
        message = Message(self._next_id, chat, text, keyboard)
        self.messages[message.id] = message
        return message

    def edit(self, chat: str, message_id: int, text: str | None, keyboard: Keyboard) -> Message:
        """Replace text and buttons; raises Unsendable."""
        message = self.messages.get(message_id)
        if message is None or message.chat != chat:
            raise Unsendable("message to edit not found")
        text = message.text if text is None else text
        if (text, keyboard) == (message.text, message.keyboard):
            raise Unsendable(UNCHANGED)
        message.text, message.keyboard = text, keyboard
        return message

    def press(self, user: dict[str, Any], chat: str, message_id: int, data: str) -> dict[str, Any]:
        """Give the callback query of a press; a client may send any data."""
        query_id = str(5_000_000_000_000_000_000 + len(self._queries))
        self._queries[query_id] = _Query(time.monotonic())
        message = self.messages.get(message_id)
        shown = {"message_id": message_id, "chat": chat_json(chat), "date": 0}
        return {
            "id": query_id,
            "from": user,
            "message": shown if message is None else message.as_json() | {"chat": chat_json(chat)},
            "chat_instance": "-1",
            "data": data,
        }

    def answer(self, query_id: str, text: str, *, is_alert: bool, within_seconds: float) -> None:
        """Answer a press once; raises Unsendable."""
        query = self._queries.get(query_id)
        if query is None or query.answer is not None:
            raise Unsendable(EXPIRED)
        if time.monotonic() - query.asked_at > within_seconds:
            raise Unsendable(EXPIRED)
        if len(text) > LONGEST_ANSWER:
            raise Unsendable("MESSAGE_TOO_LONG")
        query.answer, query.is_alert = text, is_alert

    def as_json(self) -> dict[str, Any]:
        """Give what people see, for tests."""
        return {
            "messages": [message.as_json() for message in self.messages.values()],
            "answers": {
                query_id: query.answer
                for query_id, query in self._queries.items()
                if query.answer is not None
            },
        }


def chat_json(chat: str) -> dict[str, Any]:
    """Give a chat as the API does: people have positive ids, groups negative ones."""
    if chat.startswith("@"):
        return {"id": -1001, "type": "channel", "title": chat[1:], "username": chat[1:]}
    number = int(chat) if chat.lstrip("-").isdigit() else 0
    if number < 0:
        return {"id": number, "type": "supergroup", "title": "Operators"}
    return {"id": number, "type": "private", "first_name": "Ada"}


def checked_keyboard(markup: Any) -> Keyboard:
    """Read a reply_markup as Telegram does; raises Unsendable."""
    if isinstance(markup, str):
        try:
            markup = json.loads(markup)
        except ValueError:
            raise Unsendable("can't parse reply keyboard markup JSON object") from None
    if not markup:
        return []
    rows = markup.get("inline_keyboard") if isinstance(markup, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Unsendable("object expected as reply markup")
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise Unsendable("reply markup is too long")
    for button in buttons:
        _check_button(button)
    return [row for row in rows if row]


def _check_button(button: Any) -> None:
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise Unsendable("can't parse inline keyboard button: text of the button is empty")
    if "url" in button:
        parts = urlsplit(str(button["url"]))
        if parts.scheme not in ("https", "http") or "." not in (parts.hostname or ""):
            raise Unsendable(
                f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
            )
    elif not 1 <= len(str(button.get("callback_data", "")).encode()) <= LONGEST_CALLBACK_BYTES:
        raise Unsendable("BUTTON_DATA_INVALID")
