"""Our reading of an HTTP answer beside that of ``http.client``."""

from __future__ import annotations

import http.client
import io
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actp.safari.http_answer import (
    MAX_BODY_BYTES,
    HttpAnswer,
    IncompleteAnswer,
    MalformedAnswer,
    read_http,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"Content-Length: 2\r\n"


def receiver(data: bytes, piece_bytes: int) -> Callable[[], bytes]:
    """Return what gives the data piece by piece, then nothing."""
    stream = io.BytesIO(data)
    return lambda: stream.read(piece_bytes)


def read(data: bytes, piece_bytes: int = 65_536) -> HttpAnswer | type[Exception]:
    try:
        return read_http(receiver(data, piece_bytes))
    except (MalformedAnswer, IncompleteAnswer) as error:
        return type(error)


class Theirs(NamedTuple):
    """What http.client makes of the same bytes; ``left`` are those it does not read."""

    status: int
    headers: dict[str, str]
    body: bytes
    will_close: bool
    left: bytes


class _Stream(io.BytesIO):
    def close(self) -> None:
        """Stay readable: what is left over is looked at afterwards."""


class _Socket:
    def __init__(self, data: bytes) -> None:
        self.stream = _Stream(data)

    def makefile(self, _mode: str) -> io.BytesIO:
        return self.stream


def theirs(data: bytes) -> Theirs | None:
    sock = _Socket(data)
    answer = http.client.HTTPResponse(sock)  # type: ignore[arg-type]
    try:
        answer.begin()
        body = answer.read()
    except (http.client.HTTPException, ValueError):
        return None
    assert answer.headers is not None
    joined: dict[str, list[str]] = {}
    for name, value in answer.headers.items():
        joined.setdefault(name.lower(), []).append(" ".join(value.split()))
    headers = {name: " ".join(", ".join(values).split()) for name, values in joined.items()}
    left = sock.stream.read()
    return Theirs(answer.status, headers, body, bool(answer.will_close), left)


LINE_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
VALUES = st.sampled_from(
    b"0|2|5|05|-1|+2|2,5|two|1_0||close|keep-alive|chunked|gzip, chunked|Keep-Alive, Close"
    b"|a: b|\xe9\xff|a\x00b|a\r\n folded|a\r\n\tfolded|\x1fa|\x0ca\x0c".split(b"|")
)
NAMES = st.sampled_from(
    b"Content-Length|content-LENGTH|Transfer-Encoding|Connection|X-One|Retry-After"
    b"|Content-Length | X-Fold||X Two|X\xe9|From ".split(b"|")
)
USUAL_FIELDS = st.sampled_from(
    b"Content-Length: 2\r\n|Content-Length: 2\n|Connection: close\r\n|X-One: 1\r\n|x-one:2\r\n"
    b"|Transfer-Encoding: chunked\r\n|Connection: keep-alive\r\n|X: a\r\n b\r\n".split(b"|")
)
ODD_FIELDS = st.builds(
    b"".join,
    st.tuples(NAMES, st.sampled_from([b": ", b":", b" : ", b" ", b":\t "]), VALUES, LINE_ENDS),
)
STATUS_LINES = st.builds(
    b"".join,
    st.tuples(
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"HTTP/1.9", b"ICY"]),
        st.sampled_from([b" ", b" ", b"  ", b""]),
        st.sampled_from([b"200", b"200", b"200", b"204", b"304", b"100", b"103", b"500"])
        | st.sampled_from([b"99", b"1000", b"abc", b"20"]),
        st.sampled_from([b" OK", b"", b" ", b" Not Found", b"\x00"]),
        LINE_ENDS,
    ),
)
BODIES = st.sampled_from(
    b"|{}|{}more|12345|2\r\n{}\r\n0\r\n\r\n|2;x=1\r\n{}\r\n0\r\nT: 1\r\n\r\n|2\r\n{}\r\n|zz\r\n"
    b"|2\r\n{}3\r\n|0x2\r\n{}\r\n0\r\n\r\n|-1\r\n{}\r\n0\r\n\r\n|A\n0123456789\n0\n\n"
    b"|2\r\n{}\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".split(b"|")
)
ANSWERS = st.builds(
    b"".join,
    st.tuples(
        st.sampled_from([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]),
        st.just(OK) | st.just(OK) | STATUS_LINES,
        st.lists(USUAL_FIELDS | USUAL_FIELDS | ODD_FIELDS, max_size=4).map(b"".join),
        st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
        BODIES,
    ),
)


@given(data=ANSWERS, piece_bytes=st.sampled_from([1, 3, 65_536]))
@example(data=OK + TWO + b"\r\n{}", piece_bytes=1)
@example(data=OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", piece_bytes=3)
def test_an_answer_is_read_as_by_http_client_or_refused(data: bytes, piece_bytes: int) -> None:
    ours = read(data, piece_bytes)
    if not isinstance(ours, HttpAnswer):
        return
    known = theirs(data)
    assert known is not None, "http.client refuses it"
    assert (ours.status, ours.body) == (known.status, known.body)
    spaced = {name: " ".join(value.split()) for name, value in ours.headers.items()}
    assert spaced == known.headers
    if not ours.is_last:
        assert not known.will_close
        assert known.left == b"" or piece_bytes < len(data)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(b"Content-Length: 2\r\n", id="length"),
        pytest.param(b"content-length:2\n", id="lower case and a bare line feed"),
        pytest.param(b"Content-Length: 2\r\nContent-Length: 2\r\n", id="the same length twice"),
        pytest.param(b"Content-Length: 2, 2\r\n", id="the same length twice in one line"),
        pytest.param(b"X: a\r\n b\r\nContent-Length:\t2 \r\n", id="a header that is continued"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", id="chunks"),
        pytest.param(b"Transfer-Encoding: Chunked\r\n" + TWO, id="chunks go before a length"),
        pytest.param(b"X: 1\r\n", id="to the end of the connection"),
        pytest.param(b"", id="without a header"),
    ],
)
@pytest.mark.parametrize("piece_bytes", [1, 65_536])
def test_an_ordinary_answer_is_read(fields: bytes, piece_bytes: int) -> None:
    is_chunked = b"chunked" in fields.lower()
    body = b"1;a=b\r\n{\r\n1\r\n}\r\n0\r\nT: 1\r\n\r\n" if is_chunked else b"{}"
    answer = read(OK + fields + b"\r\n" + body, piece_bytes)
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.is_last == (is_chunked or b"length" not in fields.lower())


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", IncompleteAnswer),
        (b"HTTP/1.1 200 OK\r\n", IncompleteAnswer),
        (OK + TWO + b"\r\n{", IncompleteAnswer),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", IncompleteAnswer),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", IncompleteAnswer),
        (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", MalformedAnswer),
        (OK + b"Content-Length: -2\r\n\r\n{}", MalformedAnswer),
        (OK + "Content-Length: \u00b2\r\n\r\n{}".encode("latin-1"), MalformedAnswer),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n{}", MalformedAnswer),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}..0\r\n\r\n", MalformedAnswer),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n", MalformedAnswer),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", MalformedAnswer),
        (b"HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", MalformedAnswer),
        (OK + b" X: 1\r\n" + TWO + b"\r\n{}", MalformedAnswer),
        (OK + b"Content-Length : 2\r\n\r\n{}", MalformedAnswer),
        (OK + b"no header\r\n" + TWO + b"\r\n{}", MalformedAnswer),
        (OK + b"X: 1\rContent-Length: 0\r\n" + TWO + b"\r\n{}", MalformedAnswer),
        (b"\r\n" + OK + TWO + b"\r\n{}", MalformedAnswer),
        (b"HTTP/2 200 OK\r\n" + TWO + b"\r\n{}", MalformedAnswer),
        (OK + b"X: 1\r\n" * 101 + TWO + b"\r\n{}", MalformedAnswer),
        (OK + b"X: " + b"x" * 200_000, MalformedAnswer),
        (b"HTTP/1.1 200 " + b"x" * 200_000, MalformedAnswer),
        (OK + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), MalformedAnswer),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (1 << 40), MalformedAnswer),
    ],
)
def test_an_answer_without_a_clear_end_is_refused(data: bytes, error: type[Exception]) -> None:
    assert read(data) is error


@pytest.mark.parametrize(
    ("data", "is_last"),
    [
        (OK + TWO + b"\r\n{}", False),
        (OK + b"Connection: Keep-Alive\r\n" + TWO + b"\r\n{}", False),
        (OK + b"Connection: Close\r\n" + TWO + b"\r\n{}", True),
        (OK + TWO + b"\r\n{}HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + TWO + b"\r\n{}", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + TWO + b"\r\n{}", False),
    ],
)
def test_a_connection_is_kept_only_where_it_is_in_step(data: bytes, *, is_last: bool) -> None:
    answer = read(data)
    assert isinstance(answer, HttpAnswer)
    assert answer.is_last is is_last
