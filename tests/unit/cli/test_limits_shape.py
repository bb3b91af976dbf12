"""``limits set``: the shape of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actp.errors import ExitCode
from actp.settings import SERVICE_SETTINGS
from simulator.process import SimulatorProcess
from tests.unit.cli.conftest import check_error

if TYPE_CHECKING:
    from tests.support.databases import Database
    from tests.unit.cli.conftest import Cli


def test_a_day_gets_a_shape_and_goes_back_to_the_settings(run: Cli, queue: Database) -> None:
    del queue
    row = run(
        *("limits", "set", "twitter", "dm", "--hourly", "6", "--rolling", "30", "--weekly", "90"),
        *("--gap", "2m", "--ramp", "14d", "--weekdays", "sat-mon,wed", "--spread", "--json"),
    ).json
    assert row["daily_limit"] == 50
    assert row["min_gap_seconds"] == 120
    assert (row["weekdays"], row["ramp_days"], row["spread"]) == ([1, 3, 6, 7], 14, True)
    assert row["in_force"] == {"daily": 4, "hourly": 6, "rolling": 3, "weekly": 7}
    shown = run("limits").out
    assert "twitter dm: 7 in 7 days, only mon,wed,sat,sun, reached in 14 days, spread" in shown
    assert "instagram comment: instagram-comments itself allows 15 a day, so 15 holds." in shown
    reset = run("limits", "reset", "twitter", "dm", "--json").json
    assert (reset["weekdays"], reset["ramp_days"], reset["spread"]) == (None, 0, False)
    assert reset["in_force"] == {"daily": 50, "hourly": 15, "rolling": 50, "weekly": None}


def test_a_week_of_zero_allows_nothing_today(run: Cli, queue: Database) -> None:
    with queue.connect() as connection:
        # At night it would wait for its hours.
        connection.execute("update safari_policies set active_from = 0, active_to = 24")
    run("limits", "set", "twitter", "dm", "--weekly", "0")
    row = next(
        row
        for row in run("limits", "--json").json
        if (row["platform"], row["kind"]) == ("twitter", "dm")
    )
    assert (row["in_force"]["daily"], row["reason"]) == (0, "quota")
    assert "twitter dm: 0 in 7 days." in run("limits").out


def test_a_ramp_of_half_a_day_is_refused(run: Cli, queue: Database) -> None:
    del queue
    result = run("limits", "set", "twitter", "dm", "--ramp", "12h")
    check_error(result, ExitCode.USAGE, "--ramp takes whole days", "--ramp 14d")


def test_a_limit_wider_than_the_services_own_is_named(run: Cli, queue: Database) -> None:
    del queue
    out = run("limits", "set", "instagram", "comment", "40").out
    assert "40 a day is wider than the 15 that instagram-comments itself allows" in out


def test_the_limits_that_the_services_state_stand_beside_ours(
    run: Cli, queue: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    del queue
    hours = {"active_hours": [9, 21]}
    limits = {"twitter-dm": {**hours, "per_hour": 3, "per_day": 20}}
    with SimulatorProcess(scenario={"services": limits}) as simulator:
        for name, prefix in SERVICE_SETTINGS.items():
            monkeypatch.setenv(f"{prefix}_URL", simulator.url(name))
        run("limits", "set", "twitter", "dm", "50", "--hourly", "4")
        rows = {(row["platform"], row["kind"]): row for row in run("limits", "--json").json}
        row = rows["twitter", "dm"]
        assert row["service_states"] == {"hourly": 3, "daily": 20, "hours": [9, 21]}
        assert {"daily", "hourly"} <= set(row["wider_than_service"])
        shown = run("limits").out
    assert "twitter dm: twitter-dm itself allows 3 an hour, 20 a day, 9 to 21 o'clock" in shown
    assert "bin/limits set twitter dm 20; bin/limits set twitter dm --hourly 3" in shown
    rows = {(row["platform"], row["kind"]): row for row in run("limits", "--json").json}
    assert rows["twitter", "dm"]["service_states"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--weekdays", "someday"),
        ("--weekdays", "mon-x"),
        ("--weekdays", "mon-"),
        ("--hourly", "-1"),
    ],
)
def test_what_is_no_shape_is_refused(run: Cli, queue: Database, arguments: tuple[str, ...]) -> None:
    del queue
    check_error(run("limits", "set", "twitter", "dm", *arguments), ExitCode.USAGE)
