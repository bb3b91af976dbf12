"""Imports contacts from a spreadsheet, in one transaction."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.consent import declined, is_about_contact, remarks
from actp.errors import InvalidInput
from actp.operators import act
from actp.spreadsheet import read_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from actp.spreadsheet import Line
    from actp.store import Json, Store

__all__ = ["import_people", "import_table"]

# What people call a column, by the platform whose address it holds; "" reads it off the address.
ADDRESS_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "twitter": (
            "twitter",
            "x",
            "twitter_handle",
            "x_handle",
            "twitter_url",
            "twitter_username",
        ),
        "instagram": ("instagram", "ig", "instagram_handle", "instagram_url", "instagram_username"),
        "tiktok": ("tiktok", "tiktok_handle", "tiktok_url", "tiktok_username"),
        "linkedin": (
            "linkedin",
            "linkedin_url",
            "linkedin_profile",
            "linkedin_profile_url",
            "person_linkedin_url",
        ),
        "threads": ("threads", "threads_handle", "threads_url"),
        "gmail": (
            "email",
            "e_mail",
            "mail",
            "email_address",
            "e_mail_address",
            "work_email",
            "personal_email",
            "e_mail_1_value",  # as Google Contacts numbers them
            "e_mail_2_value",
            "e_mail_2_address",  # Outlook
        ),
        "": ("url", "profile", "profile_url", "link"),
    }
)
HANDLE_COLUMNS: Final = ("handle", "username", "user", "account")
PLATFORM_COLUMNS: Final = ("platform", "network", "channel")
TEXT_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "display_name": ("name", "display_name", "full_name", "contact", "contact_name"),
        "headline": ("headline", "title", "job_title", "position", "role"),
        "bio": ("bio", "about", "description", "notes", "note"),
        "niche_label": ("niche", "niche_label", "industry", "category"),
        "website_url": ("website", "website_url", "site", "homepage"),
    }
)
FIRST_NAME: Final = ("first_name", "firstname", "given_name", "vorname")
LAST_NAME: Final = ("last_name", "lastname", "surname", "family_name", "nachname")
# Two mailboxes or handles in one cell.
_SEVERAL: Final = re.compile(r"\s*[;|\n]\s*|,(?=\s|[^,]*@)\s*|\s+[/&]\s+")
TAGS: Final = ("tags", "tag", "labels")
_ADDRESSES: Final = frozenset[str]().union(*ADDRESS_COLUMNS.values(), HANDLE_COLUMNS)
_KNOWN: Final = _ADDRESSES.union(
    *TEXT_COLUMNS.values(), PLATFORM_COLUMNS, FIRST_NAME, LAST_NAME, TAGS
)


def import_people(
    store: Store, path: Path, *, operator: str, dry_run: bool = False
) -> dict[str, Any]:
    """Store the people of a CSV file as ``import_table`` does."""
    table = read_spreadsheet(path)
    return import_table(store, table, path.name, operator=operator, dry_run=dry_run)


def import_table(
    store: Store,
    table: tuple[tuple[str, ...], list[Line]],
    name: str,
    *,
    operator: str,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Store the people of a table as contacts, all or none of them; the audit has who did.

    Returns {lines, added, updated, unchanged, skipped: [{line, reason}], ignored: [column],
    forbidden: [{line, name, said}]}; ``said`` is opted_out, doubt or customer.
    A contact known under one of the addresses gets what is missing; what is there stays. A person
    whom a line forbids to contact is left alone from then on, new or known. Raises InvalidInput for
    a table without a column of addresses.
    """
    columns, lines = table
    if not _ADDRESSES.intersection(columns):
        raise InvalidInput(
            f"{name} has no column of addresses, so it is no list of people",
            remedy="Name the columns in the first line: email, twitter, or platform and handle.",
        )
    skipped: list[dict[str, Any]] = [
        {"line": line.number, "reason": line.fault} for line in lines if line.fault
    ]
    rows: list[Json] = [
        {"line": line.number, **_person(line.cells)} for line in lines if line.fault is None
    ]
    source = f"csv:{name}"[:100]
    answer: Any = (
        store.call("agent_people_import", rows=rows, source=source, dry_run=True)
        if dry_run
        else act(store, operator, "people_import", rows=rows, source=source)
    )
    skipped += answer.pop("skipped")
    return {
        "lines": len(lines),
        **answer,
        "skipped": sorted(skipped, key=lambda each: int(each["line"])),
        "ignored": [
            column
            for column in columns
            if column and column not in _KNOWN and not is_about_contact(column)
        ],
        "dry_run": dry_run,
    }


def _person(cells: Mapping[str, str]) -> dict[str, Json]:
    addresses: list[Json] = [
        {"platform": platform or None, "given": part}
        for platform, columns in ADDRESS_COLUMNS.items()
        for column in columns
        if column in cells
        for part in _SEVERAL.split(cells[column])
    ]
    handle, platform = _first(cells, HANDLE_COLUMNS), _first(cells, PLATFORM_COLUMNS)
    if handle and (platform or "/" in handle):
        addresses.append({"platform": platform, "given": handle})
    texts: dict[str, Json] = {name: _first(cells, all_) for name, all_ in TEXT_COLUMNS.items()}
    parts = filter(None, (_first(cells, FIRST_NAME), _first(cells, LAST_NAME)))
    texts["display_name"] = texts["display_name"] or " ".join(parts) or None
    given_tags = _first(cells, TAGS) or ""
    tags: list[Json] = [
        tag for part in given_tags.replace(";", ",").split(",") if (tag := part.strip())
    ]
    wishes: list[Json] = [*(["do_not_contact"] if declined(cells) else []), *remarks(cells)]
    return {"addresses": addresses, "tags": tags, "wishes": wishes, **texts}


def _first(cells: Mapping[str, str], columns: Iterable[str]) -> str | None:
    return next((cells[column] for column in columns if column in cells), None)
