"""Reads one HTTP answer from a connection; whatever is not clearly one is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_BODY_BYTES", "HttpAnswer", "IncompleteAnswer", "MalformedAnswer", "read_http"]

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 100
MAX_BODY_BYTES: Final = 32 * 1024 * 1024
MAX_SHOWN_BYTES: Final = 80
CONTINUE: Final = 100
OK: Final = 200
WITHOUT_BODY: Final = frozenset({204, 304})

_STATUS: Final = re.compile(rb"HTTP/1\.(\d) ([1-9]\d\d)(?: [^\r\n]*)?\r?\n")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)\r?\n")
_FIELDS: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r?\n)*")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_LENGTH: Final = re.compile(r"\d{1,18}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class MalformedAnswer(ValueError):
    """What came is no HTTP answer, or one that has no clear end."""


class IncompleteAnswer(ConnectionError):
    """The connection was closed before the answer had ended."""


class HttpAnswer(NamedTuple):
    """One whole answer; names of headers in lower case, repeated ones joined by a comma.

    ``is_last`` is true where the connection cannot be used again.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    is_last: bool


def read_http(receive: Callable[[], bytes]) -> HttpAnswer:
    """Return the answer to a request other than HEAD; ``receive`` gives b"" at the end.

    Raises MalformedAnswer, IncompleteAnswer, and whatever ``receive`` raises.
    """
    incoming = _Incoming(receive)
    version, status, headers = incoming.head()
    while status == CONTINUE:
        version, status, headers = incoming.head()
    # After another 1xx comes a second answer, which is not waited for.
    is_last = version == b"0" or status < OK or "close" in headers.get("connection", "").lower()
    length = _length(headers)
    is_chunked = "transfer-encoding" in headers
    if status < OK or status in WITHOUT_BODY:
        if is_chunked:
            raise MalformedAnswer(f"an answer of {status} has no body, and this one has chunks")
        body = b""
    elif is_chunked:
        body, is_last = incoming.chunks(), True
    elif length is None:
        body, is_last = incoming.rest(), True
    else:
        body = incoming.take(length)
    return HttpAnswer(status, headers, body, is_last or incoming.has_more)


def _length(headers: dict[str, str]) -> int | None:
    """Return the stated length of a body; None where the end of the connection ends it."""
    if headers.get("transfer-encoding", "chunked").lower() != "chunked":
        raise MalformedAnswer(f"the body is {headers['transfer-encoding']!r}, not chunked")
    if (stated := headers.get("content-length")) is None:
        return None
    lengths = {each.strip() for each in stated.split(",")}
    if len(lengths) != 1 or not _LENGTH.fullmatch(length := lengths.pop()):
        raise MalformedAnswer(f"the length {stated!r} is not one number")
    return int(length)


class _Incoming:
    """The bytes of a connection, taken as they are wanted."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._held = bytearray()

    @property
    def has_more(self) -> bool:
        return bool(self._held)

    def head(self) -> tuple[bytes, int, dict[str, str]]:
        """Return the minor version, the status and the headers of what comes next."""
        line = self._line()
        if (started := _STATUS.fullmatch(line)) is None:
            raise MalformedAnswer(f"no HTTP answer: {bytes(line[:MAX_SHOWN_BYTES])!r}")
        version, status = started.groups()
        return version, int(status), _fields(self._section())

    def chunks(self) -> bytes:
        """Return a body that comes in chunks; what trails it is read and dropped."""
        body = bytearray()
        while size := self._chunk_bytes():
            body += self.take(size, MAX_BODY_BYTES - len(body))
            if self.take(2) != b"\r\n":
                raise MalformedAnswer("a chunk is longer than it says")
        _fields(self._section())
        return bytes(body)

    def rest(self) -> bytes:
        """Return all that comes until the connection ends."""
        while data := self._receive():
            self._held += data
            if len(self._held) > MAX_BODY_BYTES:
                raise MalformedAnswer("the answer did not end")
        return self._taken(len(self._held))

    def take(self, count: int, most: int = MAX_BODY_BYTES) -> bytes:
        """Return as many bytes, waiting for them."""
        if count > most:
            raise MalformedAnswer("the answer did not end")
        while len(self._held) < count:
            self._wait()
        return self._taken(count)

    def _chunk_bytes(self) -> int:
        if (size := _CHUNK.fullmatch(self._line())) is None:
            raise MalformedAnswer("a chunk has no length")
        return int(size[1], 16)

    def _line(self) -> bytes:
        seen = 0
        while (end := self._held.find(b"\n", seen)) < 0:
            seen = self._checked()
        return self._taken(end + 1)

    def _section(self) -> bytes:
        """Return the lines before the next empty one."""
        if not self._held:
            self._wait()
        seen = 0
        while not self._held.startswith((b"\r\n", b"\n")):
            if end := _HEAD_END.search(self._held, seen):
                lines = self._taken(end.start() + 1)
                break
            seen = max(self._checked() - 2, 0)
        else:
            lines = b""
        self._line()
        return lines

    def _checked(self) -> int:
        """Wait for more of a head; return how many bytes there were."""
        held = len(self._held)
        if held > MAX_HEAD_BYTES:
            raise MalformedAnswer("the head of the answer did not end")
        self._wait()
        return held

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _wait(self) -> None:
        if not (data := self._receive()):
            raise IncompleteAnswer("the connection was closed before the answer ended")
        self._held += data


def _fields(lines: bytes) -> dict[str, str]:
    """Return header or trailer fields; a line that begins with a space continues the last."""
    unfolded = _FOLD.sub(b" ", lines)
    if len(lines) > MAX_HEAD_BYTES or not _FIELDS.fullmatch(unfolded):
        raise MalformedAnswer("a header of the answer is none")
    fields: dict[str, str] = {}
    pairs = _FIELD.findall(unfolded)
    if len(pairs) > MAX_FIELDS:
        raise MalformedAnswer(f"the answer has {len(pairs)} headers, over {MAX_FIELDS}")
    for raw_name, raw_value in pairs:
        name = raw_name.decode("ascii").lower()
        value = raw_value.decode("latin-1").strip(" \t")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
