"""Checks of the accounts that Macs are logged in to."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from actp.doctor.finding import fine, warning
from actp.settings import UNNAMED_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from actp.doctor.finding import Finding
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["accounts", "accounts_said"]


def accounts(settings: Settings, store: Store) -> Iterator[Finding]:
    """Compare the accounts of this host with those that others hold and have held."""
    status: Any = store.call("safari_status")
    yield from accounts_said(settings.safari_accounts, status["services"])


def accounts_said(
    here: Mapping[str, str], services: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Yield what is wrong with the accounts; ``services`` as safari_status lists them."""
    hosts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for service in services:
        if service["kind"]:
            hosts[service["platform"], service["account"]] |= set(service["hosts"])
    named = {key for key in hosts if key[1] != UNNAMED_ACCOUNT}
    wrong = [
        *_unnamed(here, named),
        *(
            warning(
                "accounts",
                f"{' and '.join(sorted(at))} are both logged in as {account} on {platform}",
                "They share its limits. If one uses a different account, fix its SAFARI_ACCOUNTS.",
            )
            for (platform, account), at in sorted(hosts.items())
            if account != UNNAMED_ACCOUNT and len(at) > 1
        ),
        *(
            warning(
                "accounts",
                f"no running Mac is logged in to {platform} as {account}",
                f"Its commands wait. To move them: bin/queue reassign NAME --account {account}",
            )
            for (platform, account), at in sorted(hosts.items())
            if account != UNNAMED_ACCOUNT and not at
        ),
    ]
    yield from wrong
    if named and not wrong:
        said = ", ".join(f"{platform}={account}" for platform, account in sorted(named))
        yield fine("accounts", said)


def _unnamed(here: Mapping[str, str], named: set[tuple[str, str]]) -> Iterator[Finding]:
    for platform in sorted({platform for platform, _ in named} - here.keys()):
        known = ", ".join(sorted(account for place, account in named if place == platform))
        yield warning(
            "accounts",
            f"this Mac names no account for {platform}, but others do ({known})",
            f"Name the account: set SAFARI_ACCOUNTS={platform}=NAME, then run bin/restart worker.",
        )
