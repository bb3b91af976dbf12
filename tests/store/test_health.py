"""What the database makes of checks: one alert for each way, from any host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

STALE_SECONDS = 180.0


def check(
    store: Store, status: str, *, host: str = "here", service: str = "twitter-dm"
) -> list[str]:
    """Report one service, and return whom the database wants asked."""
    result: dict[str, Any] = {
        "service_name": service,
        "port": 3003,
        "status": status,
        "error": None,
    }
    answer = store.call(
        "safari_check_services", host=host, results=[result], stale_seconds=STALE_SECONDS
    )
    asked: list[str] = answer["ask_ready"]
    return asked


def alerts(admin: psycopg.Connection) -> list[str]:
    return [row[0] for row in admin.execute("select kind from safari_alerts order by id")]


def health(admin: psycopg.Connection) -> dict[str, Any]:
    found = admin.execute("select to_jsonb(h) from safari_service_health h").fetchone()
    assert found is not None
    return dict(found[0])


def test_each_transition_is_told_exactly_once(store: Store, admin: psycopg.Connection) -> None:
    for status in ("healthy", "down", "timeout", "down", "down"):
        check(store, status)
    assert alerts(admin) == ["service_down"]
    for status in ("healthy", "healthy"):
        check(store, status)
    assert alerts(admin) == ["service_down", "service_recovered"]
    for status in ("down", "down", "healthy"):
        check(store, status)
    assert alerts(admin) == ["service_down", "service_recovered"] * 2


def test_one_failure_is_no_outage(store: Store, admin: psycopg.Connection) -> None:
    for status in ("healthy", "down", "healthy", "timeout", "healthy"):
        check(store, status)
    assert alerts(admin) == []


def test_a_service_that_was_never_healthy_is_shown_but_not_told(
    store: Store, admin: psycopg.Connection
) -> None:
    for _ in range(3):
        check(store, "down")
    assert alerts(admin) == []
    assert health(admin)["status"] == "down"


def test_the_alert_says_since_when_and_what_waits(store: Store, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into safari_command_queue (action, platform, params)"
        " select 'send_dm', 'twitter', '{}' from generate_series(1, 12)"
    )
    check(store, "healthy")
    last_healthy_at = health(admin)["last_healthy_at"]
    check(store, "down")
    check(store, "down")
    detail = store.call("safari_alerts_claim", row_limit=1, seconds=60.0)["alerts"][0]["detail"]
    assert (detail["pending"], detail["kind"], detail["port"]) == (12, "dm", 3003)
    assert detail["last_healthy_at"] == last_healthy_at


def test_two_hosts_tell_one_outage_once(store: Store, admin: psycopg.Connection) -> None:
    for status in ("healthy", "down", "down", "down"):
        for host in ("here", "there"):
            check(store, status, host=host)
    admin.execute("update safari_service_health set last_healthy_at = now() - interval '1 hour'")
    for status in ("down", "down", "healthy"):
        for host in ("here", "there"):
            check(store, status, host=host)
    assert alerts(admin) == ["service_down", "service_recovered"]


def test_a_host_without_services_does_not_contradict_one_that_has_them(
    store: Store, admin: psycopg.Connection
) -> None:
    for _ in range(4):
        check(store, "healthy", host="here")
        check(store, "down", host="there")
    assert alerts(admin) == []
    assert health(admin)["status"] == "healthy"


def test_a_transition_is_seen_though_a_person_asked_in_between(
    store: Store, admin: psycopg.Connection
) -> None:
    check(store, "healthy")
    check(store, "down")
    result: dict[str, Any] = {"service_name": "twitter-dm", "port": 3003, "status": "down"}
    store.call("safari_record_health", results=[result])
    check(store, "down")
    assert alerts(admin) == ["service_down"]


def test_only_a_healthy_service_with_due_work_is_probed(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute("update safari_policies set active_from = 0, active_to = 24")
    assert check(store, "healthy") == []
    admin.execute(
        "insert into safari_command_queue (action, platform) values ('send_dm', 'twitter')"
    )
    assert check(store, "down") == []
    assert check(store, "healthy") == ["twitter-dm"]
    assert check(store, "healthy") == []


def test_nobody_is_asked_outside_the_active_hours(store: Store, admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into safari_command_queue (action, platform) values ('send_dm', 'twitter')"
    )
    admin.execute(
        "update safari_policies set time_zone = 'UTC',"
        " active_from = (extract(hour from now() at time zone 'utc')::int + 2) %% 24,"
        " active_to = (extract(hour from now() at time zone 'utc')::int + 3) %% 24",
        (),
    )
    assert check(store, "healthy") == []


@pytest.mark.parametrize("not_ready", ["not logged in", None])
def test_what_is_not_ready_is_not_down(
    store: Store, admin: psycopg.Connection, not_ready: str | None
) -> None:
    check(store, "healthy")
    results = [{"service_name": "twitter-dm", "not_ready": not_ready}]
    assert store.call("safari_record_readiness", results=results) == 1
    check(store, "healthy")
    assert (health(admin)["status"], health(admin)["not_ready"]) == ("healthy", not_ready)
    [shown] = [
        service["health"]
        for service in store.call("safari_status")["services"]
        if service["service"] == "twitter-dm"
    ]
    assert shown["not_ready"] == not_ready


def test_a_hindrance_is_forgotten_when_nobody_has_asked_for_long(
    store: Store, admin: psycopg.Connection
) -> None:
    check(store, "healthy")
    results = [{"service_name": "twitter-dm", "not_ready": "no tab"}]
    store.call("safari_record_readiness", results=results)
    admin.execute("update safari_service_health set ready_asked_at = now() - interval '1 hour'")
    check(store, "healthy")
    assert health(admin)["not_ready"] is None
