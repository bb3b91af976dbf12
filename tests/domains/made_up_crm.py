"""A made-up CRM whose truth is known: who is whom, who asked us to stop, who waits for us."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

__all__ = ["MadeUpCrm", "Truth"]

TWINS = 0.15
STOPPED = 0.05
WAITING = 0.10
STOP_WORDS = ("Please stop messaging me.", "unsubscribe", "kein Interesse", "не пишите мне", "STOP")
QUESTIONS = ("What does it cost?", "Yes! Can we talk tomorrow?", "Friday", "Tell me more")
PLATFORMS = ("twitter", "instagram", "tiktok")
HOSTS = {
    "twitter": "https://x.com/",
    "instagram": "https://www.instagram.com/",
    "tiktok": "https://www.tiktok.com/@",
}
COLUMNS = (
    "id",
    "platform",
    "username",
    "email",
    "twitter_handle",
    "instagram_handle",
    "linkedin_url",
)
# Contacts by score: strangers below and above the border of consideration, and some in decision.
SCORES = """
insert into actp_prospect_scores (contact_id, score, funnel_stage)
  select c.id, s.score,
         case s.score when 25 then 'awareness' when 45 then 'consideration' else 'decision' end
    from crm_contacts c
   cross join lateral (
     select (array[25, 45, 75])[1 + abs(hashtext(c.id::text)) %% 3] as score) s
   where not exists (select from actp_prospect_scores o where o.contact_id = c.id)
"""
_INBOUND = "insert into crm_messages (contact_id, platform, direction, body, sent_at) values"
_UNLINKED = """
insert into crm_messages (platform, username, body, sent_at)
  select platform, username, %(words)s, now() - interval '8 days'
    from crm_contacts where id = %(id)s
"""
STOPS = (
    _UNLINKED,
    f"{_INBOUND} (%(id)s, 'twitter', 'inbound', %(words)s, now() - interval '300 days')",
    "update crm_contacts set email_opted_out = true where id = %(id)s",
    "update crm_contacts set tags = '{\"Do Not Contact\"}' where id = %(id)s",
    "update crm_contacts set pipeline_stage = 'Closed Lost (budget)' where id = %(id)s",
    "update crm_contacts set last_message = %(words)s where id = %(id)s",
    """insert into crm_conversations (contact_id, platform, last_message)
       values (%(id)s, 'twitter', %(words)s)""",
)
ASKS = (
    _UNLINKED,
    f"{_INBOUND} (%(id)s, 'twitter', 'inbound', %(words)s, now() - interval '30 days')",
    """insert into crm_conversations (
         contact_id, platform, last_message, unread_count, last_message_at)
       values (%(id)s, 'twitter', %(words)s, 1, now() - interval '5 days')""",
    """insert into crm_interactions (contact_id, type, summary, occurred_at)
       values (%(id)s, 'dm_reply', %(words)s, now() - interval '9 days')""",
    """update crm_contacts set last_inbound_at = now() - interval '4 days', last_message = %(words)s
        where id = %(id)s""",
)


@dataclass(frozen=True, slots=True)
class Truth:
    """The person of each contact, by number, and the persons who must get nothing."""

    person_of: dict[str, int]
    stopped: frozenset[int]
    waiting: frozenset[int]


class MadeUpCrm:
    """Stores persons, their twins, requests to stop and open questions, in every way there is."""

    def __init__(self, admin: psycopg.Connection, persons: int) -> None:
        self._admin = admin
        self._random = Random(7)
        self._persons = persons
        self._contacts: dict[str, int] = {}
        self._of_person: dict[int, list[str]] = {}
        self._rows: list[dict[str, Any]] = []
        self._associations: list[tuple[str, str, str]] = []

    def store(self) -> Truth:
        """Store everybody, scored, and return what is true of them."""
        numbers = range(self._persons)
        twins = set(self._random.sample(numbers, round(self._persons * TWINS)))
        stopped = self._random.sample(numbers, round(self._persons * STOPPED))
        others = sorted(set(numbers) - set(stopped))
        waiting = self._random.sample(others, round(self._persons * WAITING))
        for number in numbers:
            self._add(number, platform=PLATFORMS[number % 3], username=_handle(number))
            if number in twins:
                self._twin(number)
        self._insert()
        for number in stopped:
            self._run(STOPS, number, STOP_WORDS)
        for number in waiting:
            self._run(ASKS, number, QUESTIONS)
        return Truth(self._contacts, frozenset(stopped), frozenset(waiting))

    def store_late_twins(self, contacts: list[str]) -> None:
        """Store another row for the persons of some contacts, as a harvester would."""
        for contact in contacts:
            self._twin(self._contacts[contact])
        self._insert()

    def _twin(self, number: int) -> None:
        """Add a second row for a person, joined to the first in one of the ways a CRM has."""
        first = {"id": self._of_person[number][0], "platform": PLATFORMS[number % 3]}
        row = next((row for row in self._rows if row["id"] == first["id"]), None)
        other = "instagram" if first["platform"] != "instagram" else "twitter"
        twin = f"other_q{number}x{len(self._of_person[number])}"
        same_handle: Callable[[], None] = lambda: self._add(  # noqa: E731
            number, platform=first["platform"], username=f"@{_handle(number).upper()}"
        )
        if row is None:
            # The first row is stored: the new one names its address.
            column = f"{first['platform']}_handle"
            if column in COLUMNS:
                self._add(number, platform=other, username=twin, **{column: _url(number)})
            else:
                self._add(number, platform=first["platform"], username=_url(number))
            return
        match self._random.randrange(5):
            case 0:
                same_handle()
            case 1:
                row[f"{other}_handle"] = HOSTS[other] + twin
                self._add(number, platform=other, username=twin)
            case 2:
                row["email"] = f"Person {number} <Q{number}@mail.example>"
                self._add(number, platform=other, username=twin, email=f"q{number}@mail.example")
            case 3:
                self._associations.append((row["id"], other, twin))
                self._add(number, platform=other, username=twin)
            case _:
                row["linkedin_url"] = f"https://de.linkedin.com/in/Zo%C3%AB-q{number}"
                self._add(
                    number,
                    platform="linkedin",
                    username=f"https://www.linkedin.com/in/zoë-q{number}/",
                )

    def _add(self, number: int, **contact: Any) -> None:
        id_ = str(UUID(int=self._random.getrandbits(128), version=4))
        self._contacts[id_] = number
        self._of_person.setdefault(number, []).append(id_)
        self._rows.append({"id": id_, **contact})

    def _insert(self) -> None:
        statement = f"copy crm_contacts ({', '.join(COLUMNS)}) from stdin"
        with self._admin.cursor() as cursor:
            with cursor.copy(statement.encode()) as copy:
                for row in self._rows:
                    copy.write_row([row.get(column) for column in COLUMNS])
            cursor.executemany(
                "insert into actp_platform_associations (contact_id, platform, handle,"
                " engagement_type) values (%s, %s, %s, 'crm_match')",
                self._associations,
            )
            cursor.execute(SCORES.encode(), ())
        self._rows.clear()
        self._associations.clear()

    def _run(self, statements: tuple[str, ...], number: int, words: tuple[str, ...]) -> None:
        contact = self._random.choice(self._of_person[number])
        self._admin.execute(
            self._random.choice(statements).encode(),
            {"id": contact, "words": self._random.choice(words)},
        )


def _handle(number: int) -> str:
    return f"person_q{number}" if number % 3 == 0 else f"person.q{number}"


def _url(number: int) -> str:
    platform = PLATFORMS[number % 3]
    return HOSTS[platform] + _handle(number)
