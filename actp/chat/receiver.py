"""Handles Telegram updates: each decision at most once, each question every time."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Event
from time import time
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from actp.alerts import Alert, as_plain, render, split_html
from actp.alerts.markup import LONGEST_MESSAGE, escape, length
from actp.chat.buttons import Offer, Signer, keyboard, without_links
from actp.chat.updates import Asked, Ignored, People, Press, read_update
from actp.chat.words import answer_to, decision, is_command, refusal, standing
from actp.errors import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.clients.telegram import Delivery, Telegram
    from actp.store import Store

__all__ = ["Handled", "Receiver"]

Handled: TypeAlias = Literal["decided", "refused", "forged", "stranger", "asked", "ignored"]

# A question of yesterday wants no answer today.
OLDEST_QUESTION_SECONDS: Final = 300
# Telegram allows a chat so many messages; a longer wait would keep the next presses waiting too.
LONGEST_WAIT_SECONDS: Final = 15.0
MOST_ATTEMPTS: Final = 3
NOT_ALLOWED: Final = "You do not have permission: your id {} is not in TELEGRAM_USERS."
FORGED: Final = "Nothing was changed: this button is unknown."
NOT_TAKEN: Final = "Nothing was changed: the database refused it; see bin/logs background."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Handles one update after the other, on behalf of the host that receives them."""

    store: Store
    telegram: Telegram
    people: People
    signer: Signer
    host: str
    _hurries: Event = field(default_factory=Event)

    def hurry(self) -> None:
        """Wait for Telegram no longer; may be called by another thread."""
        self._hurries.set()

    def handle(self, update: Mapping[str, Any]) -> Handled:
        """Handle one update; raises StoreError where the database is away or not ours to ask."""
        match read_update(update, self.people):
            case Press() as press:
                return self._decide(press)
            case Asked() as asked:
                return self._answer(asked)
            case Ignored(why, query_id, user_id):
                if query_id is not None:
                    self.telegram.answer_press(query_id, NOT_ALLOWED.format(user_id), is_alert=True)
                return "stranger" if why in ("chat", "user") else "ignored"

    def _decide(self, press: Press) -> Handled:
        button = self.signer.read(press.data)
        if button is None:
            _log.warning(
                "a forged button, from %s",
                press.operator,
                extra={"action": "button_forged"},
            )
            self.telegram.answer_press(press.query_id, FORGED, is_alert=True)
            return "forged"
        try:
            answer = self.store.call(
                "safari_telegram_press",
                key=press.query_id,
                host=self.host,
                operator=press.operator,
                alert_id=button.alert_id,
                action=button.action,
                mark=button.mark,
            )
        except StoreRefused as error:
            # Asked again it would be refused again, and keep all others waiting.
            _log.warning("a decision was refused: %s", error, extra={"action": "button_refused"})
            self.telegram.answer_press(press.query_id, NOT_TAKEN, is_alert=True)
            return "refused"
        self._tell(press, button.action, answer)
        return "decided" if answer["done"] else "refused"

    def _tell(self, press: Press, action: str, answer: Mapping[str, Any]) -> None:
        is_done = answer["done"]
        said = (
            decision(action, dict(answer)) if is_done else f"Now: {escape(standing(dict(answer)))}"
        )
        told = as_plain(said).split("\n", 1)[0] if is_done else refusal(dict(answer))
        self.telegram.answer_press(press.query_id, told, is_alert=not is_done)
        if answer["alert"] is None:
            return
        alert = Alert.read(answer["alert"])
        shown = split_html(render(alert, datetime.fromisoformat(answer["at"])))[-1]
        text = f"{shown}\n\n{said}"
        if length(text) > LONGEST_MESSAGE:
            text = said
        # What is still to be decided keeps its buttons, signed for how it is now.
        again = Offer.read(answer["offer"])
        buttons = keyboard(alert.id, again, alert.detail, self.signer)
        edit = partial(self.telegram.edit, press.message_id, keyboard=buttons)
        edited = self._patiently(lambda: edit(text))
        if edited.verdict == "bad_buttons":
            edit = partial(self.telegram.edit, press.message_id, keyboard=without_links(buttons))
            edited = self._patiently(lambda: edit(text))
        if edited.verdict == "unparsable":
            edited = self._patiently(lambda: edit(as_plain(text), is_html=False))
        if edited.verdict != "delivered":
            _log.warning(
                "could not edit a message: %s", edited.error, extra={"action": "edit_refused"}
            )

    def _answer(self, asked: Asked) -> Handled:
        if time() - asked.asked_at > OLDEST_QUESTION_SECONDS or not self._is_for_us(asked):
            return "ignored"
        for part in split_html(escape(answer_to(asked.command, self.store))):
            sent = self._patiently(partial(self.telegram.send, part))
            if sent.verdict != "delivered":
                _log.warning(
                    "could not answer a question: %s",
                    sent.error,
                    extra={"action": "answer_refused"},
                )
                break
        return "asked"

    def _is_for_us(self, asked: Asked) -> bool:
        """Return whether a command is for this bot: in a group there can be others."""
        if asked.bot:
            name = self.telegram.bot_name()
            return name is None or asked.bot.lower() == name.lower()
        return not self.people.is_group or is_command(asked.command)

    def _patiently(self, say: Callable[[], Delivery]) -> Delivery:
        """Return what came of saying something, again after a wait that Telegram asks for."""
        for _ in range(MOST_ATTEMPTS - 1):
            said = say()
            wait_seconds = said.wait_seconds
            if said.verdict != "later" or wait_seconds is None:
                return said
            if wait_seconds > LONGEST_WAIT_SECONDS or self._hurries.wait(wait_seconds):
                return said
        return say()
