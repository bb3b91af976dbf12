"""Made-up people with one, two or three accounts, mailboxes among them, and sparse rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from actp.domains.sample.chance import MARK, dice, sample_id
from actp.domains.sample.words import (
    ABOUT,
    BOTS,
    FIRST,
    INJECTIONS,
    LAST,
    STRANGE_STAGES,
)
from actp.domains.taxonomy import NICHES

if TYPE_CHECKING:
    from actp.domains.sample.chance import Moment, Row

__all__ = ["Account", "account", "contact", "handle"]

# Of ten contacts five have one account, one person has two and one has three.
_PERSONS: Final = (0, 1, 2, 3, 4, 5, 5, 6, 6, 6)
_PERSONS_OF_TEN: Final = 7
_PLATFORMS: Final = ("twitter", "instagram", "tiktok", "linkedin", "threads")
_BOT_EVERY: Final = 20
_STYLES: Final = ("{0}_{1}{2}_sample", "{0}.{1}{2}.sample", "{0}{1}{2}sample", "{0}{1}{2}_sample")
_INJECTED: Final = (15, 26)


@dataclass(frozen=True, slots=True)
class Account:
    """One contact: whose account it is, and how warm that person is to us, 0 to 1."""

    number: int
    person: int
    platform: str
    username: str
    name: str
    niche: str
    warmth: float
    is_bot: bool

    @property
    def id(self) -> str:
        """The id of the contact."""
        return sample_id("contact", self.number)

    @property
    def is_first(self) -> bool:
        """Whether it is the person's first account, where we talk."""
        return self.number % 10 in (0, 1, 2, 3, 4, 5, 7)

    @property
    def is_sparse(self) -> bool:
        """Whether next to nothing is known."""
        return self.number % 10 == 3

    @property
    def active_hour(self) -> int:
        """The hour, in UTC, at which the person writes."""
        return 7 + self.person % 14


def account(number: int) -> Account:
    """Return the account with this number."""
    person = number // 10 * _PERSONS_OF_TEN + _PERSONS[number % 10]
    roll = dice("person", person)
    platform = _PLATFORMS[(person + number) % len(_PLATFORMS)]
    is_bot = number % _BOT_EVERY == 4
    name = f"{_first(person)} {_last(person)}".title()
    username = handle(person, number)
    if is_bot:
        mailbox, shown = BOTS[number // _BOT_EVERY % len(BOTS)]
        username, name = mailbox.format(n=number), shown or ""
    niche = roll.choice(NICHES)
    return Account(number, person, platform, username, name, niche, roll.random() ** 2, is_bot)


def handle(person: int, style: int) -> str:
    """Return a name of a person as one platform or another writes it."""
    round_number = person // (len(FIRST) * len(LAST))
    return _STYLES[style % len(_STYLES)].format(_first(person), _last(person), round_number or "")


def contact(who: Account, moment: Moment) -> Row:
    """Return the row of a contact."""
    row: Row = {
        "id": who.id,
        "platform": who.platform,
        "username": who.username,
        "source": MARK,
    }
    if who.is_sparse:
        return row
    roll = dice("contact", who.number)
    is_strange = who.number % 10 == 2
    about = roll.choice(ABOUT[who.niche])
    if who.number in _INJECTED:
        about = INJECTIONS[_INJECTED.index(who.number)]
    added = roll.uniform(20, 300)
    return row | {
        "display_name": who.name or None,
        "email": _email(who),
        "bio": about,
        "headline": who.niche.replace("_", " ") if roll.random() < 0.4 else None,
        "niche_label": who.niche if roll.random() < 0.8 else None,
        "twitter_handle": who.username if who.platform == "twitter" else None,
        "instagram_handle": who.username if who.platform == "instagram" else None,
        "tiktok_handle": who.username if who.platform == "tiktok" else None,
        "linkedin_url": (
            f"https://www.linkedin.com/in/{who.username.replace('.', '-').replace('_', '-')}"
            if who.platform == "linkedin" and not who.is_bot
            else None
        ),
        "icp_score": round(roll.uniform(10, 95), 2) if roll.random() < 0.5 else None,
        "pipeline_stage": roll.choice(STRANGE_STAGES) if is_strange else "new",
        "relationship_stage": roll.choice(STRANGE_STAGES) if is_strange else "cold",
        "stage": "cold",
        "tags": [MARK],
        "unread": False,
        "email_opted_out": roll.random() < 0.03,
        "archived_at": moment.ago(days=5) if roll.random() < 0.02 else None,
        "created_at": moment.ago(days=added),
        "updated_at": moment.ago(days=roll.uniform(0, added)),
    }


def _email(who: Account) -> str | None:
    if who.is_bot:
        return who.username
    return f"{handle(who.person, 1)}@sample.example" if who.person % 3 == 0 else None


def _first(person: int) -> str:
    return FIRST[person % len(FIRST)]


def _last(person: int) -> str:
    return LAST[(person * 7 + person // len(FIRST)) % len(LAST)]
