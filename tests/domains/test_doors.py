"""What stood in the database before us waits, and no unfinished text goes out at any door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.domains.outreach.sending import send
from tests.domains.people import People
from tests.domains.posts import add, ask, ended, seen, work_off
from tests.domains.test_publishing_tasks import publishers

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store.protocol import Store
    from simulator.process import SimulatorProcess
    from tests.domains.posts import Publishers

__all__ = ["publishers"]


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


def backlog(store: Store) -> dict[str, int]:
    held: dict[str, Any] = store.call("safari_backlog_list")
    return {door: held[door] for door in ("commands", "messages", "posts")}


def test_an_old_message_waits_until_it_is_accepted(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    old = people.queue(people.add("ada"), message_body="Our summer sale ends June 30!")
    admin.execute(
        "update crm_message_queue set created_at = now() - interval '150 days',"
        " scheduled_for = now() - interval '150 days'"
    )
    assert send(tools, dry_run=True)["handed"] == send(tools)["handed"] == 0
    assert people.state(old) == ("pending", None)
    assert backlog(tools.store) == {"commands": 0, "messages": 1, "posts": 0}
    # A command that the operator accepts is not all that waits elsewhere.
    tools.store.call("safari_backlog", accept=True)
    assert send(tools)["handed"] == 0
    settled = tools.store.call("safari_backlog", accept=True, doors=["messages"])
    assert settled == {"commands": 0, "messages": 1, "posts": 0}
    assert send(tools)["handed"] == 1


def test_message_with_an_old_date_is_held(tools: Tools, people: People) -> None:
    old = people.queue(people.add("ada"), created_at="2026-01-01", message_body="Black Friday 2025")
    later = people.queue(people.add("bob"), created_at="2026-01-01", scheduled_for="2999-01-01")
    mail = people.queue(people.add("cyd"), platform="gmail", created_at="2026-01-01")
    assert send(tools)["handed"] == 0
    assert backlog(tools.store)["messages"] == 1
    holds = people.rows("select id::text, hold from crm_message_queue")
    assert {row["id"]: row["hold"] for row in holds} == {old: "backlog", later: None, mail: None}


def test_a_message_that_is_scheduled_is_not_old(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    people.queue(people.add("ada"))
    admin.execute(
        "update crm_message_queue set created_at = now() - interval '5 days',"
        " scheduled_for = now() - interval '1 hour'"
    )
    assert send(tools)["handed"] == 1
    (command,) = people.rows("select expires_at - now() as left from safari_command_queue")
    assert 0 < command["left"].total_seconds() <= 86_400


def test_a_discarded_message_is_not_sent(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    old = people.queue(people.add("ada"))
    admin.execute("update crm_message_queue set hold = 'backlog'")
    tools.store.call("safari_backlog", accept=False, doors=["messages"])
    assert (send(tools)["handed"], people.state(old)) == (0, ("failed", "discarded"))


def test_an_old_post_waits_until_it_is_accepted(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    id_ = add(admin)
    admin.execute("update actp_workflow_tasks set created_at = now() - interval '120 days'")
    publisher = publishers()
    publisher.work(lambda: False)
    assert (seen(simulator), backlog(store)["posts"]) == ([], 1)
    store.call("safari_backlog", accept=True, doors=["posts"])
    work_off(publisher, admin)
    assert ended(admin, id_)[0] == "succeeded"
    assert len(seen(simulator)) == 4


def test_an_unfinished_caption_is_not_published(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess
) -> None:
    id_ = add(admin, descriptions={}, description="Hi {{first_name}}, see this")
    work_off(publishers(), admin)
    assert seen(simulator) == []
    assert ended(admin, id_)[0] == "failed"
    (errors,) = ask(admin, "select array_agg(distinct error) from actp_publish_attempts")
    assert "placeholder" in errors[0][0]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("Hi {{first_name}}, [INSERT OFFER] for None", "placeholder"),
        ("Hi {first_name|there}!", "placeholder"),
        ("Hi None, how are you?", "None"),
        ("\u200b\u2060\u2800", "shows nothing"),
        ("Please select one", "select"),
        ("x" * 10_001, "characters"),
    ],
)
def test_a_text_is_checked_at_the_hand_over_whoever_wrote_it(
    tools: Tools, people: People, body: str, why: str
) -> None:
    message = people.queue(people.add("ada"), message_body=body)
    preview = send(tools, dry_run=True)
    assert (preview["handed"], preview["failed"]) == (0, 1)
    assert send(tools)["failed"] == 1
    status, error = people.state(message)
    assert status == "failed"
    assert why in str(error)
    assert people.rows("select from safari_command_queue") == []
