"""How the stand-in Safari is laid out, and what goes wrong on single steps of a send."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    field_validator,
)

from simulator.catalogue import NAMES

__all__ = ["OWN", "SITES", "Fault", "Notice", "SafariSettings", "Step"]

OWN = "own"
SITES = ("instagram", "twitter", "tiktok", "threads", "linkedin")
Step = Literal["navigate", "look", "row", "open", "input", "type", "submit", "verify"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Strict):
    """What goes wrong on one step of the given try.

    ``error`` raises an osascript failure with ``text``; ``missing`` finds no such element, which
    gives the service's own words; ``ignored`` clicks or types without effect; ``unseen`` types, and
    the driver does not see it; ``swallowed`` empties the box, and nothing arrives.
    """

    step: Step
    kind: Literal["error", "missing", "ignored", "unseen", "swallowed"]
    on_try: PositiveInt = 1
    text: str = "Safari got an error: AppleEvent timed out. (-1712)"


class Notice(_Strict):
    """Words that every page of a site shows, from the given number of further sends on."""

    text: str
    after_sends: NonNegativeInt = 0


class SafariSettings(_Strict):
    """Safari, its tabs, and the sites in them.

    Every service has its own tab. With ``front`` at ``own`` each one finds its own tab in
    front, as though an operator had seen to it; else the tab of the named service is in front, or
    a new tab with that address. ``other_window`` opens a window of the operator's before the one of
    the services. ``at`` says where the tab of a service stands, ``pinned_to`` whose tab a service
    has claimed or tracks (empty: none). ``open_chats`` names, by site, the person whose
    conversation stands open over every page, and ``keeps_chats`` the sites on which it stays open
    after a send; ``sticky_chats`` those on which a script cannot close it. ``closed`` names
    services without their tab; a claim on it lives on. ``unreachable`` are people whose profiles
    have no Message button. ``replies`` gives, for the address of a post, that of the post which it
    answers and which its page shows first. ``languages`` gives those of sites
    that are not in English. ``accounts`` names who is logged in to a site where it is not ``me``.
    ``post_texts`` gives, by address, what is written in a post and below it. ``clipboard`` is the
    encoding in which ``pbcopy`` reads a text: without a locale, as under launchd, it is mac_roman.
    ``scripts`` is the one in which AppleScript reads the scripts of threads-comments, which names
    none: on macOS it is that of the Mac's language, mac_roman for the western ones.
    Times are seconds as on a real Mac, multiplied by ``time_scale`` (0: no waiting).
    """

    running: bool = True
    automation_allowed: bool = True
    front: str = OWN
    other_window: str | None = None
    closed: frozenset[str] = frozenset()
    at: dict[str, str] = Field(default_factory=dict)
    pinned_to: dict[str, str] = Field(default_factory=dict)
    logged_out: frozenset[str] = frozenset()
    accounts: dict[str, str] = Field(default_factory=dict)
    load_seconds: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    keeps_drafts: frozenset[str] = frozenset()
    open_chats: dict[str, str] = Field(default_factory=dict)
    keeps_chats: frozenset[str] = frozenset({"linkedin"})
    sticky_chats: frozenset[str] = frozenset({"twitter"})
    notices: dict[str, Notice] = Field(default_factory=dict)
    pinned_posts: dict[str, str] = Field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    replies: dict[str, str] = Field(default_factory=dict)
    post_texts: dict[str, str] = Field(default_factory=dict)
    clipboard: Literal["utf-8", "mac_roman"] = "utf-8"
    scripts: Literal["utf-8", "mac_roman"] = "utf-8"
    languages: dict[str, str] = Field(default_factory=dict)
    time_scale: NonNegativeFloat = 0.0

    @field_validator("closed", "at", "pinned_to")
    @classmethod
    def _name_services(cls, value: frozenset[str] | dict[str, str]) -> object:
        unknown = sorted(set(value) - set(NAMES))
        if unknown:
            raise ValueError(f"no service {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return value

    @field_validator(
        "logged_out",
        "accounts",
        "load_seconds",
        "keeps_drafts",
        "open_chats",
        "keeps_chats",
        "sticky_chats",
        "notices",
        "pinned_posts",
        "languages",
    )
    @classmethod
    def _name_sites(cls, value: frozenset[str] | dict[str, object]) -> object:
        unknown = sorted(set(value) - set(SITES))
        if unknown:
            raise ValueError(f"no site {', '.join(unknown)}; there are {', '.join(SITES)}")
        return value
