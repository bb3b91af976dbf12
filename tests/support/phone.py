"""A phone with Telegram on it: what its owner reads, presses and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.actors.rows import eventually

if TYPE_CHECKING:
    from simulator.process import SimulatorProcess

Shown = dict[str, Any]

DEADLINE_SECONDS = 40.0
CHAT = "42"


def person(user: int = 42, **more: Any) -> dict[str, Any]:
    """Return somebody as Telegram describes them."""
    return {"id": user, "is_bot": False, "first_name": "Ada", "username": "ada", **more}


class Phone:
    """Reads and acts as one person in one chat, through the simulator's control routes."""

    def __init__(
        self, simulator: SimulatorProcess, chat: str = CHAT, user: dict[str, Any] | None = None
    ) -> None:
        self._simulator = simulator
        self.chat = chat
        self.user = user or person()

    def state(self) -> Shown:
        """Return everything that Telegram holds."""
        state: Shown = self._simulator.ask("/telegram")
        return state

    def messages(self) -> list[Shown]:
        """Return the messages of the bot as they are now, oldest first."""
        messages: list[Shown] = self.state()["messages"]
        return messages

    def await_message(self, words: str) -> Shown:
        """Return the last message that holds these words; waits for it."""
        found: list[Shown] = []

        def is_there() -> bool:
            found[:] = [each for each in self.messages() if words in each["text"]]
            return bool(found)

        eventually(is_there, f"{words!r} came", DEADLINE_SECONDS)
        return found[-1]

    def press(self, message: Shown, label: str, *, user: dict[str, Any] | None = None) -> str:
        """Press the button with this label and return the id of the press."""
        data = next(
            button["callback_data"] for button in buttons(message) if label in button["text"]
        )
        return self.send_data(message, data, user=user)

    def send_data(
        self,
        message: Shown,
        data: str,
        *,
        user: dict[str, Any] | None = None,
        chat: str | None = None,
    ) -> str:
        """Press a button that never was, with any data."""
        body = {
            "user": user or self.user,
            "chat": chat or self.chat,
            "message_id": message["message_id"],
            "data": data,
        }
        return str(self._simulator.ask("/telegram/press", body)["query_id"])

    def write(
        self,
        text: str,
        *,
        chat: str | None = None,
        user: dict[str, Any] | None = None,
        age_seconds: float = 0.0,
    ) -> None:
        """Write to the bot."""
        body = {
            "user": user or self.user,
            "chat": chat or self.chat,
            "text": text,
            "age_seconds": age_seconds,
        }
        self._simulator.ask("/telegram/write", body)

    def delete(self, message: Shown) -> None:
        """Delete a message of the bot."""
        self._simulator.ask("/telegram/delete", {"message_id": message["message_id"]})

    def await_answer(self, query_id: str) -> str:
        """Return what was answered to a press; waits for it."""
        eventually(
            lambda: query_id in self.state()["answers"], "the press is answered", DEADLINE_SECONDS
        )
        return str(self.state()["answers"][query_id])

    def await_quiet(self) -> None:
        """Wait until the bot has confirmed everything."""
        eventually(lambda: self.state()["unconfirmed"] == 0, "all is confirmed", DEADLINE_SECONDS)


def buttons(message: Shown) -> list[Shown]:
    """Return the buttons of a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def labels(message: Shown) -> list[str]:
    """Return what the buttons of a message say."""
    return [button["text"] for button in buttons(message)]
