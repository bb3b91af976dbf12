"""What the pages show and what their actions do."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.actors.rows import eventually
from tests.console.conftest import REVIEW_ALL
from tests.support.databases import TERMINATE

if TYPE_CHECKING:
    from actp.store import Json
    from tests.console.conftest import Served
    from tests.support.databases import Databases

PAGES = (
    *("/", "/commands", "/unknown", "/inbox", "/review"),
    *("/campaigns", "/limits", "/agents", "/system"),
    *("/people", "/enqueue", "/campaigns/new"),
    *("/people/import", "/limits/twitter/dm", "/held", "/webhooks", "/review/all/reject"),
)
FORMS = ("/enqueue", "/campaigns/new", "/people/import")
MAX_PAGE_BYTES = 100_000
CORPUS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title><svg/onload=alert(1)>",
    "\u202eevil\u0007\u001b[31m",
    "data: x\n\nevent: actp:events\ndata: 9",
)


def test_every_page_has_an_empty_state_and_is_small(served: Served) -> None:
    for page in PAGES:
        answer = served.client.get(page)
        assert answer.status_code == 200, page
        assert len(answer.content) < MAX_PAGE_BYTES, page
        assert "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", answer.text), page


def test_a_command_to_nobody_is_named_by_what_it_does(served: Served) -> None:
    tweet: Json = {"action": "tweet", "platform": "twitter", "params": {"text": "Hello"}}
    id_ = served.database.store.call("safari_enqueue", commands=[tweet])[0]["id"]
    assert "Cancel the command?" in served.client.get(f"/commands/{id_}").text
    with served.database.connect() as admin:
        admin.execute(
            "update safari_command_queue"
            " set status = 'failed', reason = 'unknown', completed_at = now()"
        )
    page = served.client.get("/unknown").text
    assert f'href="/commands/{id_}">tweet</a>' in page
    assert "You saw it at your own page: mark it sent?" in page
    assert "again?" not in served.client.get(f"/commands/{id_}").text


def test_text_from_outside_stays_text_on_every_page(served: Served) -> None:
    with served.database.connect() as admin:
        for text in CORPUS:
            _check_pages_with(served, admin, text)


def _check_pages_with(served: Served, admin: psycopg.Connection, text: str) -> None:
    store = served.database.store
    (row,) = store.call(
        "safari_enqueue",
        commands=[
            {
                "action": "send_dm",
                "platform": "twitter",
                "params": {"username": text, "text": text},
                "campaign_id": text,
            }
        ],
    )
    admin.execute(
        "update safari_command_queue set status = 'failed', reason = 'unknown', error = %s,"
        " completed_at = now()",
        (text,),
    )
    store.call("safari_pause", platform="tiktok", note=text)
    store.call("safari_block_contact", platform="all", recipient="grace", blocked=True, note=text)
    person = admin.execute(
        "insert into crm_contacts (platform, username, display_name, headline, ai_summary, stage,"
        " tags) values ('twitter', %(handle)s, %(text)s, %(text)s, %(text)s, %(text)s,"
        " array[%(text)s]) returning id::text",
        {"text": text, "handle": f"u{abs(hash(text))}"},
    ).fetchone()
    assert person is not None
    admin.execute(
        "insert into crm_messages (contact_id, platform, message_text, body, direction, sent_at)"
        " values (%s, 'twitter', %s, %s, 'inbound', now())",
        (person[0], text, text),
    )
    pages = (
        *(*PAGES, f"/commands/{row['id']}", "/commands?status=unknown"),
        *(f"/people/{person[0]}", "/people?find=u"),
    )
    for page in (*pages, f"/commands?{httpx.QueryParams({'to': text, 'campaign': text})}"):
        answer = served.client.get(page)
        assert answer.status_code == 200, page
        check_harmless(answer.text, text)
    with served.client.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        told = []
        for line in lines:
            told.append(line)
            if "tiktok is paused" in line:
                break
    check_harmless("\n".join(line.removeprefix("data: ") for line in told), text)
    events = [line for line in told if line.startswith("event:")]
    assert set(events) <= {"event: actp:version", "event: actp:events"}


class _Reader(HTMLParser):
    """Reads a page as a browser does, and refuses what could run."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"img", "iframe", "object", "embed", "style", "base"}, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name != "style", tag
            if name in {"href", "src", "action", "formaction", "hx-get", "hx-post"}:
                assert re.match(r"/|#|https://", value or ""), value
        if tag == "script":
            assert dict(attrs).get("src"), "a script of the page itself"


def check_harmless(html: str, text: str) -> None:
    _Reader().feed(html)
    assert "49{% raw %}" not in html
    assert text not in html or not set(text) & set("<>\"'")


def test_filter_is_kept_in_the_address_and_errors_are_shown(served: Served) -> None:
    served.life.enqueue("ada")
    served.life.enqueue("bob")
    page = served.client.get("/commands", params={"to": "@Ada", "status": "open"}).text
    assert 'value="@Ada"' in page
    assert page.count("data-row") == 1
    assert "data-row" not in served.client.get("/commands", params={"account": "@Shop"}).text
    for wrong in ({"text": "ab"}, {"since": "soon"}, {"status": "gone"}):
        answer = served.client.get("/commands", params=wrong)
        assert answer.status_code == 200
        assert 'class="banner"' in answer.text
    assert served.client.get("/commands", params={"after": "x' or 1=1"}).status_code == 200
    assert served.client.get("/commands/none").status_code == 400
    assert served.client.get("/commands/00000000").status_code == 404
    assert "Page not found" in served.client.get("/nowhere").text


def test_pages_of_a_list_follow_one_another(served: Served) -> None:
    commands = {served.life.enqueue(f"user{n}") for n in range(120)}
    seen: list[str] = []
    address = "/commands?status=open"
    while address:
        html = served.client.get(address).text
        seen += re.findall(r'id="row-([0-9a-f-]{36})"', html)
        match = re.search(r'rel="next" href="([^"]+)"', html)
        address = unescape(match[1]) if match else ""
    assert len(seen) == 120
    assert set(seen) == commands


def test_actions_are_confirmed_by_the_database_and_recorded(served: Served) -> None:
    command = served.life.enqueue()
    answer = served.post("/act/cancel", id=command, back=f"/commands/{command}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/commands/{command}")
    assert served.life.state(command)[0] == "cancelled"
    page = served.client.get(f"/commands/{command}").text
    assert "/console" in page
    assert "cancelled" in page
    refused = served.post("/act/cancel", id=command)
    assert refused.status_code == 409
    assert "is cancelled already" in refused.text
    assert served.post("/act/retry", id=command, back="//evil.example").headers["location"] == "/"
    assert served.post("/act/limits", id="1").status_code == 400
    assert (
        served.post("/act/configure", platform="twitter", kind="dm", limit="-1").status_code == 400
    )
    served.post("/act/configure", platform="twitter", kind="dm", limit="7")
    served.post("/act/pause", platform="twitter", **{"for": "2h"}, note="look")
    limits = served.database.store.call("safari_limits")
    assert {"platform": "twitter", "kind": "dm", "daily_limit": 7}.items() <= next(
        row for row in limits if (row["platform"], row["kind"]) == ("twitter", "dm")
    ).items()
    log = served.database.store.call("safari_operator_log")
    assert [row["action"] for row in log] == ["pause", "configure", "retry", "cancel"]
    assert all(row["operator"].endswith("/console") for row in log)


def test_two_people_cannot_settle_one_outcome_differently(served: Served) -> None:
    command = served.life.enqueue()
    served.life.end(command, "unknown", error="no answer")
    with ThreadPoolExecutor(2) as people:
        answers = list(
            people.map(
                lambda verdict: served.post("/act/resolve", id=command, verdict=verdict),
                ("sent", "not-sent"),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert "is not unknown" in next(a for a in answers if a.status_code == 409).text


def test_many_are_cancelled_by_the_number_that_was_shown(served: Served) -> None:
    commands = [served.life.enqueue(campaign_id="spring") for _ in range(3)]
    query = {"scope": "all", "campaign": "spring", "back": "/commands?campaign=spring"}
    page = served.client.get("/commands/bulk/cancel", params=query).text
    assert "Cancel 3 commands?" in page
    fields = {
        unescape(name): unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    }
    late = served.life.enqueue(campaign_id="spring")
    refused = served.post("/act/bulk", **fields)
    assert refused.status_code == 409
    assert "nothing was changed" in refused.text
    served.database.store.call("safari_cancel", id=late)
    done = served.post("/act/bulk", **fields)
    assert done.headers["location"] == "/commands?campaign=spring"
    assert {served.life.state(command)[0] for command in commands} == {"cancelled"}
    assert served.client.get("/commands/bulk/explode", params=query).status_code == 400
    assert served.client.get("/commands/bulk/cancel", params={"scope": "ids"}).status_code == 400


def test_unreachable_database_is_reported_until_it_returns(
    served: Served, embedded_databases: Databases
) -> None:
    def allow(*, connections: bool) -> None:
        name = conninfo_to_dict(served.database.dsn)["dbname"]
        server = embedded_databases.server.admin("postgres")
        with psycopg.connect(server, autocommit=True) as connection:
            change = sql.SQL("alter database {} allow_connections {}")
            connection.execute(change.format(sql.Identifier(str(name)), sql.Literal(connections)))
            if not connections:
                connection.execute(TERMINATE, (name, None))

    assert served.client.get("/").status_code == 200
    allow(connections=False)
    try:
        for page in PAGES[1:]:
            answer = served.client.get(page)
            # An empty form asks the database for nothing.
            assert answer.status_code == (200 if page in FORMS else 503), page
            assert page in FORMS or "The database is away" in answer.text
        overview = served.client.get("/")
        assert overview.status_code == 200  # what was read last, and since when
        assert "The database is away" in overview.text
        assert served.post("/act/pause", platform="all").status_code == 503
        # An open page that asks anew keeps what it shows.
        anew = served.client.get("/unknown", headers={"HX-Request": "true"})
        assert (anew.status_code, anew.text) == (204, "")
    finally:
        allow(connections=True)
    eventually(lambda: served.client.get("/commands").status_code == 200, "it is back")
    assert "The database is away" not in served.client.get("/").text


def test_a_draft_is_approved_as_it_was_shown_and_an_answer_goes_once(served: Served) -> None:
    store = served.database.store
    with served.database.connect() as admin:
        admin.execute(REVIEW_ALL)
        person = admin.execute(
            "insert into crm_contacts (platform, username, display_name, twitter_handle)"
            " values ('twitter', 'lin', 'Lin', 'lin') returning id::text"
        ).fetchone()
        assert person is not None
        admin.execute(
            "insert into crm_messages"
            " (contact_id, platform, message_text, body, direction, sent_at)"
            " values (%s, 'twitter', 'Does it <b>ship</b>?', 'x', 'inbound', now())",
            person,
        )
    command = served.life.enqueue("ada")
    page = served.client.get("/review").text
    drafts = unescape(re.findall(r'name="drafts" value="([^"]+)"', page)[0])
    stale = drafts.replace('"content_hash": "', '"content_hash": "0')
    assert served.post("/act/review", drafts=stale, verdict="approve").status_code in {303, 409}
    assert served.life.claim() == []
    assert served.post("/act/review", drafts=drafts, verdict="approve").status_code == 303
    assert [row["id"] for row in served.life.claim()] == [command]

    inbox = served.client.get("/inbox").text
    assert "Lin" in inbox
    assert "Does it &lt;b&gt;ship&lt;/b&gt;?" in inbox
    assert "Does it &lt;b&gt;" in served.client.get("/people/lin").text
    for _ in range(2):
        served.post("/act/inbox_reply", contact_id=person[0], text="Yes, on Monday.")
    rows = store.call("safari_search", filter={"text": "on monday"})["rows"]
    assert len(rows) == 1
    served.post("/act/inbox_done", contact_id=person[0])
    assert store.call("agent_inbox")["waiting"] == 0
