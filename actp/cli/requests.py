"""Turns requests into rows of the queue, with the worker's checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from actp.cli.times import LATE
from actp.errors import InvalidInput, StoreRefused, WrongState
from actp.safari.commands import parse_command, recipient, text_hash
from actp.settings import parse_login
from actp.store.arguments import refuse_unstorable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from actp.store import Store

__all__ = ["DEFAULT_PRIORITY", "Request", "Terms", "checked", "refuse_unsendable"]

DEFAULT_PRIORITY: Final = 5
MAX_KEY_LENGTH: Final = 200
# So many of a batch are checked against the database; the rest are checked when they are sent.
MOST_CHECKED: Final = 1000
MOST_NAMED: Final = 50


@dataclass(frozen=True, slots=True)
class Terms:
    """When, how urgently and by whom; lower ``priority`` runs first, times are in UTC.

    ``metadata`` is returned with the result as it is. Without an ``account`` it goes by the one
    that the person knows, else by one that has room.
    """

    priority: int = DEFAULT_PRIORITY
    at: datetime | None = None
    expires: datetime | None = None
    key: str | None = None
    metadata: Mapping[str, Any] | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One command that the worker would accept."""

    action: str
    platform: str | None
    service: str
    recipient: str | None
    params: Mapping[str, Any]
    terms: Terms
    text_hash: str | None = None

    def row(self) -> dict[str, Any]:
        """Return the item for safari_enqueue."""
        times = {"scheduled_for": self.terms.at, "expires_at": self.terms.expires}
        return {
            "action": self.action,
            "platform": self.platform,
            "params": dict(self.params),
            "priority": self.terms.priority,
            "key": self.terms.key,
            **({"account": self.terms.account} if self.terms.account else {}),
            **{name: time.isoformat() if time else None for name, time in times.items()},
            **({} if self.terms.metadata is None else {"metadata": dict(self.terms.metadata)}),
        }

    def question(self) -> dict[str, Any]:
        """Return the item for safari_enqueue_check: the row, and what a begin would add."""
        return {**self.row(), "reached": self.recipient, "text_hash": self.text_hash}

    def shown(self) -> dict[str, Any]:
        """Return the row with what follows from it, for a person or a program to read."""
        return {**self.row(), "service": self.service, "recipient": self.recipient}


def checked(
    action: str, platform: str | None, params: Mapping[str, Any], terms: Terms, *, now: datetime
) -> Request:
    """Return the request; raises InvalidInput for whatever the worker would refuse."""
    _check_times(terms, now)
    if terms.key is not None:
        # The same key with a blank at its end would send the same message again.
        terms = replace(terms, key=terms.key.strip())
        _check_key(terms.key or "")
    if terms.account is not None:
        terms = replace(terms, account=parse_login(terms.account))
    try:
        refuse_unstorable({"params": dict(params), "metadata": dict(terms.metadata or {})})
    except StoreRefused as error:
        raise InvalidInput(
            str(error).removeprefix("argument "), remedy="Remove it from the JSON."
        ) from None
    command = parse_command({"action": action, "platform": platform, "params": dict(params)})
    return Request(
        action=command.action,
        platform=command.platform,
        service=command.service.name,
        recipient=recipient(command),
        params=dict(params),
        terms=terms,
        text_hash=text_hash(command),
    )


def _check_key(key: str) -> None:
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise InvalidInput(
            f"the key must have 1 to {MAX_KEY_LENGTH} characters", remedy="Give another key."
        )


def _check_times(terms: Terms, now: datetime) -> None:
    if terms.at is not None and terms.at < now - LATE:
        raise InvalidInput("--at is in the past", remedy="Omit --at to send it now.")
    if terms.expires is None:
        return
    if terms.expires <= now:
        raise InvalidInput(
            "--expires is in the past", remedy="Give --expires a time in the future."
        )
    if terms.at is not None and terms.expires <= terms.at:
        raise InvalidInput("--expires is before --at", remedy="Give --expires a time after --at.")


def refuse_unsendable(store: Store, requests: Sequence[Request]) -> None:
    """Raise WrongState when the database would refuse one of them as it is sent."""
    if len(requests) > MOST_CHECKED:
        return  # in a transaction this would take longer than a statement may
    wrong = store.call(
        "safari_enqueue_check", commands=[request.question() for request in requests]
    )
    if not wrong:
        return
    if len(requests) == 1:
        (found,) = wrong
        raise WrongState(f"it would not be sent: {found['error']}", remedy=_way(found["reason"]))
    lines = [f"command {item['index'] + 1}: {item['error']}" for item in wrong[:MOST_NAMED]]
    if len(wrong) > MOST_NAMED:
        lines.append(f"and {len(wrong) - MOST_NAMED} more")
    first = f"{len(wrong)} of {len(requests)} commands would not be sent; nothing was enqueued"
    raise WrongState("\n".join([first, *lines]), remedy="Remove them, then run it again.")


def _way(reason: str) -> str:
    if reason == "do_not_contact":
        return "See bin/contacts list for blocked contacts; an opt-out in the CRM blocks too."
    if reason == "key_reused":
        return "See bin/show for that command; give another message its own key."
    if reason == "validation":
        return "Give the username, or the address of the profile or post."
    return "To send it anyway, add --key with a new value."
