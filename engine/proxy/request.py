"""One request of a client connection as it is read: its fields, its framing, its body.

Theory of operation. A request that is plain and came as a whole is read by the `plainhead` kernel, in one pass; any
other by llhttp, as its bytes come. llhttp's callbacks only take notes, because an exception in one would surface as a
parser's error. One object serves a connection: `take_plain` or `take` begins the next request in it.

Failure modes. `take` and `feed` say in a sentence why what came is no HTTP; after that nobody knows where the next
request begins. A request that is complete stands on its own: what follows it is refused when its turn comes.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from engine._fast.plainhead import PlainHead
from engine.errors import BAD_REQUEST, TOO_LARGE, Refusal
from engine.proxy.heads import CHUNK_OVERHEAD, MAX_FIELDS, REPEATED, SINGLE, check_head, check_host

_ONE: Final = 49
# One for the process: what it reads is taken from it at once.
_plain = PlainHead()


class RequestReader:
    """See the module. `headers` by lower-case name; `complete`: the body is there; `closes`: the connection ends after
    the answer; `rest`: what came after the request in the same read."""

    __slots__ = (
        "_begun",
        "_chunked",
        "_fields",
        "_headed",
        "_length",
        "_parser",
        "_parts",
        "_plain",
        "_seen",
        "_size",
        "closes",
        "complete",
        "headers",
        "is_http10",
        "rest",
    )

    def __init__(self) -> None:
        self._parser = HttpRequestParser(self)
        self._reset()

    def _reset(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.rest = b""
        self._parts: list[bytes] = []
        self._size = self._begun = self._fields = self._length = self._seen = 0
        self.complete = self.closes = self.is_http10 = False
        self._chunked = self._headed = self._plain = False

    def take_body(self) -> bytes:
        """The whole body, once: a connection at rest does not hold it."""
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def expects(self) -> bool:
        """Whether the client waits for a word before it sends the body."""
        return b"expect" in self.headers and self._size == 0

    def take_plain(self, line: bytes, data: bytes, end: int) -> bool:
        """Takes a request that is plain and there as a whole. False: nothing was taken, `take` is to be asked.

        `line` is the first one, without its CR LF, and asks for a path that is served here; `end` is where CR LF CR LF
        stands in `data`.
        """
        self._reset()
        if line.find(b"?") >= 0 or line[-1] != _ONE:
            return False
        begin = end + 4
        if not _plain.read(data, len(line) + 2, end) or _plain.length > len(data) - begin:
            return False
        length = _plain.length
        self.headers = _plain.fields
        self._begun = 1
        self._headed = self.complete = self._plain = True
        self._length = self._size = length
        self._parts.append(data[begin : begin + length])
        if len(data) > begin + length:
            self.rest = data[begin + length :]
        return True

    def take(self, line: bytes, data: bytes, end: int) -> str | None:
        """Takes the head of a request and what came with it. What is wrong with it as HTTP, if anything."""
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            return "This endpoint does not switch protocols."
        except HttpParserError:
            if not self.complete:
                return "The request is not valid HTTP."
        self._seen = len(data) - end
        length = self.headers.get(b"content-length")
        self._length = int(length) if length is not None else 0
        self._chunked = b"transfer-encoding" in self.headers
        self.is_http10 = line.endswith(b"1.0")
        connection = self.headers.get(b"connection")
        if self.is_http10 or (connection is not None and b"close" in connection.lower()):
            self.closes = True
        if self.complete:
            self._keep_rest(data, end + 4 + self._length)
        return None

    def feed(self, data: bytes) -> str | None:
        """Takes more of the body. What is wrong with it as HTTP, if anything."""
        before = self._size
        self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self.complete:
                return "The request's body is not valid HTTP."
        if self.complete:
            self._keep_rest(data, self._length - before)
        return None

    def check(self, most: int) -> None:
        """What HTTP asks of the head beyond its grammar, and the policy's bound on the body. Raises Refusal (400, 413,
        417, 431)."""
        if self._plain:
            check_host(self.headers, False)
        else:
            check_head(self.headers, self._fields, self.is_http10)
        if self._length > most:
            raise _too_large(most)
        self.check_body(most)

    def check_body(self, most: int) -> None:
        """Raises Refusal for a body that is larger than the policy's bound (413), or mostly framing (400)."""
        if self._size > most:
            raise _too_large(most)
        if self._chunked and not self.complete and self._seen > CHUNK_OVERHEAD + 8 * self._size:
            raise Refusal(BAD_REQUEST, "The request's body is mostly framing.")

    def _keep_rest(self, data: bytes, size: int) -> None:
        """`size`: where in `data` the complete request ends, if a length said so."""
        if self._chunked:
            # Where the next request begins is not known: it is not read, and the client is told so by the close.
            self.closes = self.closes or self._begun > 1
        elif len(data) > size:
            self.rest = data[size:]
            self._parser = HttpRequestParser(self)

    # llhttp

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._begun > 1 or self._headed:
            # Of another request, or a trailer: what comes after a body says nothing about the request.
            return
        self._fields += 1
        if self._fields > MAX_FIELDS:
            return
        name = name.lower()
        headers = self.headers
        if name not in headers:
            headers[name] = value
        elif name in SINGLE:
            headers[REPEATED] = name
        else:
            headers[name] = headers[name] + b", " + value

    def on_headers_complete(self) -> None:
        self._headed = True

    def on_body(self, body: bytes) -> None:
        if self._begun == 1:
            self._parts.append(body)
            self._size += len(body)

    def on_message_complete(self) -> None:
        self.complete = True


def _too_large(most: int) -> Refusal:
    return Refusal(TOO_LARGE, f"The request's body is larger than {most} bytes.")
