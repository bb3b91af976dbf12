"""Contacts out of spreadsheets as people have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actp.campaigns.lists import read_targets, refuse_unwilling
from actp.consent import declined
from actp.domains.crm.importing import import_people
from actp.errors import InvalidInput, NotFound
from actp.spreadsheet import read_spreadsheet
from tests.domains.people import People

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from actp.store.protocol import Store

OPERATOR = "ada@mac/cli"
PLAIN = "Name,Email,Twitter\nAda Lovelace,ada@x.example,@ada\nBob,,bob\n"


@pytest.fixture
def people(admin: psycopg.Connection) -> People:
    return People(admin)


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "people.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.removesuffix("\n"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "\ufeffsep=,\r\n" + PLAIN.replace("\n", "\r\n"),
        "\n\n" + PLAIN,
        "Table 1,,\n" + PLAIN,
        "Tabelle 1\r\n" + PLAIN.replace(",", ";"),
        'Notes:\n"When exporting, you may notice that, in part, mails are missing."\n\n' + PLAIN,
        '"Name","Email","Twitter"\n"Ada Lovelace","ada@x.example","@ada"\n\n,,\n"Bob","","bob"\n',
    ],
)
def test_the_same_table_is_read_however_it_is_written(tmp_path: Path, content: str | bytes) -> None:
    columns, lines = read_spreadsheet(file(tmp_path, content))
    assert columns == ("name", "email", "twitter")
    assert [line.cells for line in lines] == [
        {"name": "Ada Lovelace", "email": "ada@x.example", "twitter": "@ada"},
        {"name": "Bob", "twitter": "bob"},
    ]


def test_a_header_that_is_odd_is_no_title(tmp_path: Path) -> None:
    columns, lines = read_spreadsheet(file(tmp_path, '"First\nName",Email\nAda,ada@x.example\n'))
    assert columns == ("first_name", "email")
    assert [line.number for line in lines] == [3]
    with pytest.raises(InvalidInput, match="a cell is too long"):
        read_spreadsheet(file(tmp_path, f'"{"x" * 200_000}",Email\nAda,ada@x.example\n'))


def test_a_quoted_line_end_stays_in_its_cell_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = file(tmp_path, 'name,notes\n"Ada","first\r\nsecond; ""quoted"""\nBob,x,y\n')
    _, (ada, bob) = read_spreadsheet(path)
    assert (ada.number, ada.cells["notes"]) == (2, 'first\r\nsecond; "quoted"')
    assert (bob.number, bob.fault) == (4, "3 cells for 2 columns")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "names no columns"),
        (",,\n1,2,3", "names no columns"),
        ("name,Name\nx,y", "duplicate column"),
        ('name\n"Ada', "line 2"),
        (b"name\n\xff\xfa", "line 2: not utf-8"),
        ("name\nJ\xfcrgen".encode("latin-1"), "line 2: not utf-8"),
        ("name,E-mail,e mail\nx,y,z", "duplicate column e_mail"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook"),
        (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is a picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is a picture"),
        (b"GIF89a,1\n", "is a picture"),
        ("name,notes\nada," + "x" * 1_000_000, "line 2: a cell is too long"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_spreadsheet(file(tmp_path, content))
    with pytest.raises(NotFound):
        read_spreadsheet(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "content",
    [
        "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n",
        "{\\rtf1\\ansi Ada, ada@x.example}\n",
        "name,niche\nAda,saas\n",
        b"BM" + bytes(60) + b"A\0B\0",  # its zeros look like UTF-16
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_table_without_addresses_is_refused(
    store: Store, tmp_path: Path, content: str | bytes, *, dry_run: bool
) -> None:
    path = file(tmp_path, content)
    with pytest.raises(InvalidInput, match=r"people\.csv has no column of addresses"):
        import_people(store, path, operator=OPERATOR, dry_run=dry_run)


def test_people_are_added_completed_or_skipped_with_a_reason(
    store: Store, people: People, tmp_path: Path
) -> None:
    known = people.add("Bob", score=None, display_name="Robert")
    content = (
        "first name;last name;platform;handle;e-mail;linkedin;tags;niche;shoe size\n"
        "Ada;Lovelace;x;https://x.com/Ada;ADA@x.example;linkedin.com/in/Ada-L/;vip, warm;saas;38\n"
        "Bob;;twitter;@BOB;bob@x.example;;;;\n"
        "Cyd;;;;;;;;\n"
        "Ada again;;instagram;other;ada@x.example;;;;\n"
        "Dee;;twitter;https://x.com/home;;;;;\n"
        "Eve;;;;eve@x.example;;;;\n"
    )
    result = import_people(store, file(tmp_path, content), operator=OPERATOR)
    assert (result["added"], result["updated"], result["unchanged"]) == (2, 1, 0)
    assert result["skipped"] == [
        {"line": 4, "reason": "no address: a handle with its platform, a profile or a mailbox"},
        {"line": 5, "reason": "the same person as line 2"},
        {"line": 6, "reason": "no address that can be used"},
    ]
    assert result["ignored"] == ["shoe_size"]
    rows = {row["username"]: row for row in people.rows("select * from crm_contacts")}
    assert set(rows) == {"ada", "Bob", "eve@x.example"}
    ada = rows["ada"]
    assert (ada["display_name"], ada["email"], ada["platform"]) == (
        "Ada Lovelace", "ada@x.example", "twitter",
    )  # fmt: skip
    assert (ada["linkedin_url"], ada["tags"]) == (
        "https://www.linkedin.com/in/ada-l/", ["vip", "warm"],
    )  # fmt: skip
    bob = rows["Bob"]
    assert (str(bob["id"]), bob["display_name"], bob["email"]) == (known, "Robert", "bob@x.example")
    again = import_people(store, file(tmp_path, content), operator=OPERATOR)
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 3)


@pytest.mark.parametrize(
    ("column", "value", "is_refused"),
    [
        ("unsubscribed", "FALSCH", False),
        ("unsubscribed", "WAHR", True),
        ("newsletter_opt_in", "FAUX", True),
        ("newsletter_opt_in", "VRAI", False),
        ("email_marketing_consent", "UNSUBSCRIBED", True),
        ("email_marketing_consent", "SUBSCRIBED", False),
        ("do_not_allow_emails", "Do Not Allow", True),
        ("do_not_allow_emails", "Allow", False),
        ("hasoptedoutofemail", "1", True),
        ("donotcall", "0", False),
        ("unsubscribe_link", "https://x.example/u", False),
    ],
)
def test_a_cell_forbids_contact_as_other_programs_write_it(
    column: str, value: str, *, is_refused: bool
) -> None:
    assert (declined({column: value}) is not None) == is_refused


def test_whom_a_line_says_not_to_contact_is_not_contacted(
    store: Store, people: People, tmp_path: Path
) -> None:
    people.add("known", score=None)
    content = (
        "twitter,tiktok,Unsubscribed from all email,Accepts Email Marketing,Lead Status,Notizen\n"
        "flagged,,Yes,,,\n"
        "refused,,,no,,\n"
        "stated,,,,Closed Lost,\n"
        "noted,,,,,Asked us not to contact him again\n"
        "known,,TRUE,,,\n"
        "twin,twin_tt,no,yes,active,met at the fair\n"
        ",twin_tt,2024-05-01,,,\n"
        "fine,,0,n/a,lead,likes pottery\n"
        "unclear,,,,,was annoyed in May\n"
        "german,,,,Abgemeldet,\n"
        "word,,,,annoyed,\n"
        "other / known2,,yes,,,\n"
    )
    people.add("known2", score=None)
    path = file(tmp_path, content)
    rehearsed = import_people(store, path, operator=OPERATOR, dry_run=True)["forbidden"]
    result = import_people(store, path, operator=OPERATOR)
    assert (result["ignored"], result["forbidden"]) == ([], rehearsed)
    assert [(each["line"], each["name"], each["said"]) for each in rehearsed] == [
        (2, "flagged", "opted_out"), (3, "refused", "opted_out"), (4, "stated", "opted_out"),
        (5, "noted", "opted_out"), (6, "known", "opted_out"),
        (8, "twin_tt", "opted_out"), (10, "unclear", "doubt"),
        (11, "german", "opted_out"), (12, "word", "doubt"),
        (13, "other", "opted_out"),
    ]  # fmt: skip
    vetoes = people.rows(
        "select c.username, agent_person_veto(c.id) as veto, b.look_words"
        "  from crm_contacts c left join actp_inbox b on b.contact_id = c.id"
    )
    refused = {"flagged", "refused", "stated", "noted", "known", "twin", "german", "known2"}
    assert {row["username"] for row in vetoes if row["veto"] == "opted_out"} == refused
    assert {row["username"]: row["look_words"] for row in vetoes if row["look_words"]} == {
        "unclear": "note: was annoyed in May",
        "word": "note: note: annoyed",
    }
    with pytest.raises(
        InvalidInput, match="line 2: this person must not be contacted, unsubscribed_fr"
    ):
        read_targets(path, "twitter")


def test_a_campaign_obeys_the_states_tags_and_notes_of_its_file(
    store: Store, tmp_path: Path
) -> None:
    content = (
        "handle,status,Notizen,tags\n"
        'ada,unsubscribed,,\nbob,,möchte nicht kontaktiert werden,\ncyd,,,"vip, dnc"\n'
        "dee,,was annoyed in May,\neve,customer,likes pottery,vip\nfay,,,\n"
    )
    cells = read_targets(file(tmp_path, content), "twitter").cells
    with pytest.raises(InvalidInput, match="nothing was started") as refused:
        refuse_unwilling(store, cells)
    assert sorted(str(refused.value).splitlines()[1:]) == [
        "ada: this person must not be contacted", "bob: this person must not be contacted",
        "cyd: this person must not be contacted", "dee: this person may not want to be contacted",
    ]  # fmt: skip
    refuse_unwilling(store, {who: cells[who] for who in ("eve", "fay")})


def test_a_dry_run_counts_and_stores_nothing(store: Store, people: People, tmp_path: Path) -> None:
    path = file(tmp_path, PLAIN)
    result: dict[str, Any] = import_people(store, path, operator=OPERATOR, dry_run=True)
    assert (result["added"], people.rows("select from crm_contacts")) == (2, [])
    assert store.call("safari_operator_log") == []


def test_nothing_is_stored_where_one_line_is_refused(
    store: Store, people: People, admin: psycopg.Connection, tmp_path: Path
) -> None:
    admin.execute("alter table crm_contacts add check (display_name <> 'Bob')")
    with pytest.raises(Exception, match="violates check constraint"):
        import_people(store, file(tmp_path, PLAIN), operator=OPERATOR)
    assert people.rows("select from crm_contacts") == []


def test_a_project_with_stages_of_its_own_takes_people_too(
    store: Store, admin: psycopg.Connection, tmp_path: Path
) -> None:
    admin.execute(
        "alter table crm_contacts add check (pipeline_stage in ('first_touch', 'client'))"
    )
    assert import_people(store, file(tmp_path, PLAIN), operator=OPERATOR)["added"] == 2


def test_ten_thousand_lines_are_taken_at_once(store: Store, people: People, tmp_path: Path) -> None:
    body = "".join(f"P {n},p{n}@x.example,person{n}\n" for n in range(10_000))
    path = file(tmp_path, "name,email,twitter\n" + body)
    result = import_people(store, path, operator=OPERATOR)
    assert (result["added"], result["skipped"]) == (10_000, [])
    (row,) = people.rows("select count(*) as contacts from crm_contacts")
    assert row["contacts"] == 10_000
    (entry,) = store.call("safari_operator_log")
    assert (entry["operator"], entry["action"]) == (OPERATOR, "people_import")
    assert entry["arguments"] == {"rows": 10_000, "source": "csv:people.csv"}
