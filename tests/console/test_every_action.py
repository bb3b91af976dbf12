"""What the command line does, done from the console: pace, held rows, drafts, webhooks, Safari."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from actp.safari.turns import TurnTable
from simulator.process import SimulatorProcess
from tests.console.conftest import REVIEW_ALL, serve
from tests.console.test_actions import hidden, log

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.console.conftest import Served
    from tests.support.databases import Database

PEOPLE = "name,email,twitter\nAda,ada@x.example,@ada\nBob,,bob\nNobody,,\n"


def test_pace_is_set_and_returned_to_the_settings(served: Served) -> None:
    store = served.database.store

    def twitter_dm() -> dict[str, object]:
        rows = store.call("safari_limits")
        return next(row for row in rows if (row["platform"], row["kind"]) == ("twitter", "dm"))

    before = twitter_dm()
    page = served.client.get("/limits/twitter/dm").text
    fields = hidden(page, "configure")
    pace = {"limit": "17", "weekly": "60", "gap": "45s", "weekdays": "mon-fri", "spread": "yes"}
    assert served.post("/act/configure", **fields, **pace).status_code == 303
    now = twitter_dm()
    assert (now["daily_limit"], now["min_gap_seconds"], now["spread"]) == (17, 45, True)
    assert now["weekdays"] == [1, 2, 3, 4, 5]
    # An empty field leaves what holds.
    served.post("/act/configure", **fields, limit="", gap="50s")
    assert (twitter_dm()["daily_limit"], twitter_dm()["min_gap_seconds"]) == (17, 50)
    served.post("/act/configure", **fields, reset="yes")
    assert twitter_dm()["daily_limit"] == before["daily_limit"]
    for wrong in ({"weekdays": "noday"}, {"hourly": "-1"}, {"gap": "soon"}, {}):
        assert served.post("/act/configure", **fields, **wrong).status_code == 400
    assert served.client.get("/limits/twitter/fax").status_code == 404


def test_an_account_gets_its_new_name(served: Served) -> None:
    store = served.database.store
    with served.database.connect() as admin:
        admin.execute("insert into safari_accounts (platform, account) values ('twitter', 'shop')")
    page = served.client.get("/limits/twitter/dm?account=shop").text
    fields = hidden(page, "rename_account")
    assert served.post("/act/rename_account", **fields, name="not a name").status_code == 400
    assert served.post("/act/rename_account", **fields, name="@Shop_New").status_code == 303
    assert "shop_new" in {row["account"] for row in store.call("safari_limits")}
    assert served.post("/act/rename_account", **fields, name="another").status_code == 400


def test_held_rows_are_sent_or_dropped_by_the_number_that_was_shown(
    served: Served,
) -> None:
    for name in ("ada", "bob"):
        served.life.enqueue(name)
    with served.database.connect() as admin:
        admin.execute("update safari_command_queue set hold = 'backlog'")
    page = served.client.get("/held").text
    assert "Send 2 commands" in page
    fields = hidden(page, "backlog")
    served.life.enqueue("eve")
    with served.database.connect() as admin:
        admin.execute("update safari_command_queue set hold = 'backlog'")
    refused = served.post("/act/backlog", **fields)
    assert refused.status_code == 409
    assert "nothing was changed" in refused.text
    fields = hidden(served.client.get("/held").text, "backlog")
    assert served.post("/act/backlog", **fields).status_code == 303
    assert "Nothing is held" in served.client.get("/held").text
    assert [entry["arguments"]["expected"] for entry in log(served)] == [3]


@pytest.mark.parametrize(("verdict", "status"), [("approve", "pending"), ("reject", "cancelled")])
def test_all_drafts_that_match_are_decided_unless_one_has_changed(
    served: Served, verdict: str, status: str
) -> None:
    with served.database.connect() as admin:
        admin.execute(REVIEW_ALL)
    ids = [served.life.enqueue(name) for name in ("ada", "bob")]
    other = served.life.enqueue("cat", params={"username": "cat", "text": "lamp"})
    where = f"/review/all/{verdict}?contains=Hi"
    page = served.client.get(where).text
    assert f"{verdict.capitalize()} 2 drafts?" in page
    fields = hidden(page, "review_all")
    with served.database.connect() as admin:
        admin.execute(
            "update safari_command_queue set params = params || %s where id = %s",
            (json.dumps({"text": "Hi, something else"}), ids[0]),
        )
    refused = served.post("/act/review_all", **fields)
    assert (refused.status_code, "nothing was decided" in refused.text) == (409, True)
    fields = hidden(served.client.get(where).text, "review_all")
    assert served.post("/act/review_all", **fields).status_code == 303
    assert {served.life.state(id_)[0] for id_ in ids} == {status}
    left = served.database.store.call("safari_review_list")["rows"]
    assert [row["row_id"] for row in left] == [other]
    assert [entry["action"] for entry in log(served)] == ["review_all"]


def test_results_are_listed_and_delivered_again(served: Served) -> None:
    store = served.database.store
    assert "Results will appear here" in served.client.get("/webhooks").text
    store.call("safari_webhooks_claim", row_limit=1, seconds=1)
    command = served.life.enqueue_and_send()
    with served.database.connect() as admin:
        admin.execute("update safari_webhooks set dead_at = now(), error = '<b>no</b>'")
    page = served.client.get("/webhooks?state=given_up").text
    assert f"/commands/{command}" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "RESULT_WEBHOOK_URL is not set" in page
    served.post("/act/webhooks_retry", key="")
    assert store.call("safari_webhooks")["waiting"] == 1
    assert served.post("/act/webhooks_retry", key="none").status_code == 404
    assert "delivered" in served.client.get("/webhooks?state=x").text


def test_safari_is_freed_from_a_program_that_has_ended(served: Served) -> None:
    with closing(TurnTable(served.home / "locks", 1)) as table:
        assert table.try_take("twitter-dm", 4e9, "a test")
    assert served.client.get("/limits").text.count("ended without releasing Safari") == 1
    page = served.client.get("/limits").text
    assert served.post("/act/free_safari", **hidden(page, "free_safari")).status_code == 303
    assert "ended without releasing Safari" not in served.client.get("/limits").text
    (entry,) = log(served)
    assert entry["arguments"] == {"freed": ["twitter-dm"], "kept": []}


def upload(served: Served, content: bytes, **fields: str) -> httpx.Response:
    return served.client.post(
        "/people/import",
        files={"file": ("people.csv", content)},
        data=fields,
        headers={"Origin": served.url},
    )


def test_people_are_counted_and_then_imported_from_the_same_file(served: Served) -> None:
    store = served.database.store
    counted = upload(served, PEOPLE.encode()).text
    assert "2 would be added" in counted
    assert "Line 4: no address" in counted
    assert store.call("agent_people", find=None)["rows"] == []
    seen = counted.partition('name="seen" value="')[2].partition('"')[0]
    changed = upload(served, PEOPLE.replace("Bob", "Rob").encode(), seen=seen)
    assert changed.status_code == 400
    assert "the file changed after the check" in changed.text
    assert "2 added" in upload(served, PEOPLE.encode(), seen=seen).text
    assert {row["name"] for row in store.call("agent_people", find=None)["rows"]} == {"Ada", "Bob"}
    (entry,) = log(served)
    assert entry["action"] == "people_import"
    known = b"name,twitter,status,website\nAda,ada,unsubscribed,https://ada.example\n"
    counted = upload(served, known).text
    assert "1 known, completed where something is missing" in counted
    assert "Line 2: Ada: must not be contacted" in counted
    assert "Import 1 person" in counted
    seen = counted.partition('name="seen" value="')[2].partition('"')[0]
    assert "1 completed" in upload(served, known, seen=seen).text
    for wrong in (b"", b"\xff\xfe\x00", b"a,a\n1,2", b"\x00" * 99, b"\xf0\x28\x8c\x28"):
        assert upload(served, wrong).status_code == 400
    assert upload(served, b"x" * (5 * 1024 * 1024)).status_code == 413
    assert served.post("/people/import", file="x").status_code == 415
    other = served.client.post(
        "/people/import", files={"file": ("p", b"a")}, headers={"Origin": "http://evil.example"}
    )
    assert other.status_code == 403


def test_claude_drafts_an_answer_that_is_held(database: Database, tmp_path: Path) -> None:
    with SimulatorProcess() as simulator, database.connect() as admin:
        admin.execute(
            "insert into crm_contacts (platform, username, display_name, twitter_handle)"
            " values ('twitter', 'ada', 'Ada', 'ada')"
        )
        admin.execute(
            "insert into crm_messages"
            " (contact_id, platform, message_text, body, direction, sent_at)"
            " select id, 'twitter', 'What is it?', 'What is it?', 'inbound', now()"
            " from crm_contacts"
        )
        (waiting,) = database.store.call("agent_inbox")["rows"]
        with_key = {"ANTHROPIC_API_KEY": "test-only", "ANTHROPIC_BASE_URL": simulator.url("claude")}
        for settings, code in (({"ANTHROPIC_API_KEY": ""}, 400), (with_key, 303)):
            for served in serve(database, tmp_path / str(code), may_write=True, **settings):
                page = served.client.get("/inbox").text
                answer = served.post("/act/inbox_draft", **hidden(page, "inbox_draft"))
                assert answer.status_code == code, answer.text
                drafts = database.store.call("safari_review_list")["rows"]
                assert len(drafts) == (code == 303)
        assert served_by(database) == ["inbox_draft"]
        assert waiting["contact_id"] == database.store.call("agent_inbox")["rows"][0]["contact_id"]
    assert database.store.call("safari_search")["rows"][0]["hold"] == "review"


def served_by(database: Database) -> list[str]:
    rows = database.store.call("safari_operator_log")
    assert all(row["operator"].endswith("/console") for row in rows)
    return [row["action"] for row in rows]


def test_many_are_rescheduled_reassigned_or_settled_at_once(served: Served) -> None:
    with served.database.connect() as admin:
        admin.execute("insert into safari_accounts (platform, account) values ('twitter', 'shop')")
    ids = [served.life.enqueue(name, campaign_id="spring") for name in ("ada", "bob")]

    def agree(action: str, where: str, **more: str) -> httpx.Response:
        page = served.client.get(f"/commands/bulk/{action}?scope=all&{where}").text
        return served.post("/act/bulk", **hidden(page, "bulk"), **more)

    assert agree("reassign", "campaign=spring", account="shop").status_code == 303
    assert agree("reschedule", "campaign=spring", at="soon").status_code == 400
    assert agree("reschedule", "campaign=spring", at="3d").status_code == 303
    shown = [served.database.store.call("safari_show", id=id_)["command"] for id_ in ids]
    assert {row["account"] for row in shown} == {"shop"}
    assert all(row["scheduled_for"] for row in shown)
    doubtful = served.life.enqueue("eve")
    served.life.end(doubtful, "unknown", error="no answer")
    assert agree("resolve", "status=unknown", verdict="sent").status_code == 303
    assert served.life.state(doubtful)[0] == "completed"
