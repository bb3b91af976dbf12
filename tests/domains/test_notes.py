"""Notes of operators about a contact: what asks us not to write, and what needs a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.domains.outreach.due import list_due
from actp.domains.outreach.queueing import build_queue
from actp.domains.outreach.sending import send
from actp.store.schema import MIGRATIONS
from tests.domains.people import People
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools

STOP = (
    "asked us to stop",
    "Asked us to stop!",
    "do not contact",
    "Do Not Contact",
    "DO-NOT-CONTACT",
    "do_not_contact_again",
    "Don\u2019t message him any more",
    "pls don't DM",
    "never email again",
    "should not be contacted",
    "not to be contacted",
    "Jane told us to leave her alone.",
    "Met in May. Requested removal from our list.",
    "wants to be removed",
    "wants no more messages",
    "said stop messaging",
    "opted out on 3 May",
    "OptOut",
    "opt-out",
    "unsubscribed via mail",
    "DNC",
    "no contact please",
    "no further outreach",
    "no cold emails",
    "not interested",
    "not really interested",
    "has blocked us",
    "reported us as spam",
    "blacklisted",
    "passed away in 2025",
    "Bitte nicht mehr anschreiben",
    "möchte nicht kontaktiert werden",
    "nicht kontaktieren",
    "kein Interesse",
    "keine weiteren Nachrichten",
    "abgemeldet",
    "no contactar",
    "no le interesa",
    "pidió que no le escribamos",
    "dado de baja",
    "não contatar",
    "pediu para parar",
    "sem interesse",
    "ne plus contacter",
    "désinscrit",
    "pas intéressé",
    "non contattare",
    "ha chiesto di non essere contattato",
    "niet meer benaderen",
    "geen interesse",
    "nie kontaktować",
    "iletişime geçmeyin",
    "не писать",
    "попросил больше не писать",
    "请勿联系",
    "連絡不要",
    "연락 금지",
    "D.N.C.",
    "unsub'd",
    "asked to be taken off the list",
    "asked us not to write; no email on file",
)
DOUBT = (
    "said no",
    "stop?",
    "Removed from list B",
    "GDPR request",
    "threatened with a lawyer",
    "was annoyed by the last one",
    "declined",
    "on hold",
    "not now",
    "do not call, message instead",
    "don't contact before January",
    "wrong person",
    "don't push",
    "handle careful",
    "bitte nicht vor Juni anschreiben",
    "not interested in Pro, wants Basic",
    "don't call, only email",
    "can not be contacted any more by email",
)
FINE = (
    "",
    "met at the conference",
    "loves lamps, don't forget birthday",
    "Do not hesitate to write!",
    "will stop by in May",
    "one-stop shop owner",
    "interested in the audit",
    "no budget problem",
    "asked for a price",
    "wants a call",
    "contacted on Monday",
    "does not use Instagram",
    "hot lead",
    "spricht Deutsch",
    "interesado en el curso",
    "très intéressé",
    "vip",
    "closed_won",
    "needs follow-up",
    "message him on Friday",
    "stopwatch collector",
    "runs a removals company",
    "no contact info",
    "no e-mail address on file",
    "never contacted yet",
    "noch nicht kontaktiert",
    "non ancora contattato",
    "пока не писали",
    "can't reach him, no calls answered",
    "unsubscribe link sent",
)


def wish(admin: psycopg.Connection, note: str) -> str | None:
    ((found,),) = admin.execute("select agent_note_wish(%s)", (note,)).fetchall()
    return str(found) if found is not None else None


def wrong(admin: psycopg.Connection, notes: tuple[str, ...], right: str | None) -> dict[str, str]:
    return {note: str(found) for note in notes if (found := wish(admin, note)) != right}


def test_what_notes_ask(admin: psycopg.Connection) -> None:
    assert wrong(admin, STOP, "stop") == {}
    assert wrong(admin, DOUBT, "doubt") == {}
    assert wrong(admin, FINE, None) == {}


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    admin.execute("alter table crm_contacts add notes text, add lead_status text")
    return People(admin)


def held(tools: Tools) -> dict[str, int]:
    return dict(list_due(tools)["held"])


def test_a_note_keeps_a_person_from_being_written_to_by_anybody(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    people.add("ada", notes="Asked us to stop in May")
    people.add("bob", lead_status="Do not contact")
    people.add("cyd", tags=["asked us to stop"])
    people.add("dee", pipeline_stage="not interested anymore")
    people.add("eve")
    people.add("eve_ig", platform="instagram", twitter_handle="eve", notes="no more messages pls")
    assert held(tools) == {"opted_out": 6}
    assert build_queue(tools)["queued"] == 0
    # Whatever wrote the row, begin refuses it.
    life = Life(tools.store)
    command = life.enqueue("eve")
    life.claim()
    begun = life.begin(command, person="eve")
    assert (begun["verdict"], begun["reason"]) == ("refused", "do_not_contact")
    admin.execute("update crm_contacts set notes = null where username = 'eve_ig'")
    assert held(tools) == {"opted_out": 4, "same_person": 1}


def test_a_doubtful_note_holds_until_somebody_has_looked(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    ada = people.add("ada")
    people.add("ada_ig", platform="instagram", twitter_handle="ada", notes="was annoyed in May")
    message = people.queue(ada)
    assert held(tools) == {"needs_look": 2}
    send(tools)
    assert people.state(message) == ("failed", "their last words or a note need a look")
    (row,) = tools.store.call("agent_inbox")["rows"]
    assert (row["reason"], row["words"]) == ("look", "note: was annoyed in May")
    tools.store.call("agent_inbox_done", contact_id=row["contact_id"])
    assert "needs_look" not in held(tools)
    # The same note is not asked about again, another one is.
    admin.execute("update crm_contacts set tags = '{vip}' where username = 'ada_ig'")
    assert "needs_look" not in held(tools)
    admin.execute("update crm_contacts set notes = 'said no' where username = 'ada_ig'")
    assert held(tools) == {"needs_look": 2}


def test_notes_that_stood_there_before_are_read_at_the_upgrade(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    admin.execute("alter table crm_contacts disable trigger user")
    people.add("ada", notes="asked us to stop")
    people.add("bob", notes="on hold")
    admin.execute("alter table crm_contacts enable trigger user")
    path = MIGRATIONS / "20261127233000_notes_read.sql"
    admin.execute(path.read_text(encoding="utf-8").encode())
    assert held(tools) == {"opted_out": 1, "needs_look": 1}
