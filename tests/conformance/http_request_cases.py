"""Requests byte by byte that no gateway may misread, each with what must become of it and an honest twin.

A probe's `statuses` are the answers it may get; what comes after the request that it attacks with (`SMUGGLED`) must
never be answered, nor reach the upstream, unless `answers` counts it. `closes`: where the next request begins cannot
be known, so the connection has to end. A twin is the same feature as an honest client uses it: it must pass, and its
body must reach the upstream byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CHAT = b"/v1/chat/completions"
BODY = b'{"model":"honest","messages":[{"role":"user","content":"hi"}]}'
EVIL = b'{"model":"smuggled","messages":[{"role":"user","content":"hi"}]}'

BAD = (400,)
ROUTE = (400, 404, 405)
PASS = (200,)


def head(*fields: bytes, line: bytes = b"POST " + CHAT + b" HTTP/1.1", host: bytes = b"Host: gateway") -> bytes:
    """A request's head."""
    lines = [line, *([host] if host else []), b"Content-Type: application/json", *fields]
    return b"".join(one + b"\r\n" for one in lines) + b"\r\n"


def sized(
    body: bytes, *fields: bytes, line: bytes = b"POST " + CHAT + b" HTTP/1.1", host: bytes = b"Host: gateway"
) -> bytes:
    """A request with a Content-Length."""
    return head(*fields, b"Content-Length: %d" % len(body), line=line, host=host) + body


def chunk(data: bytes, size: bytes | None = None, end: bytes = b"\r\n") -> bytes:
    """One chunk."""
    return (b"%x" % len(data) if size is None else size) + b"\r\n" + data + end


def chunked(*chunks: bytes, fields: tuple[bytes, ...] = (), last: bytes = b"0\r\n\r\n") -> bytes:
    """A request in chunks."""
    return head(*fields, b"Transfer-Encoding: chunked") + b"".join(chunks) + last


HONEST = sized(BODY)
HONEST_CHUNKED = chunked(chunk(BODY[:9]), chunk(BODY[9:]))
SMUGGLED = sized(EVIL)


@dataclass(frozen=True)
class Probe:
    """See the module."""

    name: str
    data: bytes
    statuses: tuple[int, ...] = BAD
    twin: bytes = HONEST
    closes: bool = True
    answers: int = 1


def _transfer_encodings() -> Iterator[Probe]:
    """CL.TE, TE.CL, TE.TE, TE.0: a Transfer-Encoding that one party reads and another does not."""
    values = (
        b"xchunked", b"chunked, identity", b"identity", b"identity, chunked", b"chunked, chunked", b"chunked, gzip",
        b"gzip, chunked", b"gzip", b"\x0bchunked", b"chunked\x0b", b"\x00chunked", b"chunked\x00", b"chunked;q=1",
        b'"chunked"', b"'chunked'", b"cow", b"", b"chunked chunked", b"chunk", b"chunkedd", b"chunked-false",
        b"trailers", b"chunked\xa0", b"\xa0chunked", b"chu\tnked", b"chunked\x1f", b"chunked \x0c", b"=chunked",
        b"chunked/1", b"x, chunked, x",
    )  # fmt: skip
    for value in values:
        field = b"Transfer-Encoding: " + value
        yield Probe(f"te-{value!r}", head(field) + chunk(BODY) + b"0\r\n\r\n" + SMUGGLED, twin=HONEST_CHUNKED)
        yield Probe(
            f"cl-te-{value!r}",
            head(b"Content-Length: %d" % len(BODY), field) + BODY + SMUGGLED,
            twin=HONEST_CHUNKED,
        )
    both = (b"Content-Length: 4", b"Transfer-Encoding: chunked")
    yield Probe("cl.te", head(*both) + b"0\r\n\r\n" + SMUGGLED, twin=HONEST_CHUNKED)
    yield Probe("te.cl", head(*reversed(both)) + chunk(SMUGGLED) + b"0\r\n\r\n", twin=HONEST_CHUNKED)
    yield Probe("te.te", head(both[1], both[1]) + b"0\r\n\r\n" + SMUGGLED, twin=HONEST_CHUNKED)
    yield Probe("te.te-other", head(both[1], b"Transfer-Encoding: cow") + b"0\r\n\r\n" + SMUGGLED)
    yield Probe("te-lower-case-and-cl", head(b"transfer-encoding: chunked", both[0]) + b"0\r\n\r\n" + SMUGGLED)
    yield Probe(
        "te-in-http-1.0",
        head(both[1], line=b"POST " + CHAT + b" HTTP/1.0") + chunk(BODY) + b"0\r\n\r\n" + SMUGGLED,
        twin=sized(BODY, line=b"POST " + CHAT + b" HTTP/1.0"),
    )
    for name in (
        b"Transfer-Encoding ", b"Transfer-Encoding\t", b" Transfer-Encoding", b"\tTransfer-Encoding",
        b"Transfer-Encoding\x00", b"Transfer-Encoding\x0b", b"Transfer Encoding", b"Transfer-Encoding\r",
        b"X: y\nTransfer-Encoding", b"X: y\rTransfer-Encoding", b"X: y\r\r\nTransfer-Encoding",
        b"\x00Transfer-Encoding", b"Transfer-Encoding:", b"(Transfer-Encoding)", b"Transfer\xadEncoding",
    ):  # fmt: skip
        yield Probe(
            f"te-name-{name!r}",
            head(name + b": chunked", b"Content-Length: %d" % len(BODY)) + BODY + SMUGGLED,
            twin=HONEST_CHUNKED,
        )
    for name in (b"Transfer_Encoding", b"TransferEncoding", b"X-Transfer-Encoding", b"Transfer-Encodings"):
        yield Probe(f"not-te-{name!r}", sized(BODY, name + b": chunked"), PASS, closes=False)


def _content_lengths() -> Iterator[Probe]:
    """CL.CL, CL.0: a length that two parties could read in two ways."""
    size = len(BODY)
    for value in (
        b"+%d" % size, b"-%d" % size, b"%d %d" % (size, size), b"%d,%d" % (size, size), b"%d, 0" % size, b"0, %d" % size,
        b"0x%x" % size, b"%d.0" % size, b"%de0" % size, b"", b"%d;" % size, b"%d\x0b" % size, b"%d\x00" % size,
        b"\x00%d" % size, b"18446744073709551616", b"18446744073709551678", b"99999999999999999999999", b"6_2", b"'62'",
        b"sixty", "٦٢".encode(), b"%d\xa0" % size, b"(62)", b"62 bytes", b"-0", b"--1", b"0 62",
    ):  # fmt: skip
        yield Probe(f"cl-{value!r}", head(b"Content-Length: " + value) + BODY + SMUGGLED)
    length = b"Content-Length: %d" % size
    for name, fields in {
        "cl-twice-the-same": (length, length),
        "cl-twice": (length, b"Content-Length: 0"),
        "cl-twice-reversed": (b"Content-Length: 0", length),
        "cl-twice-in-two-cases": (length, b"content-length: 5"),
        "cl-name-space": (b"Content-Length : %d" % size,),
        "cl-name-tab": (b"Content-Length\t: %d" % size,),
        "cl-name-nul": (b"Content-Length\x00: %d" % size,),
        "cl-folded": (b"Content-Length:\r\n %d" % size,),
        "cl-bare-lf": (b"X: y\nContent-Length: %d" % size,),
        "cl-bare-cr": (b"X: y\rContent-Length: %d" % size,),
    }.items():
        yield Probe(name, head(*fields) + BODY + SMUGGLED)
    yield Probe("cl-missing", head() + SMUGGLED, (400, 411), closes=False, answers=2)
    yield Probe("cl-zero", head(b"Content-Length: 0") + SMUGGLED, BAD, closes=False, answers=2)
    yield Probe("cl-underscore", sized(BODY, b"Content_Length: 0"), PASS, closes=False)
    yield Probe("cl-leading-zeros", head(b"Content-Length: 00%d" % size) + BODY, PASS, closes=False)
    yield Probe("cl-spaces-around", head(b"Content-Length: \t %d \t" % size) + BODY, PASS, closes=False)
    yield Probe("cl-too-large", head(b"Content-Length: 65537") + b"x", (413,))
    yield Probe("cl-far-too-large", head(b"Content-Length: 9223372036854775807") + b"x", (413,))


def _chunks() -> Iterator[Probe]:
    """Chunk sizes, extensions, ends and trailers."""
    twin = HONEST_CHUNKED
    size = b"%x" % len(BODY)
    for text in (
        b"0x" + size, b" " + size, b"+" + size, b"-" + size, size + b"\x00", b"_" + size, size + b"_", b"", b"g", b";a",
        b"10000000000000000", b"FFFFFFFFFFFFFFFFF", b"1" + b"0" * 15 + size, size + b"\xa0", b"\t" + size,
        size + b";a\nb", size + b";a\rb", size + b" " + size, size + b",", size + b":1", b"%d." % len(BODY),
        size + b"\n", size + b"\r", b"\n" + size, size + b";\x00", size + b'";"', b"\xef\xbc\x93" + size,
    ):  # fmt: skip
        yield Probe(f"chunk-size-{text!r}", chunked(chunk(BODY, text)) + SMUGGLED, twin=twin)
    for end in (b"", b"\n", b"\r", b"x\r\n", b"\r\r\n", b"\n\r", b"\x00\r\n", b"  \r\n", b"\r\x00"):
        yield Probe(f"chunk-end-{end!r}", chunked(chunk(BODY, end=end)) + SMUGGLED, twin=twin)
    for last in (b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"0\r\r\n\r\n", b"-0\r\n\r\n", b"0x0\r\n\r\n", b"0 x\r\n\r\n"):
        yield Probe(f"last-chunk-{last!r}", chunked(chunk(BODY), last=last) + SMUGGLED, twin=twin)
    for trailer in (b"A b: c", b"A\n: b", b": b", b"A: b\nX: y", b" A: b", b"A: b\r\n c", b"A\x00: b", b"no colon"):
        yield Probe(
            f"trailer-{trailer!r}", chunked(chunk(BODY), last=b"0\r\n" + trailer + b"\r\n\r\n") + SMUGGLED, twin=twin
        )
    for text in (b"00" + size, size.upper(), size + b";name", size + b";name=value", size + b';name="a b"'):
        yield Probe(f"honest-chunk-size-{text!r}", chunked(chunk(BODY, text)), PASS, closes=False)
    yield Probe(
        "chunk-of-one-byte-each", chunked(*(chunk(BODY[i : i + 1]) for i in range(len(BODY)))), PASS, closes=False
    )
    yield Probe("last-chunk-of-zeros", chunked(chunk(BODY), last=b"000\r\n\r\n"), PASS, closes=False)
    for trailer in (
        b"X-Trailer: a", b"Content-Length: 5", b"Host: other", b"Authorization: Bearer x", b"Transfer-Encoding: chunked",
        b"Anthropic-Beta: trailer",
    ):  # fmt: skip
        yield Probe(
            f"trailer-dropped-{trailer!r}",
            chunked(chunk(BODY), last=b"0\r\n" + trailer + b"\r\n\r\n"),
            (200, 400),
            closes=False,
        )
    yield Probe(
        "chunks-too-large", chunked(chunk(b" " * 40_000), chunk(b" " * 40_000)), (413,), twin=twin, closes=False
    )
    yield Probe(
        "trailers-without-end", chunked(chunk(BODY), last=b"0\r\n" + b"A: b\r\n" * 20_000), (400, 413, 431), twin=twin
    )
    yield Probe("extension-without-end", chunked(size + b";" + b"x" * 100_000), (400, 408), twin=twin)


def _lines() -> Iterator[Probe]:
    """Ends of lines, folding, names and values of fields."""
    for field in (
        b"X: a\n b", b"X: a\r\n b", b"X: a\r\n\tb", b"X: a\rb", b"X: a\nY: b", b"X: a\x00b", b"X: a\x01b", b"X: a\x7fb",
        b"X: a\x1fb", b"X: a\x0bb", b"X: a\x0cb", b"no colon", b": no name", b"X Y: a", b"X\xe9: a", b"X(: a", b"X): a",
        b"X,: a", b"X/: a", b"X;: a", b"X<: a", b"X=: a", b"X?: a", b"X@: a", b"X[: a", b"X\\: a", b"X{: a", b'X": a',
        b"X : a", b"X\t: a", b"X\x00: a", b" X: a", b"\tX: a", b"X: a\r\r\nY: b", b"X\r\n: a",
        b"X\x7f: a", b"X\x80: a",
    ):  # fmt: skip
        yield Probe(f"field-{field!r}", sized(BODY, field) + SMUGGLED)
    yield Probe("lf-only", sized(BODY).replace(b"\r\n", b"\n") + SMUGGLED)
    yield Probe("lf-in-the-request-line", sized(BODY).replace(b"\r\n", b"\n", 1) + SMUGGLED)
    yield Probe("cr-in-the-request-line", sized(BODY).replace(b"\r\n", b"\r", 1) + SMUGGLED)
    yield Probe("cr-only", sized(BODY).replace(b"\r\n", b"\r") + b"\r\n\r\n")
    yield Probe("lf-ends-the-head", head(b"Content-Length: %d" % len(BODY))[:-2] + b"\n" + BODY + SMUGGLED)
    yield Probe("folded-first-field", sized(BODY, host=b" Host: gateway") + SMUGGLED)
    yield Probe("space-before-the-method", b" " + sized(BODY) + SMUGGLED)
    yield Probe("nul-before-the-method", b"\x00" + sized(BODY) + SMUGGLED)
    yield Probe("empty-line-before", b"\r\n" + sized(BODY), PASS, closes=False)
    for value in (b"", b"\t", b"\xc3\xa9\xff", b"a\tb", b"!#$%&'*+-.^_`|~"):
        yield Probe(f"honest-value-{value!r}", sized(BODY, b"X-Any: " + value), PASS, closes=False)
    for name in (b"a_b", b"A.b", b"!#$%&'*+-.^_`|~1", b"X" * 200):
        yield Probe(f"honest-name-{name!r}", sized(BODY, name + b": a"), PASS, closes=False)


def _hosts() -> Iterator[Probe]:
    """RFC 9112, section 3.2: exactly one Host, and a valid one."""
    yield Probe("no-host", sized(BODY, host=b"") + SMUGGLED)
    for value in (
        b"a b", b"a,b", b"a/b", b"user@a", b"http://a", b"a:b", b"a:80:80", b"a\tb", b"a?b", b"a#b", b"a\\b", b"[::1",
        b"::1]", b"a:-1", b'"a"', b"<a>", b"a\xff", b"[::1]x", b"a:80x", b"a;b@c",
    ):  # fmt: skip
        yield Probe(f"host-{value!r}", sized(BODY, host=b"Host: " + value) + SMUGGLED)
    for other in (b"Host: gateway", b"Host: other", b"host: gateway", b"HOST: other"):
        yield Probe(f"second-host-{other!r}", sized(BODY, other) + SMUGGLED)
    for value in (b"gateway:8080", b"127.0.0.1", b"[::1]:8080", b"a-b.c_d", b"GATEWAY", b"xn--e1afmkfd.example."):
        yield Probe(f"honest-host-{value!r}", sized(BODY, host=b"Host: " + value), PASS, closes=False)
    for field in (b"X-Forwarded-Host: evil", b"X-Host: evil", b"Forwarded: host=evil", b"X-Original-URL: /v1/models"):
        yield Probe(f"not-forwarded-{field!r}", sized(BODY, field), PASS, closes=False)


def _targets() -> Iterator[Probe]:
    """A path means one thing: between routing and upstream nothing is decoded, joined or folded."""
    for path in (
        b"/v1/chat/completions/", b"//v1/chat/completions", b"/v1//chat/completions", b"/v1/chat//completions",
        b"/./v1/chat/completions", b"/v1/./chat/completions", b"/v1/x/../chat/completions", b"/../v1/chat/completions",
        b"/v1/chat/completions/..", b"/v1/chat/completions/.", b"/v1/chat/completions/../completions",
        b"/%2e/v1/chat/completions", b"/v1/%2e%2e/v1/chat/completions", b"/v1%2fchat%2fcompletions",
        b"/v1/chat%2fcompletions", b"/v1/chat%2Fcompletions", b"/v1/chat%5ccompletions", b"/v1/chat\\completions",
        b"/%76%31/chat/completions", b"/v1/chat/complet%69ons", b"/v1/chat/completions%00", b"/v1/chat/completions%20",
        b"/v1/chat/completions%0d%0aX:%20y", b"/v1/chat/completions;a=b", b"/v1;x/chat/completions",
        b"/v1/chat;/completions", b"/v1/chat/completions%3f", b"/v1/chat/completions%3b", b"/v1/chat/completions%23",
        b"/V1/chat/completions", b"/v1/Chat/Completions", b"/v1/chat/COMPLETIONS", b"/v1/chat/completions.json",
        b"/v1/chat/completions~", b"/v1/chat/completions,", b"/v1/chat/completions&a=b", b"/v1/chat/completions=",
        b"/v1/chat/completions:", b"/v1/chat/completions%252e", b"/v1/..;/v1/chat/completions",
        b"/v1/%c0%ae%c0%ae/chat/completions", b"/v1/chat/completions%2f..%2fmodels", b"/v1/chat/completions/x",
        b"/v1/models/../chat/completions", b"/x/v1/chat/completions", b"/v1/v1/chat/completions", b"/", b"/v1", b"/v1/",
        b"/chat/completions", b"/score/", b"/v1/score/..", b"/v1/score%2e", b"/v1/files/..%2f..%2fadmin", b"/metrics",
        b"/v1/embeddings/../chat/completions", b"/admin", b"/healthz", b"/v1/\xc3\xa9",
        b"http://gateway/v1/chat/completions", b"http://other/v1/chat/completions", b"https://gateway:443/v1/chat/completions",
        b"HTTP://GATEWAY/v1/chat/completions", b"http:///v1/chat/completions", b"http:/v1/chat/completions",
        b"file:///etc/passwd", b"gateway/v1/chat/completions", b"gateway:80", b"*", b"v1/chat/completions", b"?a=b",
        b"/v1/chat/completions#a", b"@other/v1/chat/completions", b"/v1/chat/completions/%2e%2e",
    ):  # fmt: skip
        yield Probe(f"path-{path!r}", sized(EVIL, line=b"POST " + path + b" HTTP/1.1"), ROUTE, closes=False)
    for path in (b"/v1/chat/completions?", b"/v1/chat/completions?a=b&c=%20", b"/v1/chat/completions?/../models"):
        yield Probe(f"honest-query-{path!r}", sized(BODY, line=b"POST " + path + b" HTTP/1.1"), PASS, closes=False)
    for target in (b"/v1/chat/completions x", b"/v1/chat/completions\tx", b"/v1/chat/completions\x00", b"", b" "):
        yield Probe(f"line-{target!r}", sized(BODY, line=b"POST " + target + b" HTTP/1.1") + SMUGGLED)
    yield Probe("huge-url", sized(BODY, line=b"POST " + CHAT + b"?" + b"a" * 60_000 + b" HTTP/1.1"), (400, 414, 431))
    yield Probe("huge-path", sized(BODY, line=b"POST /" + b"a" * 60_000 + b" HTTP/1.1"), (400, 414, 431))


def _methods_and_versions() -> Iterator[Probe]:
    for method in (b"post", b"Post", b"POST\x00", b"P\xc3\x98ST", b"POS T", b"\x16\x03\x01", b"<x>", b"POST:", b"P/ST"):
        yield Probe(
            f"method-{method!r}", sized(BODY, line=method + b" " + CHAT + b" HTTP/1.1") + SMUGGLED, (*ROUTE, 501)
        )
    for method in (
        b"GET",
        b"PUT",
        b"PATCH",
        b"DELETE",
        b"TRACE",
        b"CONNECT",
        b"PROPFIND",
        b"PURGE",
        b"LOCK",
        b"SEARCH",
    ):
        yield Probe(
            f"method-{method!r}",
            sized(EVIL, line=method + b" " + CHAT + b" HTTP/1.1"),
            ROUTE,
            closes=False,
        )
    for field in (b"X-HTTP-Method-Override: GET", b"X-Method-Override: DELETE", b"X-HTTP-Method: PUT"):
        yield Probe(f"override-{field!r}", sized(BODY, field), PASS, closes=False)
    for version in (
        b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3", b"HTTP/1.10", b"HTTP/01.1", b"http/1.1",
        b"HTTP/1", b"HTTP/1.", b"HTTP/1.1x", b"HTTP/ 1.1", b"HTTP /1.1", b"HTTP/1,1", b"HTTP/+1.1", b"ICY/1.1", b"HTTPS/1.1",
        b"HTTP/-1.1", b"HTTP/1.1\x00", b"HTTP/1.1 ", b"HTTP/9.9", b"HTTP/1.1 HTTP/1.1", b"RTSP/1.0", b"HTTP/\xc2\xb9.1",
    ):  # fmt: skip
        yield Probe(f"version-{version!r}", sized(BODY, line=b"POST " + CHAT + b" " + version) + SMUGGLED, (*BAD, 505))
    yield Probe("http-0.9", b"POST " + CHAT + b"\r\n\r\n" + SMUGGLED, (*BAD, 505))
    yield Probe("http-0.9-get", b"GET /v1/models\r\n\r\n" + SMUGGLED, (*BAD, 505))
    yield Probe("h2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", (*BAD, 505))
    yield Probe("double-space", sized(BODY, line=b"POST  " + CHAT + b" HTTP/1.1"), (200, 400), closes=False)
    yield Probe("http-1.0", sized(BODY, line=b"POST " + CHAT + b" HTTP/1.0"), PASS, closes=True)


def _hop_by_hop() -> Iterator[Probe]:
    """Fields that end at this hop, or try to make others end here; `test_http_requests` looks at what went up."""
    for value in (
        b"close, x", b"keep-alive, x-any", b"host", b"content-length", b"content-type", b"authorization", b"x-api-key",
        b"transfer-encoding", b"traceparent", b"user-agent", b"anthropic-version", b"keep-alive, traceparent",
        b", ,", b"x" * 2000, b"close, close", b"TE, keep-alive",
    ):  # fmt: skip
        closes = b"close" in value
        yield Probe(
            f"connection-{value[:30]!r}",
            sized(BODY, b"Connection: " + value, b"Traceparent: 00-1", b"User-Agent: probe"),
            PASS,
            closes=closes,
        )
    for field in (
        b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers", b"Trailer: x", b"Via: 1.1 x",
        b"Proxy-Authorization: Basic eDp5", b"X-Forwarded-For: 127.0.0.1", b"X_Forwarded_For: 127.0.0.1", b"Cookie: a=b",
        b"X-Real-IP: 127.0.0.1", b"Forwarded: for=127.0.0.1", b"Max-Forwards: 0", b"Range: bytes=0-1", b"If-Match: *",
        b"Accept-Encoding: gzip", b"OpenAI_Beta: x", b"X-Any: a", b"Upgrade: websocket", b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", b"Content-MD5: x", b"OpenAI-Organization: x", b"Referer: http://x",
    ):  # fmt: skip
        yield Probe(f"dropped-{field!r}", sized(BODY, field), PASS, closes=False)
    for upgrade in (b"h2c", b"websocket", b"HTTP/2.0", b"TLS/1.0"):
        yield Probe(
            f"upgrade-{upgrade!r}",
            sized(BODY, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + upgrade, b"HTTP2-Settings: AAMA")
            + SMUGGLED,
            BAD,
        )
    for name in (
        b"Authorization", b"X-Api-Key", b"Api-Key", b"Content-Type", b"Content-Encoding", b"Expect", b"Anthropic-Version",
    ):  # fmt: skip
        yield Probe(f"twice-{name!r}", sized(BODY, name + b": a", name + b": b") + SMUGGLED)


def _sizes() -> Iterator[Probe]:
    yield Probe("10000-fields", sized(BODY, *(b"X-%d: a" % i for i in range(10_000))), (431, 400))
    yield Probe("10000-fields-of-one-name", sized(BODY, *([b"X: a"] * 10_000)), (431, 400))
    yield Probe("one-huge-field", sized(BODY, b"X: " + b"a" * 60_000), (431, 400))
    yield Probe("one-huge-name", sized(BODY, b"X" * 60_000 + b": a"), (431, 400))
    yield Probe("200-fields", sized(BODY, *(b"X-%d: a" % i for i in range(200))), PASS, closes=False)
    yield Probe("a-field-of-8k", sized(BODY, b"X: " + b"a" * 8192), PASS, closes=False)


def _bodies() -> Iterator[Probe]:
    """Media types and encodings: what is not plain JSON in UTF-8 has more than one reading."""
    for value in (
        b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"text/json",
        b"application/json; charset=utf-16", b"application/json; charset=iso-8859-1", b"application/json;charset=utf-7",
        b"application/jsonx", b"application/json, text/plain", b"application/xml", b"application/json; x=y",
        b"application/json; charset=utf-8; charset=utf-16",
    ):  # fmt: skip
        data = sized(EVIL).replace(b"Content-Type: application/json", b"Content-Type: " + value)
        yield Probe(f"media-{value!r}", data, (415,), closes=False)
    for value in (b"gzip", b"br", b"deflate", b"identity, gzip", b"zstd", b"x-gzip", b"aws-chunked"):
        yield Probe(f"coding-{value!r}", sized(EVIL, b"Content-Encoding: " + value), (415,), closes=False)
    for value in (b"application/json; charset=utf-8", b"APPLICATION/JSON", b'application/json;charset="UTF-8"'):
        data = sized(BODY).replace(b"Content-Type: application/json", b"Content-Type: " + value)
        yield Probe(f"honest-media-{value!r}", data, PASS, closes=False)
    yield Probe("honest-coding", sized(BODY, b"Content-Encoding: identity"), PASS, closes=False)
    for value in (b"200-ok", b"100-continue, x", b"100-continued"):
        yield Probe(f"expect-{value!r}", sized(EVIL, b"Expect: " + value), (417,), closes=False)


PROBES: list[Probe] = [
    *_transfer_encodings(),
    *_content_lengths(),
    *_chunks(),
    *_lines(),
    *_hosts(),
    *_targets(),
    *_methods_and_versions(),
    *_hop_by_hop(),
    *_sizes(),
    *_bodies(),
]
