"""Sample commands and campaigns that have ended; none is ever sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actp.domains.sample.chance import MARK, dice, sample_id
from actp.domains.sample.people import account
from actp.domains.sample.words import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actp.domains.sample.chance import Moment, Row

__all__ = ["campaigns", "commands", "targets"]

COMMANDS: Final = 240
DAYS: Final = 14
# Of a hundred commands so many end in each way: status, reason.
_ENDS: Final = (
    (86, "completed", None),
    (93, "failed", "recipient"),
    (96, "failed", "expired"),
    (98, "failed", "unknown"),
    (100, "cancelled", None),
)
_KINDS: Final = (
    ("send_dm", "instagram"),
    ("send_dm", "twitter"),
    ("send_dm", "tiktok"),
    ("send_dm", "linkedin"),
    ("comment", "instagram"),
    ("comment", "threads"),
    ("comment", "twitter"),
)
_CAMPAIGNS: Final = (("dm_sequence", "instagram"), ("comment_warmup", "twitter"))
_TARGETS: Final = 12
_STATES: Final = ("replied", "cold", "replied", "cold", "cold", "failed")


def commands(moment: Moment) -> Iterator[Row]:
    """Yield two weeks of ended commands, fewer of them at weekends."""
    for number in range(COMMANDS):
        roll = dice("command", number)
        share = roll.randrange(100)
        status, reason = next((end[1], end[2]) for end in _ENDS if share < end[0])
        action, platform = _KINDS[number % len(_KINDS)]
        who = account(number)
        at = moment.ago(days=roll.uniform(0.05, DAYS - 1))
        text = roll.choice(OURS).format(name=who.name.split(" ")[0])
        place = (
            {"recipient": who.username, "text": text}
            if action == "send_dm"
            else {"postUrl": f"https://{platform}.example/{who.username}/{MARK}", "text": text}
        )
        yield {
            "id": sample_id("command", number),
            "action": action,
            "platform": platform,
            "params": place,
            "status": status,
            "reason": reason,
            "result": {"outcome": "sent" if status == "completed" else reason or status},
            "error": None if status == "completed" else f"made up: {reason or status}",
            "created_at": at,
            "started_at": None if status == "cancelled" else at,
            "completed_at": at,
        }


def campaigns(moment: Moment) -> Iterator[Row]:
    """Yield campaigns that have ended."""
    for number, (kind, platform) in enumerate(_CAMPAIGNS):
        yield {
            "id": sample_id("campaign", number),
            "campaign_id": f"{MARK}-{kind}",
            "campaign_type": kind,
            "platform": platform,
            "total_tasks": _TARGETS,
            "completed": _TARGETS - 2,
            "failed": 2,
            "status": "completed",
            "started_at": moment.ago(days=20 - number),
            "completed_at": moment.ago(days=6 - number),
        }


def targets(moment: Moment) -> Iterator[Row]:
    """Yield the people of the campaigns, each at its end."""
    for campaign, (kind, platform) in enumerate(_CAMPAIGNS):
        for number in range(_TARGETS):
            who = account(100 * campaign + number)
            yield {
                "id": sample_id("target", campaign, number),
                "campaign_id": f"{MARK}-{kind}",
                "platform": platform,
                "handle": who.username,
                "contact_id": who.id,
                "state": _STATES[number % len(_STATES)],
                "data": {},
                "last_event_at": moment.ago(days=6),
                "created_at": moment.ago(days=20),
                "updated_at": moment.ago(days=6),
            }
