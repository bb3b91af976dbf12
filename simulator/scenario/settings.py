"""What the outside world is told to do: settings of services, and rules for single requests."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
)

from simulator.catalogue import NAMES
from simulator.scenario.behaviours import Behaviour  # noqa: TC001  pydantic reads it at run time
from simulator.scenario.publishing import BlotatoSettings, RemotionSettings
from simulator.scenario.safari import Fault, SafariSettings

__all__ = [
    "ACTING",
    "EVERY_SERVICE",
    "RECIPIENT_FIELDS",
    "Action",
    "ClaudeRule",
    "ClaudeSettings",
    "Rule",
    "Scenario",
    "ScenarioError",
    "ServiceSettings",
    "TelegramRule",
    "TelegramSettings",
]

Action = Literal[
    "send_dm",
    "comment",
    "tweet",
    "search",
    "niche",
    "full",
    "job",
    "conversations",
    "timeline",
    "session",
    "status",
    "rate_limits",
    "health",
    "tabs",
    "navigate",
    "reading",
    "other",
]
ACTING: frozenset[str] = frozenset({"send_dm", "comment", "tweet", "search", "niche", "full"})
EVERY_SERVICE = "*"
RECIPIENT_FIELDS = ("username", "profileUrl", "postUrl", "videoUrl", "url", "tweetUrl")


class ScenarioError(Exception):
    """Raised when a scenario cannot be played; the message names every fault."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceSettings(_Strict):
    """How one service is set up; the defaults never get in the way of volume."""

    limits: bool = False
    per_hour: PositiveInt | None = None
    per_day: PositiveInt | None = None
    active_hours: tuple[int, int] | None = None
    http_limiter: bool = False
    token: str | None = None
    dedup: bool = True
    replay_seconds: NonNegativeFloat = 60.0
    restart_after_seconds: NonNegativeFloat | None = 1.0
    latency_ms: NonNegativeFloat | None = None
    job_seconds: NonNegativeFloat = 0.2
    research_enabled: bool = True
    health: dict[str, Any] = Field(default_factory=dict)
    conversations: tuple[dict[str, Any], ...] = ()
    tweets: tuple[dict[str, Any], ...] = ()
    posts: tuple[dict[str, Any], ...] | None = None
    reactions: dict[str, dict[str, Any]] = Field(default_factory=dict)  # by a post's address


class Rule(_Strict):
    """One behaviour and the requests it is for; ``faults`` strike single steps on the page.

    The first rule that matches and is not used up decides. ``match`` compares fields of the
    request body (``recipient`` stands for whichever names one); ``*`` matches anything, and
    ``text`` matches anywhere in the text. Without an action a rule is for the acting routes.
    """

    service: str
    behaviour: Behaviour
    action: Action | Literal["any"] | None = None
    match: dict[str, str] = Field(default_factory=dict)
    times: PositiveInt | None = None
    after: NonNegativeInt = 0
    chance: float = Field(default=1.0, ge=0.0, le=1.0)
    seconds: NonNegativeFloat | None = None
    type_on_seconds: NonNegativeFloat = 0.0
    restart_after_seconds: NonNegativeFloat | None = None
    retry_after_seconds: NonNegativeInt = 120
    size_bytes: PositiveInt = 5_000_000
    status: int | None = Field(default=None, ge=200, le=599)
    error: str | None = None
    faults: tuple[Fault, ...] = ()

    @field_validator("service")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in (*NAMES, EVERY_SERVICE):
            raise ValueError(f"no service {name!r}; there are {', '.join(NAMES)} and *")
        return name

    def is_for(self, service: str, action: str) -> bool:
        """Return whether requests of that kind can match at all."""
        if self.service not in (service, EVERY_SERVICE):
            return False
        if self.action is None:
            return action in ACTING
        return self.action in ("any", action)


class TelegramRule(_Strict):
    """What happens to requests for ``method`` whose text holds ``text``.

    The first rule that is not used up decides.
    """

    behaviour: Literal[
        "too_many_requests",
        "server_error",
        "unparsable",
        "forbidden",
        "migrated",
        "no_rights",
        "unauthorized",
        "conflict",
        "garbage",
        "drop",
        "drop_after_effect",
        "hang",
    ]
    method: str = "sendMessage"
    text: str = ""
    times: PositiveInt | None = None
    after: NonNegativeInt = 0
    seconds: NonNegativeFloat = 60.0
    retry_after_seconds: NonNegativeInt = 1


class TelegramSettings(_Strict):
    """How Telegram is set up; without a token or chat id it takes any.

    A press is answered within ``answer_within_seconds`` or not at all.
    """

    token: str | None = None
    chat_id: str | None = None
    min_gap_seconds: NonNegativeFloat = 0.0
    answer_within_seconds: NonNegativeFloat = 900.0
    rules: tuple[TelegramRule, ...] = ()


class ReceiverRule(_Strict):
    """What happens to results whose body holds ``text``; the first rule not used up decides."""

    behaviour: Literal[
        "server_error",
        "refused",
        "gone",
        "too_many_requests",
        "redirect",
        "huge",
        "trickle",
        "drop",
        "hang",
    ]
    text: str = ""
    times: PositiveInt | None = None
    after: NonNegativeInt = 0
    seconds: NonNegativeFloat = 60.0
    retry_after_seconds: NonNegativeInt = 1


class ReceiverSettings(_Strict):
    """How the receiver of results behaves; it takes whatever comes."""

    rules: tuple[ReceiverRule, ...] = ()


class ClaudeRule(_Strict):
    """What happens to questions for ``purpose`` that hold ``text``; empty ones match any.

    ``obey_injection`` answers as an instruction hidden in the data demands.
    """

    behaviour: Literal[
        "ok",
        "garbage",
        "prose",
        "wrong_shape",
        "cut_off",
        "refusal",
        "obey_injection",
        "not_json",
        "too_many_requests",
        "overloaded",
        "server_error",
        "unauthorized",
        "bad_request",
        "drop",
        "hang",
    ]
    purpose: str = ""
    text: str = ""
    times: PositiveInt | None = None
    after: NonNegativeInt = 0
    seconds: NonNegativeFloat = 60.0
    retry_after_seconds: NonNegativeInt = 1


class ClaudeSettings(_Strict):
    """How Claude is set up; without a key it takes any, but for an empty one."""

    key: str | None = None
    retired: tuple[str, ...] = ("claude-3-5-haiku-20241022", "claude-3-5-sonnet-20241022")
    rules: tuple[ClaudeRule, ...] = ()


class Scenario(_Strict):
    """Everything a run is told; an empty one is a world in which all goes well."""

    rules: tuple[Rule, ...] = ()
    safari: SafariSettings = SafariSettings()
    services: dict[str, ServiceSettings] = Field(default_factory=dict)
    telegram: TelegramSettings = TelegramSettings()
    receiver: ReceiverSettings = ReceiverSettings()
    claude: ClaudeSettings = ClaudeSettings()
    blotato: BlotatoSettings = BlotatoSettings()
    remotion: RemotionSettings = RemotionSettings()
    seed: int = 0

    @field_validator("services")
    @classmethod
    def _are_known(cls, services: dict[str, ServiceSettings]) -> dict[str, ServiceSettings]:
        unknown = sorted(set(services) - {*NAMES, EVERY_SERVICE})
        if unknown:
            raise ValueError(f"no service {', '.join(unknown)}; there are {', '.join(NAMES)} and *")
        return services

    @classmethod
    def parse(cls, text: str | bytes) -> Scenario:
        """Read a scenario from JSON; raises ScenarioError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            faults = (
                f"{'.'.join(str(part) for part in fault['loc']) or 'scenario'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise ScenarioError("; ".join(faults)) from None

    def settings_of(self, service: str) -> ServiceSettings:
        """Give the settings of a service: its own, else those of ``*``, else the defaults."""
        return self.services.get(service) or self.services.get(EVERY_SERVICE) or ServiceSettings()
