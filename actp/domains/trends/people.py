"""Matches contacts to accounts on other platforms by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from unicodedata import combining, normalize

from actp.domains.bots import is_bot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Association", "HandleIndex", "associations", "exact", "is_common", "squish"]

Match: TypeAlias = Literal["crm_match", "handle_match", "fuzzy_match"]

# Shorter names belong to too many people.
SHORTEST_SQUISHED: Final = 4
# A name with fewer letters is a first name or a word.
SHORTEST_TELLING: Final = 7
_COMMON: Final = frozenset(
    {
        "academy",
        "account",
        "agency",
        "business",
        "channel",
        "company",
        "contact",
        "content",
        "creative",
        "creator",
        "customerservice",
        "design",
        "designer",
        "developer",
        "digital",
        "digitalmarketing",
        "entrepreneur",
        "fitness",
        "founder",
        "helpdesk",
        "marketing",
        "newsletter",
        "official",
        "photography",
        "podcast",
        "project",
        "socialmedia",
        "startup",
        "studios",
        "support",
        "teamwork",
        "thecreator",
        "thefounder",
        "thereal",
        "unknown",
        "username",
        "website",
        "welcome",
        "alexander",
        "anthony",
        "antonio",
        "benjamin",
        "charles",
        "charlotte",
        "christian",
        "christina",
        "christopher",
        "daniela",
        "elizabeth",
        "fernando",
        "francesco",
        "gabriel",
        "isabella",
        "jennifer",
        "jessica",
        "johndoe",
        "janedoe",
        "jonathan",
        "katherine",
        "matthew",
        "michael",
        "michelle",
        "mohammed",
        "muhammad",
        "natalie",
        "nicholas",
        "patricia",
        "rebecca",
        "richard",
        "samantha",
        "sebastian",
        "stephanie",
        "valentina",
        "vanessa",
        "victoria",
        "william",
    }
)
# A name made of nothing but such words is one that many come upon, and no person's.
_TOPICS: Final = (
    "ads|agency|ai|app|art|automation|beauty|best|business|channel|club|coach|coaching|code|content|"
    "creative|creator|creators|crypto|daily|dev|digital|expert|facts|fashion|finance|fit|fitness|food|"
    "founder|girl|global|group|growth|guru|guy|hacker|hacks|health|hq|hub|ideas|inc|info|invest|lab|labs|"
    "life|lifestyle|marketer|marketing|master|media|memes|mindset|money|motivation|music|my|news|"
    "official|online|page|photo|pro|productivity|quotes|real|saas|seo|shop|social|startup|startups|"
    "store|studio|style|success|team|tech|the|tips|today|top|trader|travel|tv|video|web|world|your"
)
_TOPICAL: Final = re.compile(f"(?:{_TOPICS})+")
# So many digits behind a common name make it no rarer, nor does a year.
FEW_DIGITS: Final = 3
_YEAR: Final = re.compile(r"(?:19|20)\d\d$")
# What platforms and forms name somebody who has chosen no name, with any number.
_GIVEN: Final = frozenset(
    {
        "anonymous", "deleteduser", "example", "guest", "instagramuser", "member", "nobody",
        "profile", "someone", "test", "tester", "testing", "testuser", "tiktokuser", "twitteruser",
        "user", "xuser", "youtubeuser",
    }
)  # fmt: skip
OWN_COLUMNS: Final = ("twitter", "instagram", "tiktok", "linkedin")
_PROFILE = re.compile(
    r"^(?:https?://)?(?:[\w-]+\.)*linkedin\.com/(?:in|company)/([^/?#]+)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Association:
    """One person on one platform; ``followers`` and ``active_at`` where they were seen."""

    contact_id: str
    platform: str
    handle: str
    engagement_type: Match
    profile_url: str | None = None
    followers: int | None = None
    active_at: str | None = None
    interaction_count: int = 0


@dataclass(slots=True)
class _Seen:
    """What is known of one handle on one platform."""

    handle: str
    followers: int | None = None
    active_at: str | None = None
    times: int = 0
    names: set[str] = field(default_factory=set)


@dataclass(slots=True)
class HandleIndex:
    """Every handle that was seen, found by its squished form."""

    _seen: dict[str, dict[str, dict[str, _Seen]]] = field(default_factory=dict)

    def add(
        self,
        platform: str | None,
        handle: str | None,
        followers: Any,
        at: Any,
        name: str | None = None,
    ) -> None:
        """Count one sighting; what has no platform or no name is left out."""
        seen = self._place(platform, handle)
        if seen is None:
            return
        seen.times += 1
        if isinstance(followers, int):
            seen.followers = max(followers, seen.followers or 0)
        if isinstance(at, str) and at > (seen.active_at or ""):
            seen.active_at = at
        if plain := plain_name(name):
            seen.names.add(plain)

    def add_contact(self, contact: Mapping[str, Any]) -> None:
        """Take in the handles of a contact, which nobody has seen posting."""
        if is_bot(contact["username"], contact["email"], contact["display_name"]):
            return
        for platform, handle in _known(contact):
            seen = self._place(platform, handle)
            if seen is not None and (plain := plain_name(contact["display_name"])):
                seen.names.add(plain)

    def _place(self, platform: str | None, handle: str | None) -> _Seen | None:
        name = exact(handle)
        squished = squish(name)
        if not platform or len(squished) < SHORTEST_SQUISHED:
            return None
        named = self._seen.setdefault(squished, {}).setdefault(platform, {})
        return named.setdefault(name, _Seen(name))

    def find(self, platform: str, name: str) -> _Seen | None:
        """Return the sightings of exactly this handle."""
        return self._seen.get(squish(name), {}).get(platform, {}).get(name)

    def alike(self, squished: str) -> Iterator[tuple[str, _Seen]]:
        """Yield platform and sightings of the name where only one handle there is like it."""
        for platform, named in self._seen.get(squished, {}).items():
            if len(named) == 1:
                yield platform, next(iter(named.values()))

    def exactly(self, name: str) -> Iterator[tuple[str, _Seen]]:
        """Yield platform and sightings of the very same handle."""
        for platform, named in self._seen.get(squish(name), {}).items():
            if name in named:
                yield platform, named[name]

    def __len__(self) -> int:
        return sum(len(named) for places in self._seen.values() for named in places.values())


def exact(handle: str | None) -> str:
    """Return a handle in lower case without ``@``; of a LinkedIn address its last part."""
    given = (handle or "").strip()
    if profile := _PROFILE.match(given):
        given = profile[1]
    return given.lstrip("@").lower()


def squish(handle: str | None) -> str:
    """Return only letters and digits of a handle, in lower case."""
    return "".join(sign for sign in exact(handle) if sign.isalnum())


def associations(contact: Mapping[str, Any], index: HandleIndex) -> list[Association]:
    """Return where a contact is, empty unless that is two platforms or more.

    What the CRM itself says wins over the same handle elsewhere, and that over one alike. Bots
    are nowhere.
    """
    if is_bot(contact["username"], contact["email"], contact["display_name"]):
        return []
    known = dict(_known(contact))
    found: dict[str, Association] = {}
    for platform, name in known.items():
        seen = index.find(platform, name)
        found[platform] = _association(contact, platform, name, "crm_match", seen)
    names = dict.fromkeys(known.values())
    called = plain_name(contact["display_name"])
    for name in names:
        for platform, seen in index.exactly(name):
            if platform not in found and _is_one(name, called, seen):
                found[platform] = _association(contact, platform, name, "handle_match", seen)
    for name in names:
        for platform, seen in index.alike(squish(name)):
            if platform not in found and _is_one(name, called, seen):
                found[platform] = _association(contact, platform, seen.handle, "fuzzy_match", seen)
    return [found[platform] for platform in sorted(found)] if len(found) > 1 else []


def plain_name(name: str | None) -> str:
    """Return the words of a person's name in one spelling, without signs, accents and case."""
    bare = (sign for sign in normalize("NFKD", (name or "").casefold()) if not combining(sign))
    letters = (sign if sign.isalnum() else " " for sign in bare)
    return " ".join(sorted("".join(letters).split()))


def _is_one(handle: str, called: str, seen: _Seen) -> bool:
    """Return whether a handle names one person everywhere.

    Names that contradict each other are two people. A common handle needs names that agree in two
    words: a first name alone is as common as the handle.
    """
    words = set(called.split())
    shared = max((len(words.intersection(name.split())) for name in seen.names), default=0)
    if is_common(handle):
        return shared > 1
    is_full = len(words) > 1 and bool(seen.names) and all(" " in name for name in seen.names)
    return shared > 0 or not is_full


def is_common(handle: str) -> bool:
    """Return whether so many people use a handle that it alone says nothing."""
    name = _YEAR.sub("", squish(handle))
    letters = "".join(sign for sign in name if not sign.isdigit())
    if letters in _GIVEN:
        return True
    if len(name) - len(letters) > FEW_DIGITS:
        return False
    is_short = len(letters) < SHORTEST_TELLING
    return is_short or letters in _COMMON or _TOPICAL.fullmatch(letters) is not None


def _known(contact: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the platforms and handles that the CRM itself names, the contact's own last."""
    for platform in OWN_COLUMNS:
        if name := exact(contact[platform]):
            yield platform, name
    if contact["platform"] and (name := exact(contact["username"])):
        yield contact["platform"], name


def _association(
    contact: Mapping[str, Any], platform: str, handle: str, match: Match, seen: _Seen | None
) -> Association:
    url = contact["linkedin"] if platform == "linkedin" else None
    if seen is None:
        return Association(contact["id"], platform, handle, match, url)
    return Association(
        contact["id"], platform, handle, match, url, seen.followers, seen.active_at, seen.times
    )
