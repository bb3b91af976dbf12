"""What people do in the console: the same as on the command line, once, and on record."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from console.forms import ACTIONS

if TYPE_CHECKING:
    from tests.console.conftest import Served

MESSAGE = {"action": "send_dm", "platform": "twitter", "to": "@Ada", "text": "1 < 2 & 3"}
CAMPAIGN = {
    "type": "warmup",
    "platform": "twitter",
    "targets": "ada\nbob",
    "texts": "One\nTwo\nThree",
}


def hidden(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form of a page that leads to an action."""
    form = re.search(rf'<form[^>]*action="/act/{action}"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert form is not None, page
    pairs = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[1])
    return {unescape(name): unescape(value) for name, value in pairs}


def log(served: Served) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = served.database.store.call("safari_operator_log")
    assert all(row["operator"].endswith("/console") for row in rows)
    return rows


def test_a_command_is_shown_before_it_is_enqueued_and_enqueued_once(served: Served) -> None:
    preview = served.post("/enqueue", **MESSAGE)
    assert preview.status_code == 200
    assert "1 &lt; 2 &amp; 3" in preview.text
    assert "to ada by twitter-dm?" in preview.text
    assert served.database.store.call("safari_search")["rows"] == []
    fields = hidden(preview.text, "enqueue")
    answers = [served.post("/act/enqueue", **fields) for _ in range(2)]
    (row,) = served.database.store.call("safari_search")["rows"]
    assert {answer.headers["location"] for answer in answers} == {f"/commands/{row['id']}"}
    timeline = served.database.store.call("safari_show", id=row["id"])["events"]
    assert timeline[0]["worker"].endswith("/console")
    assert [entry["action"] for entry in log(served)] == ["enqueue", "enqueue"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "a b"},
        {"text": ""},
        {"text": "x" * 20_000},
        {"action": "drop"},
        {"platform": "myspace"},
        {"at": "soon"},
        {"expires": "2020-01-01"},
        {"priority": "high"},
        {"action": "comment", "to": "https://evil.example/p/1"},
    ],
)
def test_a_command_that_no_worker_would_take_is_refused_with_the_form_kept(
    guarded: Served, wrong: dict[str, str]
) -> None:
    answer = guarded.post("/enqueue", **{**MESSAGE, **wrong})
    assert answer.status_code == 400
    assert 'class="banner"' in answer.text
    assert guarded.post("/act/enqueue", **{**MESSAGE, "key": "", **wrong}).status_code == 400
    assert guarded.database.store.call("safari_search")["rows"] == []


def test_a_campaign_is_shown_whole_started_once_and_stopped_for_one_person(served: Served) -> None:
    store = served.database.store
    preview = served.post("/campaigns/new", **CAMPAIGN)
    assert "Start comment warmup on twitter for 2 targets?" in preview.text
    assert "Three" in preview.text
    assert store.call("safari_campaigns") == []
    fields = hidden(preview.text, "campaign_start")
    for _ in range(2):
        served.post("/act/campaign_start", **fields)
    (run,) = store.call("safari_campaigns")
    assert run["campaign_id"] == fields["campaign_id"]
    page = served.client.get(f"/campaigns/{run['campaign_id']}").text
    assert page.count('action="/act/campaign_replied"') == 2
    assert served.post("/act/campaign_replied", handle="ada", platform="twitter").status_code == 303
    targets = store.call("safari_campaign_show", campaign_id=run["campaign_id"])["targets"]
    assert {target["handle"]: target["state"] for target in targets}["ada"] == "replied"
    assert served.post("/act/campaign_go_on", handle="bob", platform="twitter").status_code == 404
    person = served.client.get("/people/twitter:ada").text
    assert run["campaign_id"] in person
    assert served.post("/act/campaign_cancel", campaign_id=run["campaign_id"]).status_code == 303
    wrong = served.post("/campaigns/new", **{**CAMPAIGN, "targets": "a b"})
    assert wrong.status_code == 400
    assert [entry["action"] for entry in log(served)][::-1] == [
        *("campaign_start", "campaign_start", "campaign_replied", "campaign_cancel")
    ]


def test_people_are_found_blocked_joined_and_parted(served: Served) -> None:
    store = served.database.store
    with served.database.connect() as admin:
        admin.execute(
            "insert into crm_contacts (platform, username, display_name, ai_summary,"
            " relationship_score) values ('twitter', 'ada', 'Ada', 'Builds engines', 80)"
        )
    served.life.enqueue("ada")
    listed = served.client.get("/people", params={"find": "ada"}).text
    (contact,) = re.findall(r'href="/people/([0-9a-f-]{36})"', listed)
    assert "Nobody of the CRM matches" in served.client.get("/people?find=grace").text
    page = served.client.get(f"/people/{contact}").text
    assert "Builds engines" in page
    assert page.count('<tr id="row-') == 1
    served.post("/act/people_join", one="twitter:ada", other="instagram:ada.g")
    assert "instagram ada.g" in served.client.get("/people/twitter:ada").text
    served.post("/act/people_part", one="twitter:ada", other="instagram:ada.g")
    assert "instagram ada.g" not in served.client.get("/people/twitter:ada").text
    served.post("/act/block_contact", platform="twitter", recipient="@Ada", note="asked us to stop")
    assert "asked us to stop" in served.client.get(f"/people/{contact}").text
    assert [row["recipient"] for row in store.call("safari_contacts")] == ["ada"]
    served.post("/act/block_contact", platform="twitter", recipient="ada", blocked="no")
    assert store.call("safari_contacts") == []
    served.post("/act/inbox_tag", contact_id=contact, added="customer, lead")
    assert "#customer" in served.client.get(f"/people/{contact}").text
    served.post("/act/inbox_snooze", contact_id=contact, **{"for": "3d"})
    assert served.post("/act/block_contact", platform="all", recipient="a b").status_code == 400
    assert served.client.get("/people/nobody-here").status_code == 404
    assert served.client.get("/people/twitter:nobody").status_code == 200


def test_a_service_that_waits_is_tried_again(served: Served) -> None:
    served.life.enqueue("ada")
    served.life.report({"twitter-dm": {"state": "wait", "reason": "not logged in"}})
    page = served.client.get("/limits").text
    assert "not logged in" in page
    answer = served.client.post(
        "/act/resume_service",
        data=hidden(page, "resume_service"),
        headers={"Origin": served.url, "HX-Request": "true"},
    )
    assert "Retrying; " in answer.text
    assert served.post("/act/resume_service", service="../x").status_code == 400
    assert [entry["action"] for entry in log(served)] == ["resume_service"]


def test_an_unknown_outcome_is_looked_at_again_and_what_ran_out_is_retried(served: Served) -> None:
    unknown = served.life.enqueue("ada")
    served.life.end(unknown, "unknown", error="no answer")
    assert "Look again" in served.client.get("/unknown").text
    assert served.post("/act/look_again", id=unknown).status_code == 303
    assert "look asked" in served.client.get(f"/commands/{unknown}").text
    sent = served.life.enqueue_and_send()
    assert served.post("/act/look_again", id=sent).status_code == 409
    failed = served.life.enqueue("bob")
    with served.database.connect() as admin:
        admin.execute(
            "update safari_command_queue set status = 'failed', reason = 'retries_exhausted',"
            " completed_at = now() where id = %s",
            (failed,),
        )
    page = served.client.get("/commands?status=failed").text
    assert re.search(r'data-seen="[1-9]\d*"', page)  # what its news begin after
    (link,) = re.findall(r'href="([^"]+)">Retry 1 that ran out of retries', page)
    asked = served.client.get(unescape(link)).text
    assert "Retry 1 command?" in asked
    served.post("/act/bulk", **hidden(asked, "bulk"))
    assert served.life.state(failed)[0] == "pending"
    assert served.life.state(unknown) == ("failed", "unknown")


def test_accounts_are_shown_apart_and_a_command_is_given_to_another(served: Served) -> None:
    store = served.database.store
    with served.database.connect() as admin:
        admin.execute(
            "insert into safari_accounts (platform, account)"
            " values ('twitter', 'shop'), ('twitter', 'shop_en')"
        )
    command = served.life.enqueue("ada", account="shop")
    overview = served.client.get("/").text
    assert "twitter-dm of shop<" in overview
    assert "twitter-dm of shop_en<" in overview
    assert "Reassign" in served.client.get(f"/commands/{command}").text
    assert served.post("/act/reassign", id=command, account="shop_en").status_code == 303
    assert store.call("safari_show", id=command)["command"]["account"] == "shop_en"
    assert served.post("/act/reassign", id=command, account="nobody").status_code == 400
    served.post("/act/pause", platform="twitter", account="shop")
    assert "twitter of shop is paused" in served.client.get("/").text
    served.post("/act/configure", platform="twitter", kind="dm", account="shop", limit="3")
    limits = {row["account"]: row for row in store.call("safari_limits") if row["kind"] == "dm"}
    assert limits["shop"]["daily_limit"] == 3
    assert limits["shop_en"]["daily_limit"] != 3
    page = served.client.get("/limits").text
    assert "twitter dm of shop<" in page
    served.post("/act/resume", platform="twitter", account="shop")
    assert store.call("safari_status")["pauses"] == []


def test_no_action_takes_an_empty_or_a_foreign_form(guarded: Served) -> None:
    before = guarded.database.store.call("safari_operator_log")
    garbage = {"id": "x" * 300, "filter": "[[", "drafts": "{", "at": "\x00", "platform": "'; --"}
    wrong_types = {"filter": "[1]", "drafts": '[1e400, {"id": 7}]', "verdict": "approve"}
    times = {"filter": "{}", "action": "cancel", "expected": "1", "seen_at": "1"}
    assert guarded.post("/act/bulk", **times).status_code == 400
    for action in ("bulk", "review", "review_all"):
        assert guarded.post(f"/act/{action}", **{**times, **wrong_types}).status_code == 400, action
    for action in ACTIONS:
        assert guarded.post(f"/act/{action}", back="/").status_code == 400, action
        assert guarded.post(f"/act/{action}", **garbage).status_code in {400, 404}, action
    assert guarded.database.store.call("safari_operator_log") == before
