"""Questions to one service about its page, and its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actp.safari.outcomes import Failure
from actp.safari.session_check import said_object
from actp.safari.session_outcomes import refused, unanswered
from actp.sanitize import storable_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from actp.safari.catalogue import Service
    from actp.safari.exchange import Ask
    from actp.safari.outcomes import Outcome, Reply

__all__ = ["SCRIPT_ROUTES", "Answer", "Asking", "ScriptRoute"]

# A page is opened for it; Safari needs a moment.
LOOK_TIMEOUT_SECONDS: Final = 45.0
MAX_SAID_LENGTH: Final = 200


class ScriptRoute(NamedTuple):
    """The route that evaluates a script in a service's tab, and the keys of its JSON."""

    path: str
    script_key: str
    answer_key: str


# tiktok-comments and market-research have none.
SCRIPT_ROUTES: Final = {
    "instagram-dm": ScriptRoute("/api/execute", "script", "output"),
    "twitter-dm": ScriptRoute("/api/twitter/execute", "script", "output"),
    "tiktok-dm": ScriptRoute("/api/execute", "script", "output"),
    "linkedin-automation": ScriptRoute("/api/linkedin/debug/js", "js", "result"),
    "instagram-comments": ScriptRoute("/api/debug/eval", "js", "result"),
    "threads-comments": ScriptRoute("/api/debug/eval", "js", "result"),
    "twitter-comments": ScriptRoute("/api/debug/eval", "js", "result"),
}


class Answer(NamedTuple):
    """What a service answers to a look; ``refusal`` where it could not look at all."""

    data: dict[str, Any]
    words: str
    status: int = 0
    is_ok: bool = False
    refusal: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks one service; used by its thread, with the turn at Safari.

    ``time_scale`` is the share of their real time that its pages take.
    """

    service: Service
    ask: Ask
    sleep: Callable[[float], None] = sleep
    time_scale: float = 1.0

    def pause(self, seconds: float) -> None:
        """Let a page load."""
        if seconds:
            self.sleep(seconds * self.time_scale)

    def said(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Return the answer of a route."""
        content = b"" if body is None else json.dumps(body).encode()
        reply = self.ask(method, path, content, timeout_seconds=LOOK_TIMEOUT_SECONDS)
        return _read(self.service, reply)

    def evaluated(self, script: str) -> tuple[Answer, str]:
        """Return the answer to a script in the service's tab, and the text that it gives."""
        route = SCRIPT_ROUTES[self.service.name]
        said = self.said("POST", route.path, {route.script_key: script})
        return said, str(said.data.get(route.answer_key) or "").strip()

    @property
    def agent(self) -> str:
        """The name under which the service claims its tab."""
        return f"{self.service.name}-stable"

    def release_claim(self) -> None:
        """Have the service give up its tab; its next request claims one of its site."""
        self.said("POST", "/api/tabs/release", {"agentId": self.agent})


def _read(service: Service, reply: Reply | Failure) -> Answer:
    if isinstance(reply, Failure):
        return Answer({}, reply.detail, refusal=unanswered(service, reply))
    data = said_object(reply) or {}
    words = " ".join(
        storable_text(text, MAX_SAID_LENGTH)
        for key in ("error", "message", "detail")
        if isinstance(text := data.get(key), str) and text
    )
    if 200 <= reply.status < 300:
        return Answer(data, words, reply.status, is_ok=True)
    words = words or f"HTTP {reply.status}"
    return Answer(data, words, reply.status, refusal=refused(service, reply.status, words))
