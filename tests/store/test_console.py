"""What the console shows beside the reports: health by the hour, windows, people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.store.life import Life

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store


def check(store: Store, host: str, status: str) -> None:
    result: dict[str, Any] = {"service_name": "twitter-dm", "port": 3003, "status": status}
    store.call("safari_check_services", host=host, results=[result])


def test_health_is_kept_by_the_hour_and_host(store: Store, admin: psycopg.Connection) -> None:
    check(store, "mac", "healthy")
    check(store, "mac", "down")
    check(store, "mini", "healthy")
    admin.execute(
        "insert into safari_health_hours values"
        " ('mac', 'twitter-dm', date_trunc('hour', now()) - interval '2 hours', 120, 119),"
        " ('old', 'twitter-dm', date_trunc('hour', now()) - interval '2 days', 120, 120),"
        " ('mac', 'tiktok-dm', date_trunc('hour', now()) - interval '8 days', 120, 120)"
    )
    day = {row["host"]: row for row in store.call("safari_health_day")}
    assert set(day) == {"mac", "mini"}
    assert day["mac"]["service"] == "twitter-dm"
    assert len(day["mac"]["hours"]) == 24
    assert day["mac"]["hours"][-1] == [2, 1]
    assert day["mac"]["hours"][-3] == [120, 119]
    assert day["mac"]["hours"][:-3] == [None] * 21
    assert day["mini"]["hours"][-1] == [1, 1]
    store.call("safari_prune")
    (left,) = admin.execute("select count(*) from safari_health_hours").fetchall()
    assert left == (4,)


def test_windows_count_what_was_begun_in_each(store: Store, admin: psycopg.Connection) -> None:
    life = Life(store)
    sent = [life.enqueue_and_send() for _ in range(4)]
    for command, age in zip(sent, ("0 hours", "2 hours", "30 hours", "8 days"), strict=True):
        admin.execute(
            "update safari_command_attempts set begun_at = now() - %s::interval"
            " where command_id = %s",
            (age, command),
        )
    windows = store.call("safari_windows")
    assert windows["twitter-dm"]["default"] == {"hourly": 1, "rolling": 2, "weekly": 3}
    assert windows["tiktok-dm"]["default"] == {"hourly": 0, "rolling": 0, "weekly": 0}
    assert "local" not in windows


def test_people_are_found_by_part_of_a_name_or_address(
    store: Store, admin: psycopg.Connection
) -> None:
    admin.execute(
        "insert into crm_contacts (platform, username, display_name, twitter_handle, email,"
        " last_inbound_at, relationship_score, ai_summary) values"
        " ('twitter', 'ada', 'Ada Lovelace', 'ada', 'ada@example.com', now(), 80, 'Engines'),"
        " ('instagram', 'grace_100%', 'Grace', null, null, null, 10, null)"
    )

    def names(find: str | None) -> list[str]:
        return [row["name"] for row in store.call("agent_people", find=find)["rows"]]

    assert names(None) == names("") == ["Ada Lovelace", "Grace"]
    assert names("LOVE") == names("ada@exa") == names("@ada") == ["Ada Lovelace"]
    assert names("100%") == ["Grace"]
    assert names("1%0") == names("' or true --") == []
    answer = store.call("agent_people", row_limit=1)
    assert (len(answer["rows"]), answer["is_more"]) == (1, True)

    store.call("safari_block_contact", platform="all", recipient="ada", blocked=True, note="asked")
    facts = store.call("agent_person_facts", given="twitter:ada")
    assert facts["score"]["summary"] == "Engines"
    assert [row["note"] for row in facts["blocked"]] == ["asked"]
    assert facts["campaigns"] == []
    nobody = store.call("agent_person_facts", given="twitter:nobody")
    assert nobody == {"score": None, "blocked": [], "campaigns": []}
