"""Three Macs with an Instagram account each, whose workers are killed at random."""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import pytest

from tests.chaos.commands import command_for, text_of
from tests.chaos.rig import KILLED
from tests.chaos.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.chaos.commands import Command
    from tests.chaos.rig import Rig

SEED = 20261126
SERVICES = {"instagram-dm": "dm", "instagram-comments": "comment"}
ACCOUNTS = ("shop", "shop_en", "shop_fr")
WORKERS = 3
SETTLE_SECONDS = 400.0
COUNTS: LiteralString = (
    "select r.account, r.action as kind, sum(r.used)::integer as used,"
    "       (select count(*) from safari_command_attempts a"
    "         where a.account = r.account and a.quota_kind = r.action"
    "           and a.quota_day is not null) as attempts"
    "  from safari_rate_limits r where r.platform = 'instagram' group by r.account, r.action"
)
WAITING: LiteralString = (
    "select q.service, q.account, safari_wait_of(q) ->> 'for' as reason, count(*) as rows"
    "  from safari_command_queue q where q.status = 'pending' group by 1, 2, 3"
)


@dataclass(frozen=True, slots=True)
class Suite:
    commands: int
    people: int
    kills: int
    longest_pause_seconds: float
    limit: int


# Together the limits allow less than is asked for, so that each of them is reached.
SUITES = {
    "small": Suite(commands=120, people=50, kills=3, longest_pause_seconds=0.6, limit=15),
    "large": Suite(commands=3000, people=1200, kills=120, longest_pause_seconds=1.0, limit=400),
}


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_accounts_keep_their_limits_their_rows_and_their_people(
    rig: Rig, suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody hears from two accounts, and no row is sent by one that it did not name."""
    chosen = SUITES[suite]
    commands = _commands(random.Random(SEED), chosen)
    rig.play()
    _run(rig, commands, chosen)
    rig.settle(SETTLE_SECONDS)
    tally = rig.audit()
    sent = {
        account: [line for line in mac.world() if line["kind"] in SERVICES.values()]
        for account, mac in zip(ACCOUNTS, rig.macs, strict=True)
    }
    _check_senders(commands, sent)
    _check_people(commands, sent)
    _check_limits(rig, sent, chosen.limit)
    lines = {account: len(delivered) for account, delivered in sent.items()}
    with capsys.disabled():
        if suite == "large":
            sys.stdout.write(f"\n{asdict(tally)}\ndelivered: {lines}\n")


def _run(rig: Rig, commands: Sequence[Command], suite: Suite) -> None:
    dice = random.Random(SEED)
    pause = threading.Event()
    hosts = [
        rig.host(
            f"mac-{account}",
            WORKERS=str(WORKERS),
            **KILLED,
            SAFARI_ACCOUNTS=f"instagram={account}",
            SAFARI_DAILY_LIMITS=json.dumps(
                {"instagram": {"dm": suite.limit, "comment": suite.limit}}
            ),
        )
        for account in ACCOUNTS
    ]
    for account, mac in zip(ACCOUNTS, rig.macs, strict=True):
        mac.safari(accounts={"instagram": account})
    rig.connection.execute("update safari_policies set hourly_limit = 100000")
    workers = {(host, share): host.start(share) for host in hosts for share in range(WORKERS)}
    eventually(lambda: _known_accounts(rig) == len(ACCOUNTS), "every account is known")
    portion = -(-len(commands) // suite.kills)
    for kill in range(suite.kills):
        rig.enqueue(*commands[kill * portion : (kill + 1) * portion])
        pause.wait(dice.uniform(0.0, suite.longest_pause_seconds))
        host, share = dice.choice(list(workers))
        assert workers[host, share].is_alive, workers[host, share].log[-2000:]
        workers[host, share].kill()
        workers[host, share] = host.start(share)


def _commands(dice: random.Random, suite: Suite) -> list[Command]:
    """Return messages and comments; for half of the people each names its sender, else none."""
    senders = [dice.choice(ACCOUNTS) if number % 2 else None for number in range(suite.people)]
    commands = []
    for _ in range(suite.commands):
        person = dice.randrange(suite.people)
        service, kind = dice.choice(list(SERVICES.items()))
        command = command_for(service)
        command["params"]["username" if kind == "dm" else "handle"] = f"person_{person}"
        if (sender := senders[person]) is not None:
            command["account"] = sender
        commands.append(command)
    return commands


def _known_accounts(rig: Rig) -> int:
    row = rig.connection.execute(
        "select count(*) as accounts from safari_accounts where platform = 'instagram'"
    ).fetchone()
    return 0 if row is None else int(row["accounts"])


def _check_senders(
    commands: Sequence[Command], sent: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    named = {text_of(command): command.get("account") for command in commands}
    for account, lines in sent.items():
        wrong = [line for line in lines if named[line["text"]] not in (None, account)]
        assert not wrong, f"{account} sent what names another account: {wrong[:3]}"


def _check_people(
    commands: Sequence[Command], sent: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    person_of = {
        text_of(command): command["params"].get("username") or command["params"]["handle"]
        for command in commands
    }
    heard: dict[str, set[str]] = defaultdict(set)
    for account, lines in sent.items():
        for line in lines:
            heard[person_of[line["text"]]].add(account)
    twice = {person: accounts for person, accounts in heard.items() if len(accounts) > 1}
    assert not twice, f"{len(twice)} people heard from two accounts: {list(twice.items())[:3]}"
    assert set().union(*heard.values()) == set(ACCOUNTS)


def _check_limits(rig: Rig, sent: Mapping[str, Sequence[Mapping[str, Any]]], limit: int) -> None:
    """Each counter is what was sent or may have been, and where rows wait for it, the limit."""
    delivered = Counter(
        (account, line["kind"]) for account, lines in sent.items() for line in lines
    )
    counts = {
        (row["account"], row["kind"]): (row["used"], row["attempts"])
        for row in rig.connection.execute(COUNTS)
    }
    for key, (used, attempts) in counts.items():
        assert used == attempts, f"{key}: {used} counted, {attempts} attempts may have gone"
        assert delivered[key] <= used <= limit, f"{key}: {delivered[key]} sent, {used} counted"
    waiting = rig.connection.execute(WAITING).fetchall()
    assert {row["reason"] for row in waiting} == {"quota"}
    for row in waiting:
        kind = SERVICES[row["service"]]
        full = ACCOUNTS if row["account"] == "" else (row["account"],)
        assert all(counts[account, kind][0] == limit for account in full), row
