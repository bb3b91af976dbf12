"""Chooses the platform for a message, in order of preference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from actp.errors import InvalidInput
from actp.safari.addresses import clean_handle, linkedin_profile_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["MAIL", "Place", "channel", "clean_address", "is_blocked", "wishes"]

MAIL: Final = "gmail"
# No service sends messages on Threads.
DM_PLATFORMS: Final = frozenset({"instagram", "linkedin", "tiktok", "twitter"})
LAST_RESORT: Final = "twitter"
_MAILBOX = re.compile(r"[^\s@<>\"',;:()]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)

# A platform, and who is meant there.
Place: TypeAlias = tuple[str, str]


def channel(
    wishes: Iterable[str], addresses: Mapping[str, str], *, has_tiktok_message: bool
) -> Place | None:
    """Return the first platform on which somebody can be reached, with their address there.

    TikTok takes one message a person, ever.
    """
    for platform in wishes:
        if platform == "tiktok" and has_tiktok_message:
            continue
        address = clean_address(platform, addresses.get(platform))
        if address is not None:
            return platform, address
    return None


def wishes(
    next_touch_type: str | None,
    conversation: str | None,
    own_platform: str | None,
    addresses: Iterable[str],
) -> Iterator[str]:
    """Yield platforms, the most wanted first; one may come twice.

    ``conversation`` is where we last spoke, ``own_platform`` where the contact was found; where
    they can be reached besides comes last, mail after all others.
    """
    match next_touch_type:
        case "twitter":
            yield "twitter"
        case "email":
            yield MAIL
    for platform in (conversation, own_platform):
        if platform in DM_PLATFORMS:
            yield platform
    yield LAST_RESORT
    yield from sorted(DM_PLATFORMS.intersection(addresses))
    if MAIL in addresses:
        yield MAIL


def clean_address(platform: str, address: str | None) -> str | None:
    """Return an address in the spelling that the platform's service takes; None for none."""
    if not address:
        return None
    if platform == MAIL:
        return address.lower() if _MAILBOX.fullmatch(address) else None
    try:
        if platform == "linkedin":
            # A bare name would be taken for a profile, and may be somebody else's.
            return linkedin_profile_url(address) if "/" in address else None
        return clean_handle(platform, address)
    except InvalidInput:
        return None


def is_blocked(addresses: Mapping[str, str], blocked: frozenset[Place]) -> bool:
    """Return whether somebody is on the do-not-contact list, under whichever of their names."""
    for platform, given in addresses.items():
        if (address := clean_address(platform, given)) is None:
            continue
        name = address.rstrip("/").rpartition("/")[2]
        if (platform, name) in blocked or ("all", name) in blocked:
            return True
    return False
