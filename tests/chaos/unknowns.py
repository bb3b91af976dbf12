"""Unknown outcomes of a run, looked at where they should stand, beside what recipients got."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actp.safari.client import SafariClient
from actp.settings import load_settings
from actp.settling import settle

if TYPE_CHECKING:
    from tests.chaos.records import Row
    from tests.chaos.rig import Rig
    from tests.chaos.workers import Host

__all__ = ["OWN_HANDLES", "SENDS", "Settled", "is_known_unsent", "settle_unknowns"]

OWN_HANDLES = "instagram=me,threads=me,tiktok=me,twitter=me,linkedin=me"
SENDS = frozenset({"dm", "comment", "tweet"})
# The services have come to rest, and a look costs nobody anything.
AT_ONCE = {"SAFARI_TIME_SCALE": "0.000001", "SAFARI_OWN_HANDLES": OWN_HANDLES}


@dataclass(frozen=True, slots=True)
class Settled:
    """How many outcomes were unknown, how many of them were sent, and what reading made of it."""

    unknown: int
    sent: int
    found: int
    proven_unsent: int
    not_found: list[object]

    @property
    def share(self) -> float:
        """The share of unknown outcomes that reading has settled."""
        return (self.found + self.proven_unsent) / self.unknown if self.unknown else 1.0

    @property
    def found_share(self) -> float:
        """The share of what was sent that reading has found."""
        return self.found / self.sent if self.sent else 1.0


def settle_unknowns(rig: Rig, host: Host) -> Settled:
    """Look as often as the settler does; fail where what it settles is not what happened."""
    unknown = {text for text, row in rig.rows().items() if row["reason"] == "unknown"}
    sent = unknown & {line["text"] for line in rig.world() if line["kind"] in SENDS}
    settings = load_settings({**host.environment, **AT_ONCE})
    with closing(SafariClient(settings, holder="settler")) as safari:
        while settle(rig.database.store, settings, safari):
            pass
    rows = rig.rows()
    found = {text for text in unknown if rows[text]["status"] == "completed"}
    unsent = {text for text in unknown if is_known_unsent(rows[text])}
    assert found <= sent, f"completed, and nobody got it: {sorted(found - sent)}"
    assert unsent.isdisjoint(sent), f"not sent, and somebody got it: {sorted(unsent & sent)}"
    left = [rows[text]["result"].get("looked") for text in sorted(sent - found)]
    return Settled(len(unknown), len(sent), len(found), len(unsent), left)


def is_known_unsent(row: Row) -> bool:
    """Return whether a row says that nothing was sent."""
    return bool(row["status"] == "failed" and row["reason"] != "unknown")
