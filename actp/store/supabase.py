"""The store on a Supabase project, through its REST interface."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any, cast

import httpx

# The part of supabase-py that calls functions; all of it would hold 14 MiB in each process.
from postgrest import APIError, SyncPostgrestClient

from actp.errors import SettingsError, StoreDenied, StoreUnavailable
from actp.store.arguments import refuse_unstorable
from actp.store.decoding import decoded
from actp.store.sqlstate import error_of
from actp.tls import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from actp.errors import ActpError
    from actp.store.protocol import Json, Listener

CONNECT_TIMEOUT_SECONDS = 3.0
CALL_TIMEOUT_SECONDS = 20.0
KEEPALIVE_SECONDS = 15.0
MAX_CONNECTIONS = 5

# The request may have arrived all the same; our functions bear repetition.
_LOST_CONNECTION = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class SupabaseStore:
    """Calls database functions by HTTP/1.1 as the service role."""

    def __init__(
        self,
        url: str,
        key: SecretStr,
        *,
        call_timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # httpx logs every request at INFO, several a second here.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._closed = False
        self._call_timeout_seconds = call_timeout_seconds

        def connect() -> SyncPostgrestClient:
            http = _Session(
                http2=False,
                verify=certificates(),
                timeout=httpx.Timeout(call_timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
                limits=httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_SECONDS),
                event_hooks={"response": [_refuse_gateway_errors]},
                transport=transport,
            )
            try:
                return _client(url, key, http)
            except ValueError as error:  # what it says may show the key
                http.close()
                raise SettingsError(
                    f"SUPABASE_URL or its key cannot be used ({type(error).__name__})"
                ) from None

        self._connect = connect
        # One thread at a time uses a connection. httpx's own pool may close one that another thread
        # has just begun to use, which then waits for its answer until the timeout.
        self._free: LifoQueue[SyncPostgrestClient | None] = LifoQueue()
        for client in (*[None] * (MAX_CONNECTIONS - 1), connect()):
            self._free.put(client)

    def call(self, function: str, /, **arguments: Json) -> Any:
        """See Store."""
        if self._closed:
            raise StoreUnavailable("this store is closed")
        refuse_unstorable(arguments)
        try:
            return self._answer(function, arguments)
        except _LOST_CONNECTION:
            pass
        except httpx.TransportError as error:
            raise _unavailable(error) from error
        try:
            return self._answer(function, arguments)
        except httpx.TransportError as error:
            raise _unavailable(error) from error

    def listener(self) -> Listener | None:
        """See Store: REST carries no NOTIFY."""
        return None

    def close(self) -> None:
        """See Store; a call under way ends automatically."""
        self._closed = True
        with suppress(Empty):
            while True:
                _close(self._free.get_nowait())

    def _answer(self, function: str, arguments: dict[str, Json]) -> Any:
        with self._connection() as client:
            answer: Any = None
            try:
                with suppress(RecursionError):
                    answer = client.rpc(function, cast("dict[str, Any]", arguments)).execute().data
            except APIError as error:
                raise _translated(error) from error
            # The library answers the text itself where json cannot decode it.
            text = cast("_Session", client.session).received
            return decoded(text) if text and (answer is None or answer == text) else answer

    @contextmanager
    def _connection(self) -> Iterator[SyncPostgrestClient]:
        try:
            free = self._free.get(timeout=self._call_timeout_seconds)
        except Empty:
            raise StoreUnavailable(f"all {MAX_CONNECTIONS} connections are in use") from None
        client = free
        try:
            client = free or self._connect()
            yield client
        finally:
            self._free.put(client)
            if self._closed:
                self.close()


class _Session(httpx.Client):
    """A client that keeps the text of the last answer, for what the library cannot decode."""

    received = ""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request as httpx does."""
        response = super().send(request, **options)
        self.received = response.text
        return response


def _close(client: SyncPostgrestClient | None) -> None:
    if client is not None:
        client.session.close()


def _client(url: str, key: SecretStr, http: httpx.Client) -> SyncPostgrestClient:
    """Return a client that shows the key to the gateway and to PostgREST; raises ValueError."""
    if not (token := key.get_secret_value()):
        raise ValueError("the key is empty")
    return SyncPostgrestClient(
        f"{url.rstrip('/')}/rest/v1",
        headers={"apikey": token, "Authorization": f"Bearer {token}"},
        http_client=http,
        retry_enabled=False,
    )


def _refuse_gateway_errors(response: httpx.Response) -> None:
    """Raise for answers that PostgREST would not give; a hotel's login page is a 200, too."""
    status = response.status_code
    is_json = "json" in response.headers.get("content-type", "")
    if status < 400 and not is_json and status != httpx.codes.NO_CONTENT:
        raise StoreUnavailable(f"something other than Supabase answered ({status})")
    if status in (401, 403):
        response.read()
        raise StoreDenied(f"Supabase answered {status}: {_message(response)}")
    if status in (429, 502, 503, 504) or status >= 520:
        raise StoreUnavailable(f"Supabase answered {status}")


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


def _translated(error: APIError) -> ActpError:
    if not error.code:
        # PostgREST gives every error a code; a gateway, or the wrong server, does not.
        return StoreUnavailable(f"something other than Supabase answered: {error.message}")
    return error_of(str(error.code or ""), error.message or "no message")


def _unavailable(error: httpx.TransportError) -> StoreUnavailable:
    return StoreUnavailable(f"Supabase cannot be reached: {error or type(error).__name__}")
