"""kill -9 of the processes that hand messages over and deliver them: one message a person."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.rig import KILLED
from tests.chaos.waiting import eventually
from tests.chaos.workers import REAP_SECONDS, REPOSITORY

if TYPE_CHECKING:
    from typing import LiteralString

    from tests.chaos.rig import Rig
    from tests.chaos.workers import Host

SEED = 20261123
LONGEST_PAUSE_SECONDS = 1.5
SETTLE_SECONDS = 300.0
PLATFORMS = ("instagram", "linkedin", "tiktok", "twitter")
FAILURES = (
    ("*", "drop_after_effect", 0.02),
    ("*", "drop_before_effect", 0.02),
    ("*", "refuse_before_send", 0.03),
    ("*", "server_error", 0.01),
    ("instagram-dm", "not_found", 0.1),
)
# Their names share no part: a service may take one for the other, and is not asked to write then.
PEOPLE: LiteralString = """
with people as (
  insert into crm_contacts (platform, username, linkedin_url)
    select p, 'person' || n, 'https://www.linkedin.com/in/person' || n || '/'
      from generate_series(1, %s) n, lateral (select (%s::text[])[1 + n %% 4] as p) p
  returning id, platform, username
), scored as (
  insert into actp_prospect_scores (contact_id, score, funnel_stage)
    select id, 80, 'decision' from people
)
insert into crm_message_queue (contact_id, platform, message_body)
  select id, platform, 'chaos ' || username from people
"""
# A message beside its command, and how often its being sent was noted.
ROWS: LiteralString = """
select m.id::text, m.platform, m.status, m.error_message, m.sent_at, q.status as command,
       q.reason, c.messages_sent, s.next_touch_at,
       (select count(*) from crm_interactions i where i.queue_id = m.id) as interactions
  from crm_message_queue m
  join crm_contacts c on c.id = m.contact_id
  join actp_prospect_scores s on s.contact_id = m.contact_id
  left join safari_command_queue q on q.id = m.command_id
"""


@dataclass(frozen=True, slots=True)
class Suite:
    kills: int
    messages: int


SMALL = Suite(kills=5, messages=120)
LARGE = Suite(kills=60, messages=1000)


def sender(host: Host, *flags: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "strategic_outreach.py", "--send", "--json", *flags],
        cwd=REPOSITORY,
        env=host.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def send(host: Host, *flags: str) -> dict[str, Any]:
    process = sender(host, *flags)
    out, err = process.communicate(timeout=REAP_SECONDS)
    assert process.returncode == 0, err.decode()
    answer: dict[str, Any] = json.loads(out)
    return answer


def wait_for_open_hours(rig: Rig) -> None:
    """Wait until a worker has set the limits and hours of its host."""
    query = "select bool_and(active_to - active_from = 24) as open from safari_policies"
    eventually(lambda: rig.connection.execute(query).fetchone() == {"open": True}, "hours are open")


def faults_of_messages(rows: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong between messages and their commands."""
    found = []
    for row in rows:
        is_open = row["command"] == "pending" or row["reason"] == "unknown"
        expected = (
            "sending" if is_open else {"completed": "sent", "failed": "failed"}.get(row["command"])
        )
        is_sent = int(row["status"] == "sent")
        if row["status"] != expected:
            found.append(f"{row}: is not {expected}")
        if (row["interactions"], row["messages_sent"]) != (is_sent, is_sent):
            found.append(f"{row}: was noted {row['interactions']} times")
        if bool(row["sent_at"]) != is_sent or bool(row["next_touch_at"]) != is_sent:
            found.append(f"{row}: times of a message that is {row['status']}")
        if row["status"] == "failed" and not row["error_message"]:
            found.append(f"{row}: failed without a reason")
    return found


def run(rig: Rig, suite: Suite) -> Counter[str]:
    dice = random.Random(SEED)
    pause = threading.Event()
    rig.play(
        *(
            {"service": service, "behaviour": name, "chance": chance}
            for service, name, chance in FAILURES
        ),
        seed=SEED,
    )
    limit = suite.messages // len(PLATFORMS) // 3
    host = rig.host(
        SAFARI_DAILY_LIMITS=json.dumps(
            {name: {"dm": limit if name == "twitter" else 100_000} for name in PLATFORMS}
        ),
        **KILLED,
    )
    rig.connection.execute(PEOPLE, (suite.messages, list(PLATFORMS)))
    worker = host.start()
    wait_for_open_hours(rig)
    for _ in range(suite.kills):
        handing_over = sender(host, "--limit", str(suite.messages // 4))
        pause.wait(dice.uniform(0.0, LONGEST_PAUSE_SECONDS))
        if dice.random() < 0.5:
            worker.kill()
            worker = host.start()
        handing_over.kill()
        handing_over.communicate()
    send(host)
    rig.settle(SETTLE_SECONDS)
    tally = rig.audit()
    assert (tally.commands, tally.twice, tally.unrecorded) == (suite.messages, 0, 0)
    reached = Counter(line["recipient"] for line in rig.simulator.world() if line["kind"] == "dm")
    assert set(reached.values()) == {1}
    rows = rig.connection.execute(ROWS).fetchall()
    found = faults_of_messages(rows)
    assert not found, "\n".join(found[:20])
    on_twitter = Counter(row["status"] for row in rows if row["platform"] == "twitter")
    assert on_twitter["sent"] <= limit < on_twitter["sending"]
    return Counter(row["status"] for row in rows)


@pytest.mark.chaos
@pytest.mark.timeout(300)
def test_kills_while_handing_over_and_sending_make_one_message_a_person(rig: Rig) -> None:
    counts = run(rig, SMALL)
    assert counts["sent"] > counts["failed"] > 0


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_thousand_messages_survive_sixty_kills(
    rig: Rig, suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if suite != "large":
        pytest.skip("the long suite runs with --chaos")
    counts = run(rig, LARGE)
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")


@pytest.mark.chaos
@pytest.mark.parametrize("commits", [True, False])
def test_a_sender_killed_amid_handing_over_leaves_all_or_nothing(
    rig: Rig, *, commits: bool
) -> None:
    rig.connection.execute(PEOPLE, (8, list(PLATFORMS)))
    host = rig.host()
    host.start()
    wait_for_open_hours(rig)
    with rig.gate("enqueued") as gate:
        handing_over = sender(host)
        gate.wait_until_reached()
        handing_over.kill()
        handing_over.communicate()
        gate.open() if commits else gate.break_off()
    assert send(host)["handed"] == (0 if commits else 8)
    rig.settle()
    assert rig.audit().effects == 8
    assert faults_of_messages(rig.connection.execute(ROWS).fetchall()) == []
