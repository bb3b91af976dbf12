"""A person is a set of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from actp.store.schema import MIGRATIONS
from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


def contact(admin: psycopg.Connection, platform: str, username: str, **more: Any) -> str:
    """Add a contact and return its id."""
    values: dict[str, Any] = {"platform": platform, "username": username, **more}
    names = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    statement = f"insert into crm_contacts ({names}) values ({places}) returning id::text"  # noqa: S608
    ((id_,),) = admin.execute(statement.encode(), list(values.values())).fetchall()
    return str(id_)


def addresses(store: Store, given: str) -> set[str]:
    """Return the addresses of a person, contacts left out."""
    shown = store.call("safari_people_show", given=given)["addresses"]
    return {each["address"] for each in shown if not each["address"].startswith("contact:")}


def test_rows_that_share_an_address_are_one_person(store: Store, admin: psycopg.Connection) -> None:
    contact(admin, "instagram", "tw1", twitter_handle="https://x.com/Twin_TW")
    contact(admin, "twitter", "@twin_tw", email="Twin.Tw@gmail.com")
    contact(admin, "linkedin", "T", linkedin_url="https://de.linkedin.com/in/J%C3%BCrgen/")
    contact(admin, "threads", "other", email="old@kiln.example; twintw@googlemail.com")
    assert addresses(store, "instagram:tw1") == {
        "instagram:tw1",
        "twitter:twin_tw",
        "gmail:twintw@gmail.com",
        "gmail:old@kiln.example",
        "threads:other",
    }
    # A profile's name where a row holds no address; one word may be anybody's.
    contact(admin, "linkedin", "ada-kiln-7", tiktok_handle="ada.kiln")
    contact(admin, "linkedin", "ada", instagram_handle="ada.clay")
    assert addresses(store, "tiktok:ada.kiln") == {"tiktok:ada.kiln", "linkedin:ada-kiln-7"}
    assert addresses(store, "instagram:ada.clay") == {"instagram:ada.clay"}
    assert addresses(store, "https://www.linkedin.com/in/jürgen") == {"linkedin:jürgen"}


def test_a_field_is_read_as_people_fill_it(store: Store, admin: psycopg.Connection) -> None:
    contact(admin, "twitter", "fill1", instagram_handle="@fill.one.x / @fill.shop.x")
    contact(admin, "twitter", "fill2", instagram_handle="fill.one.x \U0001f525")
    contact(admin, "twitter", "fill3", twitter_handle="https://instagram.com/fill.one.x")
    contact(admin, "twitter", "fill4", instagram_handle="https://instagram.com/fill.shop.x/p/Cx1/")
    contact(
        admin, "twitter", "fill5", instagram_handle="fill.shop.x\u3002", email="a@fill.example / x"
    )
    contact(admin, "twitter", "fill6", email="Fill a@fill.example b@fill.example")
    contact(admin, "twitter", "fill7", instagram_handle="Fill One")
    assert addresses(store, "instagram:fill.one.x") == {
        "gmail:a@fill.example", "gmail:b@fill.example",
        "instagram:fill.one.x", "instagram:fill.shop.x",
        *(f"twitter:fill{number}" for number in range(1, 7)),
    }  # fmt: skip


def test_fields_filled_before_an_upgrade_are_read_as_well(
    store: Store, admin: psycopg.Connection
) -> None:
    contact(admin, "twitter", "step1", instagram_handle="@step.one.x / @step.shop.x")
    contact(admin, "twitter", "step2", instagram_handle="step.shop.x")
    # An earlier release took the field for no address.
    admin.execute("delete from safari_people where address = 'instagram:step.one.x'")
    admin.execute("update safari_people set person = gen_random_uuid() where address ~ ':step2$'")
    admin.execute((MIGRATIONS / "20261127235600_addresses_read_anew.sql").read_bytes())
    together = {"instagram:step.one.x", "instagram:step.shop.x", "twitter:step1", "twitter:step2"}
    assert addresses(store, "instagram:step.one.x") == together


def test_a_changed_row_and_a_removed_one_change_the_person(
    store: Store, admin: psycopg.Connection
) -> None:
    first = contact(admin, "instagram", "ada_ig", twitter_handle="ada_tw")
    contact(admin, "twitter", "ada_tw")
    assert addresses(store, "twitter:ada_tw") == {"instagram:ada_ig", "twitter:ada_tw"}
    admin.execute("update crm_contacts set twitter_handle = 'grace' where id = %s", (first,))
    assert addresses(store, "twitter:ada_tw") == {"twitter:ada_tw"}
    assert addresses(store, "twitter:grace") == {"instagram:ada_ig", "twitter:grace"}
    admin.execute("delete from crm_contacts where id = %s", (first,))
    assert addresses(store, "twitter:grace") == {"twitter:grace"}


@pytest.mark.parametrize(
    ("handle", "kind", "is_joined"),
    [
        ("kim_the_potter", "handle_match", True),
        ("kim_the_potter", "crm_match", True),
        ("kim_the_potter", None, True),
        ("kim_the_potter", "fuzzy_match", False),
        ("kimtw", "crm_match", True),
        ("kimtw", "added by hand", True),
        ("kimtw", None, True),
        ("kimtw", "handle_match", False),
        ("alex", None, False),
        ("alex", "handle_match", False),
        ("Info", "handle_match", False),
        ("michael", "handle_match", False),
    ],
)
def test_an_association_joins_when_it_is_strong(
    store: Store, admin: psycopg.Connection, handle: str, kind: str | None, *, is_joined: bool
) -> None:
    id_ = contact(admin, "instagram", "somebody_else")
    admin.execute(
        "insert into actp_platform_associations (contact_id, platform, handle, engagement_type)"
        " values (%s, 'twitter', %s, %s)",
        (id_, handle, kind),
    )
    expected = {"instagram:somebody_else"} | ({f"twitter:{handle}"} if is_joined else set())
    assert addresses(store, "instagram:somebody_else") == expected


def test_shared_mailboxes_and_addresses_of_many_join_nobody(
    store: Store, admin: psycopg.Connection
) -> None:
    contact(admin, "twitter", "one_person", email="info@studio.io")
    contact(admin, "twitter", "another_person", email="info@studio.io")
    assert addresses(store, "twitter:one_person") == {"twitter:one_person"}
    for mailbox in ("hola@studio.io", "Sekretariat+x@studio.de", "none@none.com"):
        admin.execute("update crm_contacts set email = %s", (mailbox,))
        assert addresses(store, "twitter:one_person") == {"twitter:one_person"}
    admin.execute("update crm_contacts set instagram_handle = 'None', tiktok_handle = '@null'")
    assert addresses(store, "twitter:one_person") == {"twitter:one_person"}
    for number in range(6):
        contact(admin, "twitter", f"employee{number}", instagram_handle="the_company")
    assert addresses(store, "twitter:employee0") == {"twitter:employee0"}
    admin.execute("delete from crm_contacts where username = 'employee5'")
    assert len(addresses(store, "twitter:employee0")) == 6
    # The own address of many rows is one account; of very many it is nobody.
    rows = [
        contact(admin, "tiktok", f"{'@' * n}twin", instagram_handle=f"twin{n}") for n in range(50)
    ]
    assert len(addresses(store, "tiktok:twin")) == 51
    contact(admin, "tiktok", "Twin")
    assert addresses(store, f"contact:{rows[0]}") == {"instagram:twin0"}


def test_an_operator_joins_and_parts(store: Store, admin: psycopg.Connection) -> None:
    contact(admin, "instagram", "ada_ig", twitter_handle="ada_tw")
    store.call("safari_people_join", one="https://x.com/ada_tw", other="tiktok:Ada.TT")
    everything = {"instagram:ada_ig", "twitter:ada_tw", "tiktok:ada.tt"}
    assert addresses(store, "tiktok:ada.tt") == everything
    parted = store.call("safari_people_part", one="twitter:ada_tw", other="instagram:ada_ig")
    assert parted["is_parted"]
    assert addresses(store, "instagram:ada_ig") == {"instagram:ada_ig"}
    # It stays so when the row is written again.
    admin.execute("update crm_contacts set twitter_handle = '@ada_tw'")
    assert addresses(store, "instagram:ada_ig") == {"instagram:ada_ig"}
    store.call("safari_people_join", one="twitter:ada_tw", other="instagram:ada_ig")
    assert addresses(store, "instagram:ada_ig") == everything


def refusal(life: Life, username: str, text_hash: str | None = None, **more: Any) -> str | None:
    """Return why a message does not begin; None once it is sent."""
    command = life.enqueue(username=username, **more)
    life.claim()
    verdict = life.begin(command, text_hash=text_hash)
    if verdict["verdict"] == "granted":
        life.finish(command, "sent")
    return None if verdict["verdict"] == "granted" else str(verdict["reason"])


def test_opt_out_in_one_row_applies_to_all_rows_of_the_person(
    store: Store, admin: psycopg.Connection
) -> None:
    life = Life(store)
    contact(admin, "instagram", "tw1", twitter_handle="twin_tw", email_opted_out=True)
    contact(admin, "twitter", "twin_tw")
    assert refusal(life, "https://x.com/Twin_TW") == "do_not_contact"
    admin.execute("update crm_contacts set email_opted_out = false")
    assert refusal(life, "@twin_tw") is None


def test_the_list_holds_for_every_address_of_the_person(
    store: Store, admin: psycopg.Connection
) -> None:
    life = Life(store)
    contact(admin, "instagram", "ada_ig", twitter_handle="ada_tw")
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient)"
        " values ('instagram', 'https://www.instagram.com/Ada_IG/')"
    )
    assert refusal(life, "ada_tw") == "do_not_contact"
    assert refusal(life, "somebody") is None
    # A post means its author; what can protect nobody is reported.
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient) values"
        " ('x', 'https://x.com/Bob/status/1'), ('instagram', 'https://vm.tiktok.com/x'),"
        " ('gmail', '*@kiln.example'), ('facebook', 'https://facebook.com/ada')"
    )
    assert refusal(life, "bob") == "do_not_contact"
    said = admin.execute("select detail ->> 'error' from safari_alerts order by id").fetchall()
    assert [line.split(":")[0] for (line,) in said] == [
        "the do-not-contact list names nobody on instagram by https",
        "the do-not-contact list names nobody on gmail by *@kiln.example",
    ]


def test_a_label_in_campaign_id_escapes_no_duplicate_check(
    store: Store, admin: psycopg.Connection
) -> None:
    life = Life(store)
    contact(admin, "twitter", "ada_one", instagram_handle="ada_ig")
    contact(admin, "twitter", "ada_two", instagram_handle="ada_ig")
    assert refusal(life, "ada_one", "same words", campaign_id="c1") is None
    assert refusal(life, "@ADA_one", "same words", campaign_id="c1") == "duplicate"
    assert refusal(life, "ada_two", "same words") == "duplicate"
    assert refusal(life, "ada_two", "other words") is None
    # What only a step of a campaign has, but its key.
    step: dict[str, Any] = {
        "campaign_id": "c1",
        "batch_id": str(uuid4()),
        "params": {"username": "ada_one", "text": "step", "campaign_step": "dm_1"},
    }
    assert refusal(life, "ada_one", "a step", **step) is None
    assert refusal(life, "ada_one", "a step", **step) == "duplicate"
    assert refusal(life, "ada_two", "same words", key="asked for again") is None


def test_outreach_leaves_a_person_alone_whatever_else_wrote_to_them(
    store: Store, admin: psycopg.Connection
) -> None:
    life = Life(store)
    contact(admin, "twitter", "ada_one", instagram_handle="ada_ig")
    contact(admin, "twitter", "ada_two", instagram_handle="ada_ig")
    assert refusal(life, "ada_one") is None
    assert refusal(life, "ada_two", batch_id="outreach", key=str(uuid4())) == "cooldown"
    assert refusal(life, "ada_two") is None  # an operator's own message is not automatic


def test_a_short_link_names_nobody(store: Store) -> None:
    life = Life(store)
    command = life.enqueue(username="https://vm.tiktok.com/ZM8abcDEF/")
    life.claim()
    assert life.begin(command)["reason"] == "validation"
    assert life.state(command) == ("failed", "validation")


def test_a_public_text_names_nobody_who_is_not_to_be_contacted(
    store: Store, admin: psycopg.Connection
) -> None:
    contact(admin, "instagram", "ada_ig", twitter_handle="ada_tw", email_opted_out=True)
    contact(admin, "twitter", "mae", email="mae@kiln.example")
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient)"
        " values ('all', 'bob'), ('tiktok', 'dot.ted'), ('gmail', 'mae@kiln.example'),"
        " ('instagram', 'kim.k')"
    )
    post = "https://www.tiktok.com/@zoe/video/77"
    refused: list[tuple[str, str, str | None]] = [
        ("tweet", "Thanks @Ada_TW!", None),
        ("tweet", ".@bob.", None),
        ("tweet", "via (@mae)", None),
        ("tweet", "日本\uff20BOB", None),
        ("tweet", "so true:https://x.com/bob/status/12?s=20", None),
        ("comment", "like @dot.ted. said", post),
        ("comment", "Hi", "https://www.threads.com/@kim.k/post/C1"),
        ("comment", "as @ada_ig says", "https://www.threads.com/@zoe/post/C1"),
    ]
    sent: list[tuple[str, str, str | None]] = [
        ("tweet", "write to ada@bob.example or x@bob", None),
        ("tweet", "Thanks @bobby and @dot.ted, bob!", None),
        ("tweet", "https://x.com/i/status/12", None),
        ("comment", "hi @ada_tw", post),
    ]
    commands = [
        {
            "action": action,
            "platform": "twitter" if url is None else "threads" if "threads" in url else "tiktok",
            "params": {"message": text, **({"postUrl": url} if url else {})},
            "reached": url,
            "text_hash": text,
        }
        for action, text, url in refused + sent
    ]
    found = store.call("safari_enqueue_check", commands=commands)
    assert [(each["index"], each["reason"]) for each in found] == [
        (index, "do_not_contact") for index in range(len(refused))
    ]
    assert found[0]["error"] == "the text mentions @ada_tw, who has opted out in the CRM"
    assert found[4]["error"] == "the text quotes @bob, who is on the do-not-contact list"

    life = Life(store, "twitter-comments")
    raw = life.enqueue(action="tweet", params={"text": "hello @bob"})
    life.claim()
    assert life.begin(raw)["verdict"] == "refused"
    assert life.state(raw) == ("failed", "do_not_contact")


def test_a_threads_account_is_the_instagram_account_of_its_name(
    store: Store, admin: psycopg.Connection[Any]
) -> None:
    contact(admin, "instagram", "vera")
    contact(admin, "threads", "vera", email_opted_out=True)
    contact(admin, "threads", "mona", email_opted_out=True)
    contact(admin, "instagram", "info")
    admin.execute(
        "insert into safari_do_not_contact (platform, recipient)"
        " values ('threads', 'lena'), ('threads', 'info')"
    )
    life = Life(store, "instagram-dm")
    for name, state in (
        ("vera", ("failed", "do_not_contact")),
        ("mona", ("failed", "do_not_contact")),
        ("lena", ("failed", "do_not_contact")),
        ("info", ("failed", "do_not_contact")),
    ):
        command = life.enqueue(action="send_dm", platform="instagram", params={"username": name})
        life.claim()
        life.begin(command)
        assert life.state(command) == state, name
    vetoes = admin.execute(
        "select username, agent_person_veto(id) from crm_contacts where platform = 'instagram'"
        " order by 1"
    ).fetchall()
    assert vetoes == [("info", "opted_out"), ("vera", "opted_out")]
    assert {"instagram:vera", "threads:vera"} <= addresses(store, "instagram:vera")
    admin.execute("delete from crm_contacts where platform = 'threads'")
    assert addresses(store, "threads:vera") == {"threads:vera", "instagram:vera"}
    assert addresses(store, "instagram:vera") == {"instagram:vera"}


def test_an_opt_out_outlives_the_contact_that_said_so(admin: psycopg.Connection[Any]) -> None:
    contact(admin, "instagram", "nora", email="nora@kiln.example")
    contact(admin, "twitter", "nora_k", email="nora@kiln.example", email_opted_out=True)
    contact(admin, "instagram", "otto")
    admin.execute("delete from crm_contacts where username = 'nora_k' or username = 'otto'")
    again = contact(admin, "linkedin", "nora-k", email="Nora@kiln.example")
    listed = admin.execute("select platform, recipient from safari_do_not_contact order by 1")
    assert listed.fetchall() == [("gmail", "nora@kiln.example"), ("twitter", "nora_k")]
    vetoes = admin.execute("select agent_person_veto(id) from crm_contacts").fetchall()
    assert vetoes == [("opted_out",), ("opted_out",)], again
