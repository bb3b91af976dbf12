"""What Blotato and Remotion are told to do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt

__all__ = [
    "BlotatoRule",
    "BlotatoSettings",
    "RemotionRule",
    "RemotionSettings",
    "Trouble",
]

Trouble = Literal[
    "unauthorized",
    "not_found",
    "invalid",
    "too_many_requests",
    "server_error",
    "hang",
    "drop",
    "drop_after_effect",
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Rule(_Strict):
    """What happens to requests that hold ``text``; the first rule that is not used up decides."""

    text: str = ""
    times: PositiveInt | None = None
    after: NonNegativeInt = 0
    seconds: NonNegativeFloat = 60.0
    retry_after_seconds: NonNegativeInt = 1


class BlotatoRule(_Rule):
    """``fail`` and ``stuck`` are for posts: refused by the platform later, out but never said."""

    behaviour: Trouble | Literal["fail", "stuck", "nameless"]
    route: Literal["posts", "status", "accounts", "uploads", "storage"] = "posts"
    platform: str = ""


class BlotatoSettings(_Strict):
    """How Blotato is set up; without a key it takes any.

    ``accounts`` gives the platform of each id. A post is said to be in progress as often as
    ``in_progress_answers`` says, then to be published. With ``keeps_schedule`` one that has a time
    is published then, else at once.
    """

    key: str | None = None
    accounts: dict[str, str] = Field(
        default_factory=lambda: {
            "4151": "twitter",
            "710": "tiktok",
            "807": "instagram",
            "173": "threads",
            "228": "youtube",
            "571": "linkedin",
        }
    )
    keeps_schedule: bool = False
    in_progress_answers: NonNegativeInt = 0
    rules: tuple[BlotatoRule, ...] = ()


class RemotionRule(_Rule):
    """``fail``, ``stuck`` and ``lose`` are for jobs: failed, rendering forever, unknown."""

    behaviour: Trouble | Literal["fail", "stuck", "lose"]
    route: Literal["render", "job", "health"] = "render"


class RemotionSettings(_Strict):
    """How Remotion is set up; without a key it takes any.

    Videos are written below ``home``, where one is given. With ``health`` another program
    listens: it answers that at ``/health`` and knows nothing else.
    """

    style: Literal["both", "default", "v1"] = "both"
    key: str | None = None
    job_seconds: NonNegativeFloat = 0.0
    home: str | None = None
    health: dict[str, Any] | None = None
    rules: tuple[RemotionRule, ...] = ()
