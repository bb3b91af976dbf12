"""The doctor compares the accounts of this Mac with those that others hold."""

from __future__ import annotations

from typing import Any

import pytest

from actp.doctor.accounts import accounts_said


def service(account: str, *hosts: str) -> dict[str, Any]:
    return {"platform": "instagram", "kind": "dm", "account": account, "hosts": list(hosts)}


@pytest.mark.parametrize(
    ("here", "services", "said"),
    [
        ({}, [service("default", "mac-1")], []),
        ({"instagram": "shop"}, [service("shop", "mac-1")], ["instagram=shop"]),
        (
            {"instagram": "shop"},
            [service("shop", "mac-1", "mac-2")],
            ["mac-1 and mac-2 are both logged in as shop on instagram"],
        ),
        (
            {},
            [service("shop", "mac-2"), service("default", "mac-1")],
            ["this Mac names no account for instagram, but others do (shop)"],
        ),
        (
            {"instagram": "shop"},
            [service("shop", "mac-1"), service("shpo")],
            ["no running Mac is logged in to instagram as shpo"],
        ),
    ],
)
def test_what_is_wrong_with_the_accounts_is_said(
    here: dict[str, str], services: list[dict[str, Any]], said: list[str]
) -> None:
    found = list(accounts_said(here, services))
    assert [finding.said for finding in found] == said
    assert all(finding.is_warning == (finding.remedy is not None) for finding in found)
