"""What the modes of a worker send and show: shadow, verifying, and waits that are lifted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.commands import SENDERS, a_tweet, command_for
from tests.chaos.unknowns import OWN_HANDLES, SENDS
from tests.chaos.waiting import eventually
from tests.chaos.workers import REPOSITORY

if TYPE_CHECKING:
    from tests.chaos.rig import Rig
    from tests.chaos.workers import Host

COMMAND_SECONDS = 60

pytestmark = pytest.mark.timeout(300)


def actp(host: Host, *arguments: str) -> str:
    """Run a command on a host and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "actp.cli", *arguments],
        cwd=REPOSITORY,
        env=host.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=COMMAND_SECONDS,
    )
    return done.stdout


def answer(host: Host, *arguments: str) -> Any:
    return json.loads(actp(host, *arguments, "--json"))


def deliveries(rig: Rig) -> list[dict[str, Any]]:
    return [line for line in rig.simulator.world() if line["kind"] in SENDS]


def test_in_shadow_mode_everything_is_looked_at_and_nothing_is_sent(rig: Rig) -> None:
    host = rig.host(SAFARI_SHADOW="true")
    host.start()
    commands = [*map(command_for, SENDERS), a_tweet()]
    ids = rig.enqueue(*commands)
    for id_ in ids:
        rig.wait_for_event(id_, "waiting")
    assert deliveries(rig) == []
    for id_, command in zip(ids, commands, strict=True):
        life = rig.database.store.call("safari_show", id=id_)
        waits = life["command"]["waits"]
        assert waits["for"] == "shadow"
        assert command["params"]["text"] in waits["detail"]
        assert (life["command"]["status"], life["attempts"]) == ("pending", [])
        assert rig.events(id_) == ["enqueued", "claimed", "waiting"]
    shown = actp(host, "show", ids[0])
    assert "shadow" in shown
    assert commands[0]["params"]["text"] in " ".join(shown.split())
    rows = {row["id"]: row for row in answer(host, "history", "--status", "pending")}
    assert set(ids) <= set(rows)
    used = {limit["used"] for limit in answer(host, "status")["limits"]}
    assert used == {0}


@pytest.mark.parametrize("mode", ["all", "off"])
def test_a_text_is_read_after_its_send_only_where_that_is_asked_for(rig: Rig, mode: str) -> None:
    host = rig.host(SAFARI_VERIFY=mode, SAFARI_OWN_HANDLES=OWN_HANDLES, SAFARI_TURNS="1")
    host.start()
    services = ("instagram-dm", "twitter-dm", "threads-comments", "instagram-comments")
    ids = rig.enqueue(*map(command_for, services), a_tweet())
    for id_ in ids:
        rig.wait_for_status(id_, "completed")
    levels = [rig.row(id_)["result"]["verification"] for id_ in ids]
    if mode == "all":
        assert levels == ["seen"] * len(ids)
        assert {rig.row(id_)["result"]["looked"]["verdict"] for id_ in ids} == {"found"}
    else:
        assert levels == ["claimed", "claimed", "claimed", "none", "claimed"]
    assert len(deliveries(rig)) == len(ids)


def test_the_wait_of_a_service_is_shown_and_lifted(rig: Rig) -> None:
    refuses = {"service": "twitter-dm", "behaviour": "outside_hours", "times": 1}
    rig.play(refuses)
    host = rig.host()
    host.start()
    first, second = rig.enqueue(command_for("twitter-dm"), command_for("twitter-dm"))

    def told() -> list[str]:
        return [each for each in (first, second) if "waiting" in rig.events(each)]

    waiting = eventually(told, "one is told to wait")[0]
    assert answer(host, "show", waiting)["command"]["waits"]["for"] == "outside_hours"

    def shown_in_limits() -> bool:
        rows = {(row["platform"], row["kind"]): row for row in answer(host, "limits")}
        return (rows["twitter", "dm"]["waits"] or {}).get("for") == "the service"

    eventually(shown_in_limits, "limits show it")
    other = second if waiting == first else first
    other_waits = answer(host, "show", other)["command"]["waits"]
    assert "ctive" in other_waits["detail"]
    assert "Waits: twitter-dm" in actp(host, "status")
    # Every Mac that serves it hears of it, from wherever it is lifted.
    desk = rig.host("desk")
    assert "Retrying twitter-dm" in actp(desk, "resume", "--service", "twitter-dm")
    for id_ in (first, second):
        rig.wait_for_status(id_, "completed")
    assert len(deliveries(rig)) == 2
