"""Settings that depend on the machine: folders of the user, and the time zone."""

from __future__ import annotations

import os
import pwd
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import pytest

from actp.errors import SettingsError
from actp.settings import load_settings
from actp.settings.host import default_lock_dir, fixed_zone, home_folder, host_time_zone
from tests.support.environment import skip_or_fail


def test_locks_lie_where_the_platform_keeps_state() -> None:
    env = {"HOME": "/h"}
    assert default_lock_dir("linux", env) == Path("/h/.local/state/actp-worker/locks")
    assert default_lock_dir("linux", env | {"XDG_STATE_HOME": "/s"}) == Path("/s/actp-worker/locks")
    assert default_lock_dir("linux", env | {"XDG_STATE_HOME": "s"}).is_relative_to("/h")
    assert default_lock_dir("darwin", env).is_relative_to("/h/Library/Application Support")


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_a_home_that_is_no_absolute_path_is_looked_up(home: str | None) -> None:
    env = {} if home is None else {"HOME": home}
    assert home_folder(env) == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_a_user_without_a_home_is_refused_with_a_remedy() -> None:
    with pytest.raises(SettingsError, match="user 3999999 is not in the user database") as refused:
        home_folder({}, uid=3_999_999)
    assert "Set HOME" in refused.value.remedy


def test_the_hosts_zone_is_that_of_its_clock(tmp_path: Path) -> None:
    zone = tmp_path / "zoneinfo" / "Europe" / "Berlin"
    localtime = tmp_path / "localtime"
    localtime.symlink_to(zone)
    assert host_time_zone({}, localtime) == "Europe/Berlin"
    assert host_time_zone({"TZ": ":Asia/Tokyo"}, localtime) == "Asia/Tokyo"
    assert host_time_zone({"TZ": ""}, localtime) == "Europe/Berlin"
    assert host_time_zone({"TZ": f":{localtime}"}, tmp_path / "nothing") == "Europe/Berlin"


@pytest.mark.parametrize(
    ("rules", "like"),
    [
        ("IST-5:30", "Asia/Kolkata"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin"),
        ("EST5EDT,M3.2.0,M11.1.0", "America/New_York"),
        ("<+0545>-5:45", "Asia/Kathmandu"),
        ("JST-9", "Asia/Tokyo"),
    ],
)
def test_a_zone_given_by_its_rules_is_one_that_keeps_them(rules: str, like: str) -> None:
    zone = ZoneInfo(host_time_zone({"TZ": rules}))
    for month in (1, 7):
        at = datetime(2027, month, 15, 12)  # noqa: DTZ001 - the zone's own time
        assert zone.utcoffset(at) == ZoneInfo(like).utcoffset(at)


@pytest.mark.parametrize("name", ["Nowhere", "CET-1CEST", "UTC+2x", "Europe/Berlin/"])
def test_a_zone_that_nothing_knows_is_refused_not_guessed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", name)
    with pytest.raises(SettingsError, match=f"'TZ={re.escape(name)}' is not a known time zone"):
        load_settings({}, Path(os.devnull))
    chosen = load_settings({"SAFARI_TIME_ZONE": "Asia/Tokyo"}, Path(os.devnull))
    assert chosen.safari_time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("folder", ["zoneinfo.default", "zoneinfo", "zoneinfo.2026a"])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Argentina/Buenos_Aires", "UTC"])
def test_a_zone_of_the_folders_that_macos_links_is_found(
    tmp_path: Path, folder: str, zone: str
) -> None:
    place = tmp_path / folder / zone
    place.parent.mkdir(parents=True)
    place.touch()
    localtime = tmp_path / "localtime"
    localtime.symlink_to(place)
    assert host_time_zone({}, localtime) == zone
    assert host_time_zone({"TZ": str(place)}, tmp_path / "nothing") == zone
    # macOS links through another folder: /var/db/timezone/zoneinfo leads elsewhere.
    link = tmp_path / "another"
    link.symlink_to(localtime)
    assert host_time_zone({}, link) == zone


def test_a_copy_of_a_zone_is_known_by_its_content(tmp_path: Path) -> None:
    localtime = tmp_path / "localtime"
    for folder in TZPATH:
        zone = Path(folder) / "Asia" / "Kolkata"
        if zone.exists():
            localtime.write_bytes(zone.read_bytes())
            assert ZoneInfo(host_time_zone({}, localtime)).utcoffset(
                datetime(2026, 7, 1)  # noqa: DTZ001 - the zone's own time
            ) == timedelta(hours=5, minutes=30)
            return
    skip_or_fail("there are no files of zones")


def test_a_nameless_zone_is_named_by_its_offset() -> None:
    assert fixed_zone(timedelta(hours=2)) == "Etc/GMT-2"
    assert fixed_zone(timedelta(hours=-5)) == "Etc/GMT+5"
    assert fixed_zone(timedelta()) == "Etc/UTC"
    with pytest.raises(SettingsError, match="SAFARI_TIME_ZONE"):
        load_settings({"SAFARI_TIME_ZONE": fixed_zone(timedelta(minutes=330))}, Path(os.devnull))


# ---- what is shown ----
