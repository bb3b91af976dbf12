"""The bot's messages: results of button presses, and answers to commands."""

from __future__ import annotations

from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from actp.alerts.markup import escape
from actp.lines import one_line
from actp.moments import short_time, stored_moment
from actp.settings import UNNAMED_ACCOUNT
from actp.status_words import attention, heading, status_report, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actp.store import Store

__all__ = [
    "COMMANDS",
    "UNKNOWN_COMMAND",
    "answer_to",
    "decision",
    "is_command",
    "refusal",
    "standing",
]

Answer = dict[str, Any]

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "status": "The queue, and what needs attention",
        "limits": "Today's use of each limit",
        "help": "The commands of this bot",
    }
)
UNKNOWN_COMMAND: Final = "Unknown command; /help lists them all."
_DONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sent": "✅ Settled: it was sent",
        "not_sent": "❌ Settled: it was not sent; bin/queue retry sends it again",
        "replied": "💬 They replied: nothing more goes to them",
        "go_on": "▶️ No reply: the campaign continues",
        "pause": "⏸ Paused",
        "resume": "▶️ Resumed",
        "snooze": "💤 Snoozed",
        "done": "✅ Done",
        "approve": "✅ Approved",
        "reject": "🗑 Rejected: it is never sent",
    }
)
_REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "used": "This button was already used",
        "changed": "It has changed since this was shown",
        "gone": "The command or draft no longer exists",
    }
)


def decision(action: str, answer: Answer) -> str:
    """Return what was decided, by whom and when, as HTML; times in UTC as in alerts."""
    done = answer["answer"]
    about = ""
    if isinstance(done, dict):
        until = done.get("until") or done.get("snoozed_until")
        about = f" {done['platform']}" if done.get("platform") else ""
        about += f" until {_clock(until)}" if until else ""
    by = str(answer["operator"]).partition(":")[2]
    return f"{_DONE[action]}{escape(about)}\nby {escape(by)} at {_clock(answer['at'])} UTC"


def refusal(answer: Answer) -> str:
    """Return why nothing was changed, in one plain line."""
    why = str(answer["why"])
    said = _REFUSED.get(why) or one_line(why, 100)
    now = standing(answer)
    return f"Nothing was changed. {said}{f': {now}' if now else ''}."


def standing(answer: Answer) -> str:
    """Return how it is now and who decided last, in one plain line."""
    state = answer.get("state") or {}
    facts = [one_line(state["state"], 60).replace("_", " ")] if state.get("state") else []
    if state.get("by"):
        at = f" at {_clock(state['at'])} UTC" if state.get("at") else ""
        facts.append(f"last decided by {one_line(state['by'], 40)}{at}")
    return ", ".join(facts)


def is_command(word: str) -> bool:
    """Return whether the bot knows a command."""
    return word in _ANSWERS


def answer_to(command: str, store: Store) -> str:
    """Return the answer to a question as plain text."""
    return "\n".join(_ANSWERS[command](store)) if command in _ANSWERS else UNKNOWN_COMMAND


def _status(store: Store) -> Iterator[str]:
    report = status_report(store)
    yield str(heading(report))
    # The queue counts a service once, however many accounts it has.
    reasons: dict[str, list[str]] = {}
    for service in report["services"]:
        reasons.setdefault(service["service"], [])
        if service["reason"]:
            reasons[service["service"]].append(_of_account(service["reason"], service))
    for name, held in reasons.items():
        own = [depth for depth in report["queue"] if depth["service"] == name]
        counts = {
            what: sum(depth[what] for depth in own) for what in ("ready", "waiting", "running")
        }
        if any(counts.values()):
            told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
            why = one_line("; ".join(held), 80)
            yield f"{name}: {told} ({why})" if why else f"{name}: {told}"
    yield from map(str, summary(report))
    yield from map(str, attention(report))


def _limits(store: Store) -> Iterator[str]:
    for limit in store.call("safari_limits"):
        if not limit["service"]:
            continue
        name = _of_account(f"{limit['platform']} {limit['kind']}", limit)
        line = f"{name}: {limit['used']}/{limit['daily_limit']}"
        if limit["reason"]:
            until = f" until {short_time(limit['until'])}" if limit["until"] else ""
            line += f", {limit['reason']}{until}"
        yield line
    yield "Counts reset at 00:00 UTC."


def _of_account(words: str, row: Mapping[str, Any]) -> str:
    account = row.get("account") or UNNAMED_ACCOUNT
    return words if account == UNNAMED_ACCOUNT else f"{words} of {one_line(account, 40)}"


def _help(_: Store) -> Iterator[str]:
    yield from (f"/{command}: {what}" for command, what in COMMANDS.items())
    yield "Buttons under an alert decide what it shows, once."


_ANSWERS: Final[Mapping[str, Callable[[Store], Iterator[str]]]] = MappingProxyType(
    {"status": _status, "limits": _limits, "help": _help, "start": _help}
)


def _clock(value: object) -> str:
    at = stored_moment(value)
    return f"{at.astimezone(UTC):%m-%d %H:%M}" if at else "?"
