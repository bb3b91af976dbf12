"""Review before sending: nothing held reaches anybody, whatever is done to its row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from actp.domains.outreach.drafting import draft_reply
from actp.domains.outreach.sending import send
from actp.errors import WrongState
from tests.domains.people import People
from tests.domains.posts import add, ended, seen, work_off
from tests.domains.test_publishing_tasks import publishers
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools
    from actp.store.protocol import Json, Store
    from simulator.process import SimulatorProcess
    from tests.domains.posts import Publishers
    from tests.support.databases import Database

__all__ = ["publishers"]


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def mode(admin: psycopg.Connection, value: str) -> None:
    admin.execute(
        "update safari_settings set value = to_jsonb(%s::text) where key = 'review'", (value,)
    )


def drafts(store: Store, **wanted: Json) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.call("safari_review_list", filter=wanted)["rows"]
    return rows


def decide(store: Store, verdict: str, *rows: dict[str, Any]) -> dict[str, int]:
    shown = [{"id": row["id"], "content_hash": row["content_hash"]} for row in rows]
    answer: dict[str, int] = store.call("safari_review_decide", drafts=shown, verdict=verdict)
    return answer


def command(store: Store, **more: Any) -> str:
    one = {
        "action": "send_dm",
        "platform": "twitter",
        "params": {"username": "ada", "text": "Hello"},
        **more,
    }
    id_: str = store.call("safari_enqueue", commands=[one])[0]["id"]
    return id_


def test_every_command_to_a_person_waits_where_all_is_reviewed(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    mode(admin, "all")
    ids = [
        command(store),
        command(
            store,
            action="comment",
            params={"postUrl": "https://x.com/ada/status/1", "text": "Nice"},
        ),
        command(store, action="tweet", platform=None, params={"text": "News"}),
    ]
    free = command(store, action="navigate", platform=None, params={"url": "https://x.com"})
    assert life.claim() == []
    assert life.state(free) == ("pending", None)
    assert {row["row_id"] for row in drafts(store)} == set(ids)
    assert {row["kind"] for row in drafts(store)} == {"send_dm", "comment", "tweet"}
    (first,) = drafts(store, kind="send_dm")
    assert (first["recipient"], first["body"], first["why"]) == ("ada", "Hello", "REVIEW=all")
    assert decide(store, "approve", first) == {"done": 1, "left_alone": 0}
    assert decide(store, "reject", *drafts(store, kind="comment")) == {"done": 1, "left_alone": 0}
    assert [claimed["id"] for claimed in life.claim()] == [ids[0]]
    assert life.begin(ids[0])["verdict"] == "granted"
    assert life.state(ids[1]) == ("cancelled", "rejected")


def test_only_what_claude_wrote_waits_where_ai_is_reviewed(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    mode(admin, "ai")
    command(store, params={"username": "bob", "text": "Hi", "written_by": "claude"})
    mine = command(store)
    assert [claimed["id"] for claimed in life.claim()] == [mine]
    assert [row["recipient"] for row in drafts(store)] == ["bob"]


EDITS = (
    "update safari_command_queue set hold = null where id = %s",
    "update safari_command_queue set hold = null, status = 'pending' where id = %s",
    "update safari_command_queue set ready = true, due_at = null where id = %s",
    "update safari_command_queue set ready = true, due_at = null, hold = null where id = %s",
    "update safari_command_queue set params = params - 'written_by', hold = null where id = %s",
    "update safari_command_queue set batch_id = 'inbox', hold = null, ready = true where id = %s",
    "update safari_command_queue set effect = 'repeatable', hold = null where id = %s",
    "update safari_settings set value = '\"off\"' where key = 'review' and %s::text is not null",
)


@pytest.mark.parametrize("edit", EDITS)
def test_a_held_draft_is_not_sent_whatever_is_done_to_its_row(
    store: Store, admin: psycopg.Connection, life: Life, edit: str
) -> None:
    mode(admin, "ai")
    held = command(store, params={"username": "ada", "text": "Hi", "written_by": "claude"})
    admin.execute(edit.encode(), (held,))
    for claimed in life.claim():
        assert life.begin(claimed["id"])["verdict"] != "granted"
    assert life.claim() == []
    assert admin.execute("select from safari_command_attempts").fetchall() == []
    (draft,) = drafts(store)
    assert draft["row_id"] == held


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_held_draft_that_is_deleted_and_inserted_again_waits(
    store: Store, admin: psycopg.Connection, status: str
) -> None:
    mode(admin, "all")
    held = command(store)
    mode(admin, "off")
    admin.execute("delete from safari_command_queue")
    admin.execute(
        "insert into safari_command_queue (id, action, platform, params, status)"
        " select i, 'send_dm', 'twitter', %s::jsonb, %s"
        " from unnest(array[%s::uuid, gen_random_uuid()]) i",
        ('{"username": "ada", "text": "Hello"}', status, held),
    )
    rows = admin.execute("select id::text, hold from safari_command_queue").fetchall()
    assert [hold for id_, hold in rows if id_ == held] == ["review"]
    assert [hold for id_, hold in rows if id_ != held] == [None]


@pytest.mark.parametrize(
    "change",
    [
        '{"text": "Buy now"}',
        '{"username": "eve"}',
        '{"message": "Buy now"}',
    ],
)
def test_an_approval_is_bound_to_recipient_and_text(
    store: Store, admin: psycopg.Connection, life: Life, change: str
) -> None:
    mode(admin, "all")
    held = command(store)
    (shown,) = drafts(store)
    # Changed between what the operator saw and the approval.
    edit = "update safari_command_queue set params = params || %s::jsonb where id = %s"
    admin.execute(edit, (change, held))
    assert decide(store, "approve", shown) == {"done": 0, "left_alone": 1}
    (shown,) = drafts(store)
    assert decide(store, "approve", shown) == {"done": 1, "left_alone": 0}
    # Changed after it.
    admin.execute(
        'update safari_command_queue set params = params || \'{"text": "Or this"}\' where id = %s',
        (held,),
    )
    assert life.claim() == []
    assert [row["body"] for row in drafts(store)] == ["Or this"]


def test_an_edited_draft_goes_out_as_edited(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    mode(admin, "all")
    held = command(store)
    (draft,) = drafts(store)
    store.call("safari_review_edit", id=draft["id"], text="Hello Ada")
    (claimed,) = life.claim()
    assert (claimed["id"], claimed["params"]["text"]) == (held, "Hello Ada")
    with pytest.raises(WrongState):
        store.call("safari_review_edit", id=draft["id"], text="Again")


def test_drafts_expire(store: Store, admin: psycopg.Connection, life: Life) -> None:
    mode(admin, "all")
    held = command(store)
    (draft,) = drafts(store)
    admin.execute("update safari_reviews set expires_at = now()")
    assert decide(store, "approve", draft) == {"done": 0, "left_alone": 1}
    assert (drafts(store), life.state(held)) == ([], ("cancelled", "expired"))


def test_a_draft_that_somebody_rejects_meanwhile_is_not_approved(
    store: Store, admin: psycopg.Connection, database: Database, life: Life
) -> None:
    mode(admin, "all")
    held = command(store)
    (draft,) = drafts(store)
    with database.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute("begin")
        other.execute("select safari_review_end(%s, 'rejected')", (draft["id"],))
        approved = pool.submit(decide, store, "approve", draft)
        waits = "select from pg_locks where not granted"
        while admin.execute(waits).fetchone() is None and not approved.done():
            pass
        other.execute("commit")
        assert approved.result() == {"done": 0, "left_alone": 1}
    assert life.state(held) == ("cancelled", "rejected")
    states = admin.execute("select state from safari_reviews").fetchall()
    assert states == [("rejected",)]


def test_a_message_is_reviewed_once_on_its_way(
    tools: Tools, people: People, admin: psycopg.Connection, life: Life
) -> None:
    mode(admin, "all")
    store = tools.store
    message = people.queue(people.add("ada"), message_body="Hi Ada")
    assert send(tools)["handed"] == 0
    (draft,) = drafts(store, door="message")
    assert (draft["recipient"], draft["body"]) == ("ada", "Hi Ada")
    decide(store, "approve", draft)
    assert send(tools)["handed"] == 1
    assert [claimed["params"]["message_id"] for claimed in life.claim()] == [message]
    assert drafts(store) == []


def test_an_approved_message_that_is_changed_waits_again(
    tools: Tools, people: People, admin: psycopg.Connection
) -> None:
    mode(admin, "ai")
    people.queue(people.add("ada"), message_body="Hi Ada", written_by="claude")
    people.queue(people.add("bob"), message_body="Hi Bob", written_by="template")
    decide(tools.store, "approve", *drafts(tools.store))
    admin.execute(
        "update crm_message_queue set message_body = 'Hi fool' where message_body = 'Hi Ada'"
    )
    assert send(tools)["handed"] == 1
    assert [row["body"] for row in drafts(tools.store)] == ["Hi fool"]


def test_a_post_waits_for_approval(
    publishers: Publishers, admin: psycopg.Connection, simulator: SimulatorProcess, store: Store
) -> None:
    mode(admin, "all")
    id_ = add(admin)
    publisher = publishers()
    publisher.work(lambda: False)
    assert seen(simulator) == []
    (draft,) = drafts(store, kind="post")
    decide(store, "approve", draft)
    work_off(publisher, admin)
    assert (ended(admin, id_)[0], len(seen(simulator))) == ("succeeded", 4)


def test_a_draft_of_claude_s_is_held_even_where_nothing_is_reviewed(
    claude_tools: Tools, people: People, life: Life
) -> None:
    store = claude_tools.store
    ada = people.add("ada", display_name="Ada L", bio="I build n8n workflows")
    people.hears(ada, body="What does it cost?", hours_ago=1)
    made = draft_reply(claude_tools, ada, "ada@mac/cli")
    assert life.claim() == []
    (draft,) = drafts(store)
    assert (draft["id"], draft["body"]) == (made["review_id"], made["text"])
    (entry,) = store.call("safari_operator_log")
    assert (entry["operator"], entry["action"]) == ("ada@mac/cli", "inbox_draft")
    (row,) = store.call("agent_inbox")["rows"]
    assert row["answer"] == "in review"
    decide(store, "approve", draft)
    assert [claimed["params"]["text"] for claimed in life.claim()] == [made["text"]]


def test_an_operator_s_own_answer_needs_no_second_look(
    store: Store, people: People, admin: psycopg.Connection, life: Life
) -> None:
    mode(admin, "all")
    ada = people.add("ada")
    answer = store.call("agent_inbox_reply", contact_id=ada, text="Hi", key="k")
    assert [claimed["id"] for claimed in life.claim()] == [answer["id"]]


def test_a_campaign_s_later_steps_keep_their_turn(
    store: Store, admin: psycopg.Connection, life: Life
) -> None:
    mode(admin, "all")
    steps: list[Json] = [
        {
            "action": "send_dm",
            "platform": "twitter",
            "campaign_id": "c",
            "held": number > 0,
            "params": {"username": "ada", "text": f"Hi {number}", "campaign_step": f"dm_{number}"},
        }
        for number in range(2)
    ]
    store.call("safari_campaign_enqueue", commands=steps)
    decide(store, "approve", *drafts(store))
    assert [claimed["params"]["campaign_step"] for claimed in life.claim()] == ["dm_0"]
