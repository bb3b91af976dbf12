"""What only the way through Supabase can do wrong."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from actp.errors import (
    ActpError,
    SchemaMissing,
    SettingsError,
    StoreDenied,
    StoreRefused,
    StoreUnavailable,
)
from actp.store.supabase import SupabaseStore
from tests.support.databases import Databases
from tests.support.gateway import Gateway
from tests.support.proxy import Proxy
from tests.support.supabase import key_for, postgrest

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFORMANCE = Path(__file__).parent
KEY = key_for("service_role")
FORGED = KEY[:-4] + "AAAA"
CALL_TIMEOUT_SECONDS = 0.8
# Others may crowd the machine.
MARGIN_SECONDS = 10.0


@pytest.fixture(scope="module")
def gateway(postgres15_databases: Databases) -> Iterator[Gateway]:
    with (
        closing(Databases(postgres15_databases.server, CONFORMANCE)) as databases,
        databases.fresh() as name,
        postgrest(databases.server, name) as upstream,
        Gateway(upstream, {KEY, FORGED, key_for("anon")}) as gateway,
    ):
        yield gateway


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", gateway.port)) as proxy:
        yield proxy


@pytest.fixture
def distant(proxy: Proxy) -> Iterator[SupabaseStore]:
    store = SupabaseStore(
        f"http://127.0.0.1:{proxy.port}",
        SecretStr(KEY),
        call_timeout_seconds=CALL_TIMEOUT_SECONDS,
    )
    yield store
    store.close()


def store_answering(*answers: httpx.Response | Exception) -> SupabaseStore:
    """A store whose network gives these answers, one a request."""
    remaining = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        following = remaining.pop(0)
        if isinstance(following, Exception):
            raise following
        following.request = request
        return following

    return SupabaseStore(
        "http://project.test", SecretStr(KEY), transport=httpx.MockTransport(answer)
    )


@pytest.mark.parametrize("key", ["unknown-to-the-gateway", FORGED])
def test_a_wrong_key_is_denied_without_being_shown(gateway: Gateway, key: str) -> None:
    store = SupabaseStore(gateway.url, SecretStr(key))
    with pytest.raises(StoreDenied) as caught:
        store.call("conformance_null")
    assert key not in f"{caught.value} {caught.value.__cause__!r} {store!r}"
    store.close()


def test_the_anonymous_key_may_not_do_what_was_revoked(
    gateway: Gateway,
) -> None:
    store = SupabaseStore(gateway.url, SecretStr(key_for("anon")))
    with pytest.raises(StoreDenied, match="permission denied"):
        store.call("conformance_private")
    store.close()


def test_nothing_of_a_call_is_logged(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        store = SupabaseStore(gateway.url, SecretStr(KEY))
        store.call("conformance_null")
        store.close()
    assert not caplog.records


def test_a_connection_cut_while_idle_is_replaced(distant: SupabaseStore, proxy: Proxy) -> None:
    distant.call("conformance_null")
    proxy.cut()
    assert distant.call("conformance_null") is None


def test_a_black_hole_costs_one_timeout_and_heals(distant: SupabaseStore, proxy: Proxy) -> None:
    distant.call("conformance_null")
    proxy.swallow()
    started = monotonic()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        distant.call("conformance_null")
    assert monotonic() - started < CALL_TIMEOUT_SECONDS + MARGIN_SECONDS
    proxy.forward()
    assert distant.call("conformance_null") is None


def test_a_refused_port_is_unavailable() -> None:
    store = SupabaseStore("http://127.0.0.1:1", SecretStr(KEY))
    with pytest.raises(StoreUnavailable, match="refused"):
        store.call("conformance_null")
    store.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(502, html="<h1>Bad gateway</h1>"), StoreUnavailable),
        (httpx.Response(520, text=""), StoreUnavailable),
        (httpx.Response(429, json={"message": "slow down"}), StoreUnavailable),
        (httpx.Response(503, json={"code": "PGRST002", "message": "m"}), StoreUnavailable),
        (httpx.Response(500, text="oh"), StoreUnavailable),
        (httpx.Response(404, html="<h1>no such project</h1>"), StoreUnavailable),
        (httpx.Response(404, json={"message": "Cannot POST /rest/v1/rpc"}), StoreUnavailable),
        (httpx.Response(401, json={"code": "PGRST301", "message": "JWT"}), StoreDenied),
        (httpx.Response(403, html="<h1>blocked</h1>"), StoreDenied),
        (httpx.Response(404, json={"code": "PGRST202", "message": "m"}), SchemaMissing),
        (httpx.Response(409, json={"code": "23505", "message": "m"}), StoreRefused),
        (httpx.Response(200, html="<h1>Log in to this network</h1>"), StoreUnavailable),
        (httpx.Response(302, headers={"location": "http://login.test"}), StoreUnavailable),
    ],
)
def test_whatever_answers_in_its_place_becomes_one_of_our_errors(
    answer: httpx.Response, error: type[ActpError]
) -> None:
    store = store_answering(answer)
    with pytest.raises(ActpError) as caught:
        store.call("conformance_null")
    assert type(caught.value) is error
    store.close()


def test_a_call_that_lost_its_connection_is_repeated_once() -> None:
    lost = httpx.RemoteProtocolError("Server disconnected")
    store = store_answering(lost, httpx.Response(200, json={"a": 1}))
    assert store.call("conformance_null") == {"a": 1}
    store.close()
    store = store_answering(lost, lost, httpx.Response(200, json={"a": 1}))
    with pytest.raises(StoreUnavailable):
        store.call("conformance_null")
    store.close()


def test_a_call_that_timed_out_is_not_repeated() -> None:
    store = store_answering(httpx.ReadTimeout("slow"), httpx.Response(200, json={"a": 1}))
    with pytest.raises(StoreUnavailable):
        store.call("conformance_null")
    store.close()


def test_a_closed_store_says_so(gateway: Gateway) -> None:
    store = SupabaseStore(gateway.url, SecretStr(KEY))
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.call("conformance_null")


@pytest.mark.parametrize(("url", "key"), [("nonsense", KEY), ("http://project.test", "")])
def test_what_supabase_does_not_accept_is_a_settings_error(url: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SupabaseStore(url, SecretStr(key))
    assert KEY not in str(caught.value)


def test_there_is_no_listener() -> None:
    store = store_answering()
    assert store.listener() is None
    store.close()
