"""The text of each kind of alert; an unknown kind is shown by its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from actp.alerts.domain_texts import DOMAIN_WRITERS, MAX_LINES
from actp.alerts.fields import MAX_FIELD_LENGTH, Fields
from actp.alerts.markup import escape
from actp.alerts.spans import ago, moment, took
from actp.lines import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Alert", "database_back", "database_lost", "render"]

_KINDS: Final = MappingProxyType({"dm": "DM", "comment": "comment"})


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as the outbox holds it."""

    id: int
    kind: str
    detail: Mapping[str, Any] = field(repr=False)
    created_at: str

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the alert of a row; anybody may have put it there."""
        detail = row["detail"]
        if not isinstance(detail, dict):
            detail = {"detail": detail}
        return cls(row["id"], row["kind"], detail, row["created_at"])


def render(alert: Alert, now: datetime) -> str:
    """Return the message for an alert in Telegram's HTML; ``now`` is the database's time."""
    writer = _WRITERS.get(alert.kind)
    about = Fields(alert.detail, now)
    text = writer(about) if writer else _anything(alert, now)
    if writer and about.get("account"):
        host = f", on {about['host']}" if about.get("host") else ""
        text += f"\nAccount: {about['account']}{host}"
    written = moment(alert.created_at)
    # What waited long says of itself when it happened.
    if written is not None and now - written > timedelta(minutes=10):
        text += f"\n({written.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
    return text


def database_lost(host: str, seconds: float, error: str) -> str:
    """Return the message of a host that has not reached the database for so long."""
    return (
        f"🔌 Database Lost: {escape(host)}\n"
        f"No answer for {took(seconds)}: {escape(error[:MAX_FIELD_LENGTH])}\n"
        "Nothing is sent meanwhile, and nothing is lost."
    )


def database_back(host: str, seconds: float) -> str:
    """Return the message of a host that reaches the database again."""
    return f"✅ Database Back: {escape(host)}\nIt was away for {took(seconds)}."


def _service_down(about: Fields) -> str:
    pending = about.number("pending")
    noun = _KINDS.get(about.get("kind"), "command") + ("" if pending == 1 else "s")
    return (
        f"⚠️ Safari Service Down: {about['service']} (port {about['port']})\n"
        f"Last healthy: {ago(about.moment('last_healthy_at'), about.now)}. "
        f"Queue: {pending} pending {noun} blocked."
    )


def _service_recovered(about: Fields) -> str:
    since = about.moment("last_healthy_at")
    lost = f"Was down for {took((about.now - since).total_seconds())}. " if since else ""
    return (
        f"✅ Safari Service Back: {about['service']} (port {about['port']})\n"
        f"{lost}Queue: {about.number('pending')} pending."
    )


def _quota_reached(about: Fields) -> str:
    day = about.get("day")
    if day and day < f"{about.now.astimezone(UTC):%Y-%m-%d}":
        following = "now, the day is over"
    else:
        following = "Tomorrow 00:00 UTC"
    noun = {"dm": "DMs", "comment": "comments"}.get(about.get("kind"), about.get("kind"))
    return (
        f"🚫 Rate Limit Hit: {about.platform()} {noun} "
        f"({about.number('used')}/{about.number('daily_limit')} today)\n"
        f"Next available: {following}"
    )


def _campaign_complete(about: Fields) -> str:
    targets = about.number("targets")
    return (
        f"✅ Campaign Complete: {about['campaign_type']} × {targets} "  # noqa: RUF001  so it was asked
        f"target{'' if targets == 1 else 's'}\n"
        f"Platform: {about.platform()} | Completed: {about.number('completed')}/{targets} | "
        f"Time: {took(about.number('seconds'))}"
    )


def _campaign_held(about: Fields) -> str:
    return (
        f"✋ Campaign Held: {about['handle']} on {about.platform()}{about.line('text')}\n"
        "Nothing more goes to that person until you have settled it:\n"
        f"<code>bin/campaign status {about['campaign_id']}</code>"
    )


def _unknown_outcome(about: Fields) -> str:
    recipient = f" to {about['recipient']}" if about.get("recipient") else ""
    place = f" at {about['place']}" if about.get("place") else ""
    return (
        f"❓ Outcome Unknown: {about['action']}{recipient} by {about['service']}"
        f"{about.line('error')}\n"
        f"It may have arrived and is not sent again. Look{place}, then settle it:\n"
        f"<code>bin/queue resolve {about['command_id']} sent|not-sent</code>"
    )


def _settled(about: Fields) -> str:
    end = "it was sent" if about["verdict"] == "found" else "it was not sent"
    place = f"\nSeen at {about['place']}" if about.get("place") else ""
    return (
        f"🔎 Outcome Settled by Reading: {end}\n"
        f"{about['service']} to {about['recipient']}, {about['command_id']}{place}"
    )


def _quarantined(about: Fields) -> str:
    return (
        f"☠️ Command Quarantined: {about['action']} for {about['service']}\n"
        "Three workers died over it. Check it, then decide whether to retry it:\n"
        f"<code>bin/show {about['command_id']}</code>"
    )


def _claims_refused(about: Fields) -> str:
    if about.get("command_id"):
        return (
            f"🧱 Claim Refused{about.line('error')}\n<code>bin/show {about['command_id']}</code>\n"
            "The command waits and is tried again every ten minutes; others continue. Check your\n"
            "own triggers and constraints on <code>safari_command_queue</code>."
        )
    return (
        f"🧱 Claims Refused{about.line('error')}\n"
        "Commands wait, and no single row explains it. See <code>bin/doctor</code>."
    )


def _database_restored(about: Fields) -> str:
    return (
        f"⏪ Database Restored: {about.counted('count', 'command')} held{about.line('error')}\n"
        "Some may have been sent since that moment. Look, then release or end them:\n"
        "<code>bin/queue accept|discard</code>"
    )


def _host_copied(about: Fields) -> str:
    return (
        f"👯 Two Processes Of One Host: {about['worker']} and {about['other']}\n"
        "Each takes the other's work for that of a dead process. Stop one of them; on a copied\n"
        "machine remove <code>host-id</code> from its lock folder first."
    )


def _spool_refused(about: Fields) -> str:
    return (
        f"📄 Spool File Set Aside: {about['path']}{about.line('error')}\n"
        "Results in it were not stored; everything else continues."
    )


def _write_refused(about: Fields) -> str:
    what = f": {about['service']}" if about.get("service") else ""
    shown = f"<code>bin/show {about['command_id']}</code>\n" if about.get("command_id") else ""
    return (
        f"✍️ Write Refused{what}{about.line('error')}\n{shown}"
        "The result is kept on this host and stored when the database takes it. Check your own\n"
        "triggers and constraints on <code>safari_command_queue</code>."
    )


def _set_aside(about: Fields) -> str:
    return (
        f"🧹 Commands Set Aside: {about.counted('count', 'command')}{about.line('error')}\n"
        "They could not be read and failed; the others continue."
    )


def _blocked(about: Fields) -> str:
    return (
        f"⛔ Service Blocked: {about['service']}{about.line('text')}\n"
        "Its commands wait until a person has seen to it in Safari."
    )


def _misconfigured(about: Fields) -> str:
    return f"🔧 Wrong Setting: {about['service']}{about.line('text')}\nIts commands wait."


def _rewritten(about: Fields) -> str:
    return (
        f"✏️ Published Altered: {about['service']}{about.line('text')}\n"
        f"<code>bin/show {about['command_id']}</code>"
    )


def _unstorable(about: Fields) -> str:
    return (
        f"🧹 Answer Reduced: {about['service']}{about.line('text')}\n"
        "Its outcome is stored, the answer itself could not be.\n"
        f"<code>bin/show {about['command_id']}</code>"
    )


def _process_fatal(about: Fields) -> str:
    return (
        f"💥 Process Gave Up: {about.process()}{about.line('error')}\n"
        "It is started again after a while; see its log."
    )


def _restart_storm(about: Fields) -> str:
    return (
        f"🌀 Restart Storm: {about.process()}{about.line('error')}\n"
        "It is held down for a while, then started again; see its log."
    )


def _process_misconfigured(about: Fields) -> str:
    return (
        f"🔧 Process Misconfigured: {about.process()}{about.line('error')}\n"
        "It stays down until the settings change; <code>bin/doctor</code> helps."
    )


def _process_stuck(about: Fields) -> str:
    return (
        f"🧊 Process Stuck: {about.process()}{about.line('error')}\n"
        "It is ended and started again; where it stood is in its log."
    )


def _watchdog_spent(about: Fields) -> str:
    return (
        f"🛑 Watchdog Gave Up: {about.process()}{about.line('error')}\n"
        "It leaves the process alone for now: see to it yourself with <code>bin/status</code>."
    )


def _schedule_failed(about: Fields) -> str:
    return (
        f"⏰ Scheduled Job Failed: {about['job']}{about.line('error')}\n"
        "The next run follows its schedule. Reported once a day."
    )


def _webhook_given_up(about: Fields) -> str:
    return (
        f"📮 Results Not Delivered: {about.counted('count', 'result')}{about.line('error')}\n"
        "They were tried for about a day. Mend the receiver, then:\n<code>bin/webhooks retry</code>"
    )


def _all_well(about: Fields) -> str:
    troubles = []
    if down := about.names("services_down"):
        troubles.append(f"down: {', '.join(down)}")
    if unknown := about.number("open_unknown"):
        troubles.append(f"{unknown} unknown outcome{'' if unknown == 1 else 's'} to settle")
    heading = f"🟡 Running, but {'; '.join(troubles)}" if troubles else "💚 All Well"
    return (
        f"{heading}\n{about['day']}: {about.number('completed')} completed, "
        f"{about.number('failed')} failed, {about.number('unknown')} unknown. "
        f"Now {about.number('pending')} pending."
    )


def _anything(alert: Alert, now: datetime) -> str:
    about = Fields(alert.detail, now)
    said = [name for name, value in alert.detail.items() if value not in (None, "", [], {})]
    lines = [f"🔔 {_heading(alert.kind.title())}"]
    lines += [f"{_heading(name)}: {about[name]}" for name in said[:MAX_LINES]]
    if len(said) > MAX_LINES:
        lines.append(f"… and {len(said) - MAX_LINES} more")
    return "\n".join(lines)


def _heading(name: str) -> str:
    return escape(one_line(name.replace("_", " "), MAX_FIELD_LENGTH))


_WRITERS: Final[Mapping[str, Callable[[Fields], str]]] = MappingProxyType(
    {
        **DOMAIN_WRITERS,
        "all_well": _all_well,
        "blocked": _blocked,
        "campaign_complete": _campaign_complete,
        "campaign_held": _campaign_held,
        "claims_refused": _claims_refused,
        "database_restored": _database_restored,
        "host_copied": _host_copied,
        "misconfigured": _misconfigured,
        "process_fatal": _process_fatal,
        "process_misconfigured": _process_misconfigured,
        "process_stuck": _process_stuck,
        "quarantined": _quarantined,
        "quota_reached": _quota_reached,
        "restart_storm": _restart_storm,
        "rewritten": _rewritten,
        "schedule_failed": _schedule_failed,
        "service_down": _service_down,
        "service_recovered": _service_recovered,
        "set_aside": _set_aside,
        "settled": _settled,
        "spool_refused": _spool_refused,
        "unknown_outcome": _unknown_outcome,
        "unstorable": _unstorable,
        "watchdog_spent": _watchdog_spent,
        "webhook_given_up": _webhook_given_up,
        "write_refused": _write_refused,
    }
)
