"""The settings themselves: one field for each name, ``SAFARI_TURNS`` being ``safari_turns``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from actp.errors import NotFound
from actp.settings import values
from actp.settings.accounts import (
    Accounts,
    Logins,
    OwnHandles,
    parse_accounts,
    parse_logins,
    parse_own_handles,
)
from actp.settings.host import absolute, default_lock_dir, host_time_zone, own_crm_brain

StoreKind = Literal["postgres", "supabase", "embedded"]

SERVICE_SETTINGS = {
    "instagram-dm": "SAFARI_INSTAGRAM_DM",
    "twitter-dm": "SAFARI_TWITTER_DM",
    "threads-comments": "SAFARI_THREADS_COMMENTS",
    "instagram-comments": "SAFARI_INSTAGRAM_COMMENTS",
    "tiktok-comments": "SAFARI_TIKTOK_COMMENTS",
    "twitter-comments": "SAFARI_TWITTER_COMMENTS",
    "tiktok-dm": "SAFARI_TIKTOK_DM",
    "linkedin-automation": "SAFARI_LINKEDIN",
    "market-research": "SAFARI_MARKET_RESEARCH",
}
_SERVICE_URL_FIELDS = tuple(f"{prefix.lower()}_url" for prefix in SERVICE_SETTINGS.values())


def _check_secret(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        values.check_token(secret.get_secret_value())
    return secret


def _check_dsn(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        values.check_database_url(secret.get_secret_value())
    return secret


def _check_heartbeat(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        values.check_heartbeat_url(secret.get_secret_value())
    return secret


def _check_webhook(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        values.check_webhook_url(secret.get_secret_value())
    return secret


def _check_webhook_secret(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        values.webhook_keys(secret.get_secret_value())
    return secret


def _absolute(path: Path) -> Path:
    values.check_path(str(path))
    return absolute(path, os.environ)


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _port_base(port: int) -> int:
    if port and not 1024 <= port <= 65000:
        raise ValueError(f"{port} cannot be a base — a port from 1024 to 65000, or 0 for none")
    return port


ServiceUrl = Annotated[str, AfterValidator(values.parse_origin)]
Token = Annotated[SecretStr | None, AfterValidator(_check_secret)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], BeforeValidator(values.parse_names)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class Settings(BaseModel):
    """Everything a person may set; made by ``load_settings`` only, never changed afterwards."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        arbitrary_types_allowed=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    # Declared before the addresses, whose check asks it.
    safari_allow_remote: bool = False
    safari_instagram_dm_url: ServiceUrl = "http://127.0.0.1:3001"
    safari_twitter_dm_url: ServiceUrl = "http://127.0.0.1:3003"
    safari_threads_comments_url: ServiceUrl = "http://127.0.0.1:3004"
    safari_instagram_comments_url: ServiceUrl = "http://127.0.0.1:3005"
    safari_tiktok_comments_url: ServiceUrl = "http://127.0.0.1:3006"
    safari_twitter_comments_url: ServiceUrl = "http://127.0.0.1:3007"
    safari_tiktok_dm_url: ServiceUrl = "http://127.0.0.1:3102"
    safari_linkedin_url: ServiceUrl = "http://127.0.0.1:3105"
    safari_market_research_url: ServiceUrl = Field(
        "http://127.0.0.1:3106",
        validation_alias=AliasChoices("safari_market_research_url", "market_research_url"),
    )

    safari_instagram_dm_token: Token = None
    safari_twitter_dm_token: Token = None
    safari_threads_comments_token: Token = SecretStr("threads-local-dev-token")
    safari_instagram_comments_token: Token = SecretStr("test-token")
    safari_tiktok_comments_token: Token = None
    safari_twitter_comments_token: Token = SecretStr("test-token-12345")
    safari_tiktok_dm_token: Token = None
    safari_linkedin_token: Token = SecretStr("test-token-12345")
    safari_market_research_token: Token = None

    safari_active_hours: Annotated[
        values.ActiveHours,
        PlainValidator(values.parse_active_hours),
        PlainSerializer(str),
    ] = values.ActiveHours(9, 21)
    safari_time_zone: Annotated[str, AfterValidator(values.parse_time_zone)] = Field(
        default_factory=lambda: host_time_zone(os.environ)
    )
    safari_min_gap_seconds: Seconds = 30.0
    safari_turns: int = Field(1, ge=1, le=len(SERVICE_SETTINGS))
    safari_action_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    safari_daily_limits: Annotated[
        values.DailyLimits, PlainValidator(values.parse_daily_limits)
    ] = Field(default_factory=lambda: values.parse_daily_limits({}))
    safari_retry_base_seconds: Seconds = 15.0
    safari_retry_limit: int = Field(3, ge=0, le=20)
    safari_lease_seconds: float = Field(30.0, ge=2, le=3600)
    safari_instagram_dm_plain_route: bool = False
    safari_look: bool = True
    safari_verify: Literal["off", "unclear", "all"] = "unclear"
    safari_shadow: bool = False
    safari_accounts: Annotated[Logins, PlainValidator(parse_logins), PlainSerializer(dict)] = Field(
        default_factory=dict
    )
    safari_own_handles: Annotated[
        OwnHandles, PlainValidator(parse_own_handles), PlainSerializer(dict)
    ] = Field(default_factory=dict)
    safari_time_scale: float = Field(1.0, gt=0, le=1)
    review: Literal["off", "ai", "all"] = "off"
    outreach_sender: (
        Annotated[str, Field(max_length=60), AfterValidator(values.parse_sender)] | None
    ) = None
    outreach_texts: AbsolutePath | None = None
    outreach_min_score: int = Field(10, ge=0, le=100)
    outreach_new_per_day: int = Field(20, ge=0, le=100_000)
    safari_foreign_platforms: Names = ("linkedin_chrome",)
    safari_foreign_actions: Names = (
        "prospect_discover",
        "dm_batch",
        "upwork_scan",
        "profile_enrich",
    )

    workers: int = Field(1, ge=1, le=10)
    stop_seconds: float = Field(30.0, ge=1, le=3600)
    actp_home: AbsolutePath = Path("var")
    actp_lock_dir: AbsolutePath = Field(
        default_factory=lambda: default_lock_dir(sys.platform, os.environ)
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = (
        "INFO"
    )
    console_port: int = Field(0, ge=0, le=65_535)
    console_write: bool = False
    metrics_port_base: Annotated[int, AfterValidator(_port_base)] = 9460

    database_url: Annotated[SecretStr | None, AfterValidator(_check_dsn)] = None
    supabase_url: Annotated[str, AfterValidator(values.parse_supabase_url)] | None = None
    supabase_service_role_key: Token = Field(
        None,
        validation_alias=AliasChoices("supabase_service_role_key", "supabase_service_key"),
        validate_default=True,
    )

    health_seconds: float = Field(60.0, ge=1, le=3600)
    all_well_hour_utc: int = Field(8, ge=0, le=23)
    heartbeat_url: Annotated[SecretStr | None, AfterValidator(_check_heartbeat)] = None
    keep_awake: bool = True
    heartbeat_stale_seconds: float = Field(20.0, ge=3, le=3600)
    worker_memory_mb: int = Field(400, ge=64, le=65_536)
    agents_schedule: bool = True

    telegram_bot_token: Token = None
    telegram_chat_id: Annotated[str, AfterValidator(values.parse_chat_id)] | None = None
    telegram_api_url: Annotated[str, AfterValidator(values.parse_telegram_url)] = (
        "https://api.telegram.org"
    )
    telegram_buttons: bool = False
    telegram_users: Annotated[tuple[int, ...], BeforeValidator(values.parse_users)] = ()
    apprise_urls: SecretStr | None = None
    result_webhook_url: Annotated[SecretStr | None, AfterValidator(_check_webhook)] = None
    result_webhook_secret: Annotated[SecretStr | None, AfterValidator(_check_webhook_secret)] = None
    crm_brain_cmd: str = Field(default_factory=own_crm_brain)
    safari_campaign_texts: AbsolutePath | None = None

    anthropic_api_key: Token = None
    anthropic_model_fast: str = "claude-haiku-4-5-20251001"
    anthropic_model_brief: str = "claude-sonnet-4-6"
    anthropic_base_url: Annotated[str, AfterValidator(values.parse_anthropic_url)] = (
        "https://api.anthropic.com"
    )
    anthropic_max_tokens_per_run: int = Field(200_000, ge=0)
    research_poll_seconds: float = Field(5.0, gt=0, le=60, allow_inf_nan=False)

    blotato_api_key: Token = None
    blotato_api_url: Annotated[str, AfterValidator(values.parse_blotato_url)] = (
        "https://backend.blotato.com/v2"
    )
    blotato_accounts: Annotated[Accounts, PlainValidator(parse_accounts)] = Field(
        default_factory=lambda: parse_accounts({})
    )
    blotato_poll_seconds: float = Field(5.0, gt=0, le=60, allow_inf_nan=False)
    remotion_url: Annotated[str, AfterValidator(values.parse_remotion_url)] = (
        "http://127.0.0.1:3100"
    )
    remotion_api_style: Literal["default", "v1"] = "default"
    remotion_api_key: Token = None
    remotion_home: AbsolutePath | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _strip(cls, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value

    @field_validator(*_SERVICE_URL_FIELDS)
    @classmethod
    def _check_service_url(cls, url: str, info: ValidationInfo) -> str:
        # A refused SAFARI_ALLOW_REMOTE has its own line; it must not bring nine more.
        if not values.is_loopback(url) and not info.data.get("safari_allow_remote", True):
            raise ValueError(
                f"{url!r} is not this machine — a loopback address, because the services do not "
                "authenticate callers; SAFARI_ALLOW_REMOTE=true allows it"
            )
        for other in _SERVICE_URL_FIELDS:
            if urlsplit(url).netloc == urlsplit(info.data.get(other, "")).netloc:
                raise ValueError(
                    f"{url!r} is also the address of {other.upper()} — one address for each service"
                )
        return url

    @field_validator("result_webhook_secret")
    @classmethod
    def _check_webhook_pair(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if (
            "result_webhook_url" in info.data
            and secret is None
            and info.data["result_webhook_url"] is not None
        ):
            raise ValueError("is not set but RESULT_WEBHOOK_URL is — results are always signed")
        return secret

    @field_validator("supabase_service_role_key")
    @classmethod
    def _check_supabase_pair(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "supabase_url" in info.data and (key is None) != (info.data["supabase_url"] is None):
            missing, given = ("it", "SUPABASE_URL") if key is None else ("SUPABASE_URL", "it")
            raise ValueError(f"{given} is set but {missing} is not — both or neither")
        return key

    @property
    def explicit(self) -> frozenset[str]:
        """The fields that a person set, in the environment or .env."""
        return frozenset(self.model_fields_set)

    @property
    def is_remotion_set_up(self) -> bool:
        """Whether a person has said anything of Remotion; else its absence is no trouble."""
        return any(name.startswith("remotion_") for name in self.explicit)

    @property
    def safari_logins(self) -> Logins:
        """The handle that must be logged in on each platform that the settings say it of."""
        return {**self.safari_accounts, **self.safari_own_handles}

    @property
    def store_kind(self) -> StoreKind:
        """Which adapter the store uses."""
        if self.database_url is not None:
            return "postgres"
        return "supabase" if self.supabase_url is not None else "embedded"

    def service_url(self, name: str) -> str:
        """Return the origin of a service by its catalogue name, as ``instagram-dm``."""
        return str(getattr(self, f"{_service_prefix(name)}_url"))

    def service_token(self, name: str) -> SecretStr | None:
        """Return the bearer token of a service, or None where it wants none."""
        token: SecretStr | None = getattr(self, f"{_service_prefix(name)}_token")
        return token


def _service_prefix(name: str) -> str:
    try:
        return SERVICE_SETTINGS[name].lower()
    except KeyError:
        known = ", ".join(SERVICE_SETTINGS)
        raise NotFound(f"There is no service {name!r}; known are {known}.") from None
