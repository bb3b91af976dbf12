"""A message leaves only for the person whose profile or conversation the driver would use."""

from __future__ import annotations

from typing import Any

import pytest

from actp.safari.outcomes import Outcome, Reply
from actp.safari.recipients import rows_taken_for
from tests.unit.safari.commands_for_tests import command, command_of
from tests.unit.safari.test_look import INBOXES, Shown, before, look, ready

PROFILES = {
    "instagram-dm": "https://www.instagram.com/{}/",
    "twitter-dm": "https://x.com/{}",
    "tiktok-dm": "https://www.tiktok.com/@{}",
    "linkedin-automation": "https://www.linkedin.com/in/{}/",
}
# These open the profile themselves before a message.
OPENED = ("instagram-dm", "twitter-dm", "linkedin-automation")
LEFT = ("tiktok-dm",)
FEED = "https://www.linkedin.com/feed/"


def own(service: str) -> str:
    return PROFILES[service].format("ada-lovelace" if service == "linkedin-automation" else "ada")


def at(service: str, *urls: str, **routes: Any) -> Shown:
    """Give a service of messages whose page is at these addresses, one after the other."""
    key = "result" if service == "linkedin-automation" else "output"
    said = [{key: url} for url in urls]
    return ready(service, execute=said, debug_js=said, **routes)


@pytest.mark.parametrize("service", LEFT)
def test_another_persons_profile_is_left_before_a_message(service: str) -> None:
    other = PROFILES[service].format("anna")
    shown = at(service, other, other, INBOXES[service])
    assert before(service, shown) is None
    assert any("navigate" in each for each in shown.asked)


@pytest.mark.parametrize("service", OPENED)
def test_the_recipients_profile_is_waited_for(service: str) -> None:
    other = f"{PROFILES[service].format('anna')} ready"
    shown = at(service, INBOXES[service], other, f"{own(service)} ", f"{own(service)} ready")
    assert before(service, shown) is None


@pytest.mark.parametrize("service", PROFILES)
def test_a_profile_that_stays_open_keeps_a_message_back(service: str) -> None:
    shown = at(service, f"{PROFILES[service].format('anna')} ready".strip())
    if service in LEFT:
        shown = at(service, PROFILES[service].format("anna"))
    waiting = before(service, shown)
    assert waiting is not None
    assert (waiting.verdict, waiting.reason, waiting.quota_back) == ("retry", "wrong_page", True)
    assert "anna" in waiting.error


def test_an_old_instagram_dm_tracks_its_tab_and_leaves_others() -> None:
    other = PROFILES["instagram-dm"].format("anna")
    shown = at("instagram-dm", own("instagram-dm"), other, INBOXES["instagram-dm"])
    shown.routes["prospect/score"] = Reply(404, {}, b"Cannot GET")
    assert before("instagram-dm", shown) is None
    assert any("inbox/navigate" in each for each in shown.asked)
    shown.routes["session/ensure"] = Reply(500, {}, b'{"error": "No tab"}')
    waits = before("instagram-dm", shown)
    assert waits is not None
    assert waits.reason == "not_ready"


@pytest.mark.parametrize("service", OPENED)
def test_a_profile_without_a_message_button_is_refused(service: str) -> None:
    refused = before(service, at(service, f"{own(service)} "))
    assert refused is not None
    assert (refused.verdict, refused.reason) == ("rejected", "no_message_button")
    assert refused.quota_back
    assert "by hand" in refused.error


def test_a_second_profile_without_a_button_is_a_question_of_the_session() -> None:
    cannot_tell = {"isLoggedIn": False, "isOnTwitter": False}
    shown = at("twitter-dm", "https://x.com/ada ", status=cannot_tell)
    looking = look("twitter-dm", shown)
    first = looking.before(command_of("twitter-dm"))
    assert isinstance(first, Outcome)
    assert first.verdict == "rejected"
    shown.routes["execute"] = {"output": "https://x.com/eve "}
    second = looking.before(command("send_dm", "twitter", username="eve", text="Hi"))
    assert isinstance(second, Outcome)
    assert (second.verdict, second.reason) == ("wait", "suspicious")


@pytest.mark.parametrize("service", OPENED)
def test_a_conversation_over_the_page_is_waited_for(service: str) -> None:
    shown = at(service, f"{own(service)} open", f"{own(service)} ready")
    assert before(service, shown) is None
    waits = before(service, at(service, f"{own(service)} open"))
    assert waits is not None
    assert (waits.verdict, waits.reason, waits.quota_back) == ("wait", "not_ready", True)


def test_a_member_id_of_linkedin_has_no_address_to_compare() -> None:
    id_ = "ACoAAB" + "x" * 33
    asked = command("send_dm", "linkedin", profileUrl=id_, text="Hi")
    shown = at("linkedin-automation", FEED)
    assert look("linkedin-automation", shown).before(asked) == asked
    waits = look("linkedin-automation", at("linkedin-automation", f"{FEED} open")).before(asked)
    assert isinstance(waits, Outcome)
    assert waits.reason == "not_ready"


@pytest.mark.parametrize("service", [*LEFT, *OPENED])
def test_a_version_without_these_routes_is_used_as_it_is(service: str) -> None:
    missing = Reply(404, {}, b'{"error": "Not found"}')
    shown = ready(service, execute=missing, debug_js=missing)
    shown.routes |= {"prospect/score": missing, "navigate/profile": missing}
    assert before(service, shown) is None


@pytest.mark.parametrize("service", ["twitter-dm", "tiktok-dm"])
def test_a_claim_on_a_tab_of_another_site_is_released(service: str) -> None:
    there = INBOXES[service] if service == "tiktok-dm" else "https://x.com/ada ready"
    shown = at(service, "https://www.google.com/", there)
    assert before(service, shown) is None
    assert "POST /api/tabs/release" in shown.asked
    waiting = before(service, at(service, "https://www.google.com/"))
    assert waiting is not None
    assert (waiting.verdict, waiting.reason) == ("wait", "not_ready")


def test_tiktok_looks_for_similar_names_in_its_inbox() -> None:
    rows = [{"displayName": "Ada Byron", "lastMessage": "Hello"}]
    listed = {"conversations": rows, "count": 1}
    shown = at("tiktok-dm", "https://www.tiktok.com/foryou", INBOXES["tiktok-dm"])
    shown.routes["conversations"] = listed
    asked = command("send_dm", "tiktok", username="ada_lovelace", text="Hi")
    refused = look("tiktok-dm", shown).before(asked)
    assert isinstance(refused, Outcome)
    assert (refused.verdict, refused.reason) == ("rejected", "similar_name")
    assert "Ada Byron" in refused.error
    rows.append({"displayName": "Ada", "lastMessage": "I am @ada_lovelace"})
    # Of a row that holds the handle the service itself says that it exists.
    assert look("tiktok-dm", shown).before(asked) == asked


@pytest.mark.parametrize(
    ("handle", "name", "last", "taken"),
    [
        ("ada_lovelace", "Ada Byron", "", True),
        ("ada.lovelace", "Countess Lovelace", "", True),
        ("ada_lovelace", "Adam", "", True),
        ("ada_lovelace", "Eve", "ada is here", True),
        ("ada_lovelace", "Eve", "met ada", False),
        ("ada_lovelace", "ada_lovelace", "", True),
        ("adalovelace", "Ada Lovelace", "", True),
        ("ada", "Adam", "", True),
        ("al_92", "Al Bundy", "", False),
        ("ada1_x", "Ada", "", False),
        ("zoe", "Eve", "see @zoe", True),
        ("ada_lovelace", "", "", False),
    ],
)
def test_a_row_is_taken_as_the_driver_takes_it(
    handle: str, name: str, last: str, *, taken: bool
) -> None:
    rows = rows_taken_for(handle, [{"displayName": name, "lastMessage": last}])
    assert bool(rows) is taken


@pytest.mark.parametrize("said", [None, "x", {}, [None, 3, "x", {}], [{"displayName": 5}]])
def test_a_list_that_is_none_has_no_rows(said: object) -> None:
    assert rows_taken_for("ada_lovelace", said) == []
