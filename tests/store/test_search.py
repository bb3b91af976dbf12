"""Search over all commands, and actions on everything that a filter matches."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import pytest

from actp.errors import InvalidInput, NotFound, WrongState
from actp.operators import act
from actp.store.schema import MIGRATIONS
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store
    from tests.support.databases import Database

OPERATOR = "ada@mac/test"
LINES = MIGRATIONS / "20261127235700_words_on_one_line.sql"


@pytest.fixture
def life(store: Store) -> Life:
    return Life(store)


def found(store: Store, **filter_: Any) -> list[str]:
    return [row["id"] for row in store.call("safari_search", filter=filter_)["rows"]]


def enqueue(store: Store, *commands: dict[str, Any]) -> list[str]:
    answers = store.call("safari_enqueue", commands=list(commands))
    return [answer["id"] for answer in answers]


def dm(username: str = "ada", text: str = "Hello", **more: Any) -> dict[str, Any]:
    params = {"username": username, "text": text}
    return {"action": "send_dm", "platform": "twitter", "params": params, **more}


def bulk(store: Store, action: str, filter_: dict[str, Any], expected: int, **more: Any) -> Any:
    arguments = {"filter": filter_, "action": action, "expected": expected, **more}
    return act(store, OPERATOR, "bulk", **arguments)


@pytest.mark.parametrize("term", ["ada", "@Ada", "https://x.com/Ada", "https://www.x.com/ada/?s=1"])
def test_a_recipient_is_found_in_every_spelling(store: Store, term: str) -> None:
    to_her, beneath, _ = enqueue(
        store,
        dm("https://x.com/ada") if "/" in term else dm("Ada"),
        {
            "action": "comment",
            "platform": "twitter",
            "params": {"postUrl": "https://x.com/ada/status/17", "text": "Nice"},
        },
        dm("adam"),
    )
    assert found(store, to=term) == [beneath, to_her]
    assert found(store, to="https://x.com/ada/status/17") == [beneath]


def test_part_of_a_text_is_found_and_nothing_in_it_is_a_pattern(store: Store) -> None:
    lamp, percent = enqueue(store, dm(text="The blue LAMPshade"), dm("bob", "100%_sure\\ of it"))
    assert found(store, text="lamps") == [lamp]
    assert found(store, text="%_sure\\") == [percent]
    assert found(store, text="l_mp") == []
    assert found(store, text="x' or true --") == []


def test_accents_are_found_in_either_form(store: Store) -> None:
    stored = [normalize(form, "Zum Café in Malmö, 한국") for form in ("NFC", "NFD")]
    commands = enqueue(store, *(dm(f"user{n}", text) for n, text in enumerate(stored)))
    for words in ("ZUM Café", "in malmö", "한국", "é in"):
        for form in ("NFC", "NFD"):
            assert found(store, text=normalize(form, words)) == commands[::-1], (form, words)


def test_a_profile_is_found_by_its_letters_and_by_its_address(store: Store) -> None:
    profile = "https://www.linkedin.com/in/José-García/"
    params = {"profileUrl": profile, "text": "Hola"}
    command, *_ = enqueue(store, {"action": "send_dm", "platform": "linkedin", "params": params})
    encoded = "https://www.linkedin.com/in/jos%C3%A9-garc%C3%ADa"
    for who in ("josé-garcía", "@JOSé-garcía", profile, encoded):
        for form in ("NFC", "NFD"):
            assert found(store, to=normalize(form, who)) == [command], (form, who)
    for person in ("linkedin:josé-garcía", encoded):
        assert found(store, person=person) == [command], person
    assert found(store, to="jose-garcia") == []


def test_words_are_found_as_a_list_shows_them(store: Store, admin: psycopg.Connection) -> None:
    near, far, chinese = enqueue(
        store,
        dm(text="Hi Ada,\n\nI saw\tyour  post"),
        dm(text="Hi Ada, long ago I saw your post"),
        dm(text="价格 是多少\u00a0?"),
    )
    assert found(store, text="ada, I saw your post") == [near]
    assert found(store, text="I\u00a0saw \n your") == [far, near]
    assert found(store, text="100% sure") == []
    assert found(store, text="价格") == found(store, text="多少 ?") == [chinese]
    # As an earlier release has stored it, before and after its upgrade.
    admin.execute("update safari_command_index set words = E'hi  ada,\\n\\ni saw it'")
    assert found(store, text="hi ada, i saw") == []
    admin.execute(LINES.read_bytes())
    assert len(found(store, text="hi ada, i saw")) == 3


def test_an_edited_command_is_found_by_what_it_says_now(
    store: Store, admin: psycopg.Connection
) -> None:
    (command,) = enqueue(store, dm())
    admin.execute(
        'update safari_command_queue set params = \'{"username": "bob", "text": "Goodbye"}\''
    )
    assert found(store, to="ada") == found(store, text="hello") == []
    assert found(store, to="bob", text="goodbye") == [command]
    admin.execute("delete from safari_command_queue")
    assert found(store, to="bob") == []


def test_a_truncated_queue_that_is_filled_again_is_found_by_its_words(
    store: Store, admin: psycopg.Connection
) -> None:
    command, other = enqueue(store, dm(), dm(text="Another"))
    admin.execute("truncate safari_command_queue")
    admin.execute(
        "insert into safari_command_queue (id, action, platform, params) values"
        ' (%s, \'send_dm\', \'instagram\', \'{"username": "bob", "text": "Goodbye"}\')',
        (command,),
    )
    assert found(store, to="bob", text="goodbye") == [command]
    assert found(store, to="ada", text="hello") == []
    assert other not in found(store, text="goodbye")


def test_a_search_takes_every_field_together(life: Life) -> None:
    store = life.store
    sent = life.enqueue_and_send()
    failed = life.enqueue()
    life.end(failed, "rejected", reason="before_send", error="no such user")
    unknown = life.enqueue()
    life.end(unknown, "unknown", error="no answer")
    (waiting,) = enqueue(store, dm("bob", campaign_id="spring", batch_id="b1", key="k1"))
    assert found(store) == [waiting, unknown, failed, sent]
    assert found(store, status="ended") == [unknown, failed, sent]
    assert found(store, status="failed") == [unknown, failed]
    assert found(store, status="unknown") == [unknown]
    assert found(store, status="open") == found(store, status="pending") == [waiting]
    assert found(store, reason="before_send", to="ada") == [failed]
    assert found(store, campaign="spring") == found(store, batch="b1") == [waiting]
    assert found(store, key="k1") == found(store, ids=[waiting]) == [waiting]
    assert found(store, service="twitter-dm", action="send_dm", platform="twitter", to="bob") == [
        waiting
    ]
    assert found(store, since="2100-01-01T00:00:00Z") == []
    assert len(found(store, until="2100-01-01T00:00:00Z")) == 4
    assert found(store, to="  ", text="") == [waiting, unknown, failed, sent]


@pytest.mark.parametrize(
    "arguments",
    [
        {"filter": {"status": "done"}},
        {"filter": {"colour": "red"}},
        {"filter": {"text": "ab"}},
        {"filter": {"to": "//"}},
        {"filter": {"since": "yesterday-ish"}},
        {"filter": {"since": "2026-11-02", "until": "2026-11-01"}},
        {"filter": {"since": "2026-11-02T10:00:00+99:00"}},
        {"filter": {"ids": ["no-uuid"]}},
        {"filter": []},
        {"row_limit": 0},
        {"after": "' or true --"},
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(store: Store, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        store.call("safari_search", **arguments)


@pytest.mark.parametrize("filter_", [{}, {"status": "ended"}])
def test_pages_neither_repeat_nor_skip_while_rows_come(
    life: Life, admin: psycopg.Connection, filter_: dict[str, str]
) -> None:
    store = life.store
    before = enqueue(store, *(dm(f"user{n}") for n in range(7)))
    if filter_:
        admin.execute(
            "update safari_command_queue set status = 'cancelled', completed_at = now()"
        )  # all at one moment: the id alone tells them apart
    seen: list[str] = []
    after = None
    while True:
        page = store.call("safari_search", filter=filter_, after=after, row_limit=3)
        seen += [row["id"] for row in page["rows"]]
        enqueue(store, dm("late"))
        if (after := page["next"]) is None:
            break
    assert sorted(seen) == sorted(before)


def test_pages_of_a_word_go_on_from_new_rows_to_old_ones(
    backend: Database, store: Store, admin: psycopg.Connection
) -> None:
    if backend.kind != "embedded":
        pytest.skip("only a superuser writes so many rows past the triggers")
    with admin.transaction():
        admin.execute("set local session_replication_role = replica")
        admin.execute(
            "with made as (insert into safari_command_queue"
            " (action, platform, service, effect, params, status, created_at, updated_at,"
            "  completed_at)"
            " select 'send_dm', 'twitter', 'twitter-dm', 'once', jsonb_build_object('text',"
            "   case when n <= 70 or n > 20990 then 'lamp ' else 'other ' end || n), 'completed',"
            "   t.at, t.at, t.at"
            " from generate_series(1, 21000) n,"
            "   lateral (select now() - make_interval(secs => 21001 - n) as at) t"
            " returning id, created_at, service, params)"
            " insert into safari_command_index"
            " (command_id, created_at, service, recipient_names, words)"
            " select id, created_at, service, '{}', params ->> 'text' from made"
        )
    expected = [f"lamp {n}" for n in (*range(21_000, 20_990, -1), *range(70, 0, -1))]
    for filter_ in ({"text": "LAMP"}, {"text": "lamp", "status": "completed"}):
        texts, after = [], None
        while True:
            page = store.call("safari_search", filter=filter_, after=after, row_limit=7)
            texts += [row["params"]["text"] for row in page["rows"]]
            after = page["next"]
            if after is None:
                break
        assert texts == expected


def test_a_bulk_action_follows_the_rules_for_one(life: Life, admin: psycopg.Connection) -> None:
    store = life.store
    unknown = life.enqueue()
    life.end(unknown, "unknown", error="no answer")
    sent = life.enqueue_and_send()
    failed = life.enqueue()
    life.end(failed, "rejected", reason="before_send", error="no such user")
    (foreign,) = enqueue(
        store, {"action": "dm_batch", "platform": "linkedin_chrome", "params": {"username": "ada"}}
    )
    assert store.call("safari_matching", filter={"to": "ada"})["count"] == 4
    assert bulk(store, "retry", {"to": "ada"}, 1) == {"action": "retry", "done": 1, "left_alone": 0}
    assert life.state(failed)[0] == "pending"
    assert bulk(store, "cancel", {"to": "ada"}, 1)["done"] == 1
    states = [life.state(command)[0] for command in (unknown, sent, failed, foreign)]
    assert states == ["failed", "completed", "cancelled", "pending"]
    assert bulk(store, "resolve", {"to": "ada"}, 1, verdict="sent")["done"] == 1
    assert life.state(unknown)[0] == "completed"
    workers = admin.execute(
        "select distinct worker from safari_command_events where event in"
        " ('requeued', 'cancelled', 'resolved')"
    ).fetchall()
    assert workers == [(OPERATOR,)]


@pytest.mark.parametrize("expected", [2, 4])
def test_another_number_than_was_agreed_to_changes_nothing(store: Store, expected: int) -> None:
    commands = enqueue(store, *(dm(campaign_id="spring") for _ in range(3)))
    with pytest.raises(WrongState, match="nothing was changed"):
        bulk(store, "cancel", {"campaign": "spring"}, expected)
    assert found(store, status="pending") == commands[::-1]


def test_what_was_sent_since_it_was_shown_is_left_alone(life: Life) -> None:
    store = life.store
    commands = [life.enqueue() for _ in range(3)]
    seen = store.call("safari_matching", filter={"to": "ada"}, action="cancel")
    life.claim()
    life.begin(commands[0])
    life.finish(commands[0], "sent")
    life.begin(commands[1])
    answer = bulk(store, "cancel", {"to": "ada"}, seen["count"], seen_at=seen["at"])
    assert answer == {"action": "cancel", "done": 1, "left_alone": 2}
    assert [life.state(c)[0] for c in commands] == ["completed", "running", "cancelled"]


def test_each_command_is_cancelled_or_sent_while_a_worker_claims(life: Life) -> None:
    store = life.store
    life.limit(100_000)
    commands = enqueue(store, *(dm(f"user{n}", campaign_id="spring") for n in range(300)))
    sent: list[str] = []
    is_cancelled = threading.Event()

    def work() -> None:
        while not is_cancelled.is_set():
            for row in life.claim():
                if life.begin(row["id"])["verdict"] == "granted":
                    life.finish(row["id"], "sent")
                    sent.append(row["id"])

    worker = threading.Thread(target=work)
    worker.start()
    try:
        seen = store.call("safari_matching", filter={"campaign": "spring"}, action="cancel")
        answer = bulk(store, "cancel", {"campaign": "spring"}, seen["count"], seen_at=seen["at"])
    finally:
        is_cancelled.set()
        worker.join(timeout=60)
    cancelled = {
        row["id"]
        for row in store.call(
            "safari_search", filter={"campaign": "spring", "status": "cancelled"}, row_limit=1000
        )["rows"]
    }
    assert len(cancelled) == answer["done"] > 0
    assert not cancelled & set(sent)
    assert cancelled | set(sent) == set(commands)


def test_a_filter_that_matches_too_many_changes_nothing(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into safari_command_queue (action, platform, params)"
        " select 'send_dm', 'twitter', jsonb_build_object('username', 'u' || n, 'text', 't' || n)"
        "   from generate_series(1, 10001) n"
    )
    seen = store.call("safari_matching", filter={"service": "twitter-dm"}, action="cancel")
    assert (seen["count"], seen["is_more"]) == (10_000, True)
    with pytest.raises(InvalidInput, match="narrow the filter"):
        bulk(store, "cancel", {"service": "twitter-dm"}, 10_001)
    with pytest.raises(WrongState, match="nothing was changed"):
        bulk(store, "cancel", {"service": "twitter-dm"}, 10_000, seen_at=seen["at"])
    assert found(store, status="cancelled") == []


def test_a_waiting_command_gets_another_time(life: Life) -> None:
    store = life.store
    command = life.enqueue()
    act(store, OPERATOR, "reschedule", id=command, scheduled_for="2100-01-01T00:00:00Z")
    assert life.claim() == []
    act(store, OPERATOR, "reschedule", id=command, scheduled_for="2020-01-01T00:00:00Z")
    assert [row["id"] for row in life.claim()] == [command]
    with pytest.raises(WrongState, match="only one that waits"):
        act(store, OPERATOR, "reschedule", id=command, scheduled_for="2100-01-01T00:00:00Z")


def test_every_action_is_recorded_with_its_operator(store: Store) -> None:
    act(store, OPERATOR, "pause", platform="twitter", seconds=60, note="look")
    act(store, OPERATOR, "resume", platform="twitter")
    log = store.call("safari_operator_log")
    assert [(row["operator"], row["action"]) for row in log] == [
        (OPERATOR, "resume"),
        (OPERATOR, "pause"),
    ]
    assert log[1]["arguments"] == {"platform": "twitter", "seconds": 60, "note": "look"}
    many = [dm(f"user{n}", "x" * 50) for n in range(50)]
    act(store, OPERATOR, "enqueue", commands=many)  # its rows are there; the audit keeps the number
    assert store.call("safari_operator_log")[0]["arguments"] == {"commands": 50}
    for operator, action in ((OPERATOR, "drop_tables"), (" ", "pause")):
        with pytest.raises(InvalidInput):
            act(store, operator, action)


def test_a_person_is_found_on_each_of_their_platforms_and_nobody_else(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, display_name, twitter_handle,"
        " instagram_handle) values ('twitter', 'ada', 'Ada', 'ada', 'ada.g')"
    )
    by_twitter, by_instagram, under_her_post, *_ = enqueue(
        store,
        dm("@Ada"),
        {**dm("https://instagram.com/ada.g"), "platform": "instagram"},
        {
            "action": "comment",
            "platform": "twitter",
            "params": {"postUrl": "https://x.com/ada/status/17", "text": "Nice"},
        },
        # One of the same name elsewhere, and others.
        {**dm("ada"), "platform": "tiktok"},
        {**dm("ada"), "platform": "instagram"},
        dm("adam"),
    )
    hers = [under_her_post, by_instagram, by_twitter]
    for who in ("twitter:ada", "https://www.instagram.com/ada.g/", "instagram:ada.g", "ada", "Ada"):
        assert found(store, person=who) == hers, who
    assert found(store, person="twitter:ada", text="hello") == [by_instagram, by_twitter]
    assert found(store, person="twitter:nobody") == []
    with pytest.raises(NotFound):
        found(store, person="nobody at all")
    seen = store.call("safari_matching", filter={"person": "twitter:ada"}, action="cancel")
    bulk(store, "cancel", {"person": "twitter:ada"}, seen["count"], seen_at=seen["at"])
    assert set(found(store, status="cancelled")) == set(hers)
