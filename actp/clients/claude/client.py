"""Sends requests to Claude with limits on time, retries and tokens, and records usage."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from actp.clients.claude.answer import Usage, read_answer, usage_of
from actp.clients.claude.failures import NoSuchModel, Unavailable
from actp.clients.claude.question import request_of
from actp.clients.claude.tally import Tally
from actp.errors import ClaudeError
from actp.settings.model import Settings

if TYPE_CHECKING:
    from actp.clients.claude.question import A, Question, Tier
    from actp.clients.claude.sdk import Api
    from actp.store import Json

__all__ = ["Claude"]

RETRY_BASE_SECONDS: Final = 1.0
# Who is told to wait longer goes on without Claude.
LONGEST_WAIT_SECONDS: Final = 20.0
ANSWER_TIMEOUT_SECONDS: Final = 60.0
MAX_RETRIES: Final = 2
MAX_SHAPELESS_RETRIES: Final = 1
_DEFAULTS: Final[dict[Tier, str]] = {
    "fast": str(Settings.model_fields["anthropic_model_fast"].default),
    "brief": str(Settings.model_fields["anthropic_model_brief"].default),
}


class Claude:
    """The Messages API for one run of an agent, in one thread.

    Nothing that it reports holds the key or a prompt. Without a key it opens no connection. A
    model that is gone gives way to the default of its tier, for as long as this object lives.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
        retry_base_seconds: float = RETRY_BASE_SECONDS,
    ) -> None:
        self._key = settings.anthropic_api_key
        self._url = settings.anthropic_base_url
        self._tokens_left = settings.anthropic_max_tokens_per_run or float("inf")
        self._models: dict[Tier, str] = {
            "fast": settings.anthropic_model_fast,
            "brief": settings.anthropic_model_brief,
        }
        self._answer_timeout_seconds = answer_timeout_seconds
        self._retry_base_seconds = retry_base_seconds
        self._api: Api | None = None
        self._cost = Usage()
        self._tally = Tally()

    @property
    def is_configured(self) -> bool:
        """Say whether a key is set."""
        return self._key is not None

    def ask(self, question: Question[A]) -> A:
        """Return a validated answer; blocks for minutes at worst. Raises ClaudeError."""
        outcome, self._cost = "interrupted", Usage()
        try:
            answer = self._ask(question)
        except ClaudeError as error:
            outcome = error.reason
            raise
        else:
            outcome = "answered"
            return answer
        finally:
            self._tally.add(question.purpose, outcome, self._models[question.tier], self._cost)

    def check(self) -> dict[str, str]:
        """Return how each model configured stands: ``active``, ``deprecated`` or ``retired``.

        Costs no tokens. Raises ClaudeError where the key is refused or a model is not known.
        """
        api = self._connected()
        return {model: api.lifecycle(model) for model in self._models.values()}

    def asked(self) -> list[dict[str, Json]]:
        """Return what was asked till now, as agent_claude_record takes it."""
        return self._tally.rows()

    def close(self) -> None:
        """Give connections back."""
        if self._api is not None:
            self._api.close()
            self._api = None

    def _ask(self, question: Question[A]) -> A:
        failures: Counter[str] = Counter()
        while True:
            try:
                return read_answer(self._reply(question), question.answer)
            except ClaudeError as error:
                failures[error.reason] += 1
                wait_seconds = error.wait_seconds if isinstance(error, Unavailable) else 0.0
                is_over = failures[error.reason] > _retries_after(error)
                if is_over or wait_seconds > LONGEST_WAIT_SECONDS:
                    raise
            time.sleep(max(wait_seconds, self._retry_base_seconds * failures.total()))

    def _reply(self, question: Question[A]) -> object:
        """Return the reply to the question, of the model that is there."""
        api = self._connected()
        model = self._models[question.tier]
        try:
            return self._counted(api.message(request_of(question, model)))
        except NoSuchModel:
            default = _DEFAULTS[question.tier]
            if model == default:
                raise
            self._models[question.tier] = default
        return self._reply(question)

    def _connected(self) -> Api:
        if self._key is None:
            raise ClaudeError(
                "no_key", "ANTHROPIC_API_KEY is not set.", remedy="Set ANTHROPIC_API_KEY."
            )
        if self._tokens_left <= 0:
            raise ClaudeError(
                "over_budget",
                "This run has used its token budget.",
                remedy="Raise ANTHROPIC_MAX_TOKENS_PER_RUN.",
            )
        if self._api is None:
            from actp.clients.claude.sdk import Api  # noqa: PLC0415  # the SDK costs a second

            self._api = Api(self._key, self._url, self._answer_timeout_seconds)
        return self._api

    def _counted(self, reply: object) -> object:
        usage = usage_of(reply)
        self._tokens_left -= sum(usage)
        self._cost = self._cost.plus(usage)
        return reply


def _retries_after(error: ClaudeError) -> int:
    if isinstance(error, Unavailable):
        return MAX_RETRIES
    return MAX_SHAPELESS_RETRIES if error.reason == "garbage" else 0
