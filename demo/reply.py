"""Simulates a recipient's reply, and checks that it appears in the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from actp.checkout import spelled
from actp.cli.output import one_line, table, text
from actp.domains.crm.syncing import sync
from actp.domains.tools import Tools
from demo.verdict import Check

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actp.settings import Settings
    from simulator.process import SimulatorProcess

__all__ = ["inbox_page", "receive_reply", "reply_check"]

SERVICE: Final = "twitter-dm"
HANDLE: Final = "demo_ada"
WORDS: Final = "Yes! What does it cost?"


def receive_reply(world: SimulatorProcess, settings: Settings) -> list[dict[str, Any]]:
    """Let somebody answer, read the inboxes as the schedule does, and return our inbox."""
    world.receive(SERVICE, HANDLE, WORDS, dated=False)
    with Tools(settings) as tools:
        sync(tools)
        rows: list[dict[str, Any]] = tools.store.call("agent_inbox")["rows"]
    return rows


def inbox_page(rows: list[dict[str, Any]]) -> RenderableType:
    """Return who waits for an answer, and the command that answers."""
    shown = table("who", "wrote", "next")
    for row in rows:
        shown.add_row(
            text(f"{one_line(row['name'], 30)}, {row['platform']}"),
            text(row["words"]),
            spelled(f"bin/inbox reply {row['contact_id'][:8]} TEXT"),
        )
    return Group(
        Text(
            "Inbox: a reply that needs your answer; no automatic message goes to this person",
            "bold",
        ),
        shown,
    )


def reply_check(rows: list[dict[str, Any]]) -> Check:
    """Return whether the reply, and nothing else, waits in the inbox."""
    seen = [f"{row['address']}: {row['words']}" for row in rows]
    expected = [f"{HANDLE}: {WORDS}"]
    against = () if seen == expected else (f"expected {expected}, found {seen}",)
    return Check("a reply waits in the inbox", against)
