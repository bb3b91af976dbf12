"""Unknown outcomes that are settled by reading, compared with what recipients really saw."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.chaos.commands import SENDERS, a_tweet, command_for
from tests.chaos.unknowns import OWN_HANDLES, settle_unknowns
from tests.chaos.waiting import eventually
from tests.chaos.workers import REPOSITORY

if TYPE_CHECKING:
    from tests.chaos.rig import Rig
    from tests.chaos.workers import Host

SETTLE_SECONDS = 120
# Three unknown outcomes in a row leave a service alone for some seconds.
ROUNDS = {"small": 1, "large": 2}
FAILED_SECONDS = 120.0
# At least this share of what was sent, and is not known to be, is found by reading.
FOUND_SHARE = 0.8

pytestmark = pytest.mark.timeout(300)


@pytest.mark.chaos
def test_what_was_sent_is_found_and_what_was_not_is_not(rig: Rig, suite: str) -> None:
    host = rig.host(
        SAFARI_TIME_SCALE="0.01",
        SAFARI_OWN_HANDLES=OWN_HANDLES,
        SAFARI_ACTION_TIMEOUT_SECONDS="1",
    )
    # Half of the answers are lost after the text was sent, half before.
    rig.play(
        {"service": "*", "behaviour": "drop_after_effect", "match": {"text": "*sent*"}},
        {"service": "*", "behaviour": "drop_before_effect", "match": {"text": "*lost*"}},
    )
    host.start()
    commands = []
    for fate in ("sent", "lost") * ROUNDS[suite]:
        for command in (*map(command_for, SENDERS), a_tweet()):
            command["params"]["text"] += f" {fate} on the way"
            commands.append(command)
    ids = rig.enqueue(*commands)
    for id_ in ids:
        eventually(partial(rig.has_ended, id_), "it is unknown", FAILED_SECONDS)

    assert "found; sent" in _settle_by_hand(host, ids[1])
    settled = settle_unknowns(rig, host)
    assert settled.found_share >= FOUND_SHARE, settled


def _settle_by_hand(host: Host, id_: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "actp.cli", "queue", "settle", id_],
        cwd=REPOSITORY,
        env=host.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SETTLE_SECONDS,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout
