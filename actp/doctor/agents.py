"""Checks of the services that only agents use."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from actp.clients.blotato.client import Blotato
from actp.clients.blotato.errors import BlotatoError
from actp.clients.claude import Claude
from actp.clients.remotion import Remotion, RemotionError
from actp.doctor.finding import Finding, fine, problem
from actp.errors import ActpError, ClaudeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.settings import Settings

__all__ = ["agents", "claude"]

CLAUDE_TIMEOUT_SECONDS: Final = 5.0
TRY_AGAIN: Final = "Run bin/doctor again; if it fails again, check the network."


def agents(settings: Settings) -> Iterator[Finding]:
    """Ask each one whether it takes what is configured; costs nothing and sends nothing."""
    yield from claude(settings)
    yield from _blotato(settings)
    yield _remotion(settings)


def claude(settings: Settings) -> Iterator[Finding]:
    with closing(Claude(settings, answer_timeout_seconds=CLAUDE_TIMEOUT_SECONDS)) as client:
        if not client.is_configured:
            yield fine("Claude", "no key is set: agents use templates and word lists")
            return
        try:
            models = client.check()
        except ClaudeError as error:
            yield _problem("Claude", error)
            return
    for model, lifecycle in models.items():
        if lifecycle == "retired":
            yield problem(
                "Claude",
                f"{model} is retired",
                "Set ANTHROPIC_MODEL_FAST or ANTHROPIC_MODEL_BRIEF to a newer one.",
            )
        else:
            yield fine("Claude", f"the key is valid, {model} is {lifecycle}")


def _blotato(settings: Settings) -> Iterator[Finding]:
    with closing(Blotato(settings)) as blotato:
        if not blotato.is_configured:
            yield fine("Blotato", "no key is set: nothing is posted to Blotato")
            return
        try:
            wrong = blotato.wrong_accounts()
        except BlotatoError as error:
            yield _problem("Blotato", error)
            return
    yield from (_problem("Blotato", error) for error in wrong)
    if not wrong:
        yield fine("Blotato", f"it takes our key, {', '.join(settings.blotato_accounts)} are set")


def _remotion(settings: Settings) -> Finding:
    with closing(Remotion(settings)) as remotion:
        try:
            remotion.check()
        except RemotionError as error:
            if settings.is_remotion_set_up:
                return _problem("Remotion", error)
            # Nobody said that there is one; another service may well have its default port.
            return fine("Remotion", f"not set up: {error}")
    return fine("Remotion", f"responds at {settings.remotion_url}")


def _problem(check: str, error: ActpError) -> Finding:
    return problem(check, str(error), error.remedy or TRY_AGAIN)
