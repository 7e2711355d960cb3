"""What HTTP asks of a request's head beyond its grammar: the same rules at both doors.

A head is read by this gateway, by whatever stands in front of it, and by its logs. What two of them could read in two
ways is refused: a field that may stand once and stands twice, a body framed in a way that is not exactly one of the two
there are, a Host that is none (RFC 9112, sections 3.2 and 6; RFC 9110, section 7.2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.errors import BAD_REQUEST, EXPECTATION_FAILED, HEADERS_TOO_LARGE, Refusal
from engine.pipeline.forward import FORWARDED

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

# Fields that may stand once: a second one would be read by one party and not by another.
SINGLE: Final = frozenset(
    (
        b"host",
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"transfer-encoding",
        b"expect",
        b"anthropic-version",
    )
)

# Under this name, which no field can have, stands the name of one that came twice.
REPEATED: Final = b""

# A name, an IPv4 address or an IPv6 address in brackets, and a port. A comma is legal in a name and means a list to
# everybody else, so it is not taken.
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+;=%-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# Hosts that were found valid. Clients choose them, so that their number needs a bound.
_REMEMBERED: Final = 256
_valid_hosts: set[bytes] = set()

# Fields of one head. Browsers and SDKs send two dozen, a row of proxies adds as many again.
MAX_FIELDS: Final = 256

# The wire may be this much longer than eight times the body that it carried: chunks of one byte take six.
CHUNK_OVERHEAD: Final = 64 * 1024


# What a Connection field says as a rule: nothing of other fields.
_USUAL: Final = frozenset((b"keep-alive", b"Keep-Alive", b"close", b"upgrade", b"Upgrade"))


def check_head(headers: MutableMapping[bytes, bytes], fields: int, is_http10: bool) -> None:
    """Raises Refusal (400, 417, 431). `headers` by lower-case name, one that came twice also under `REPEATED`;
    `fields` is how many came. What the client has meant for this hop alone is taken out of what would be forwarded
    (RFC 9110, section 7.6.1)."""
    if fields > MAX_FIELDS:
        raise Refusal(HEADERS_TOO_LARGE, f"The request has more than {MAX_FIELDS} header fields.")
    if REPEATED in headers:
        raise Refusal(BAD_REQUEST, "A header field that may stand only once was sent twice.")
    connection = headers.get(b"connection")
    if connection is not None and connection not in _USUAL:
        for name in connection.lower().split(b","):
            if name.strip() in FORWARDED:
                headers.pop(name.strip(), None)
    check_host(headers, is_http10)
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        _check_coding(coding, headers, is_http10)
    expect = headers.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        raise Refusal(EXPECTATION_FAILED, "The only expectation that can be met is 100-continue.")


def check_host(headers: Mapping[bytes, bytes], is_http10: bool) -> None:
    """All of `check_head` that is left to check of a head that the `plainhead` kernel took. Raises Refusal (400)."""
    host = headers.get(b"host")
    if host is None:
        if not is_http10:
            raise Refusal(BAD_REQUEST, "The request has no Host header.")
    elif host not in _valid_hosts:
        _check_host(host)


def _check_host(host: bytes) -> None:
    if not _HOST.fullmatch(host):
        raise Refusal(BAD_REQUEST, "The Host header is not a host.")
    if len(_valid_hosts) < _REMEMBERED:
        _valid_hosts.add(host)


def _check_coding(coding: bytes, headers: Mapping[bytes, bytes], is_http10: bool) -> None:
    """Chunked alone: a second coding would have to be decoded, and in HTTP/1.0 there is none (RFC 9112, 6.1)."""
    if coding.lower() != b"chunked" or is_http10 or b"content-length" in headers:
        raise Refusal(BAD_REQUEST, "The only Transfer-Encoding is chunked, in HTTP/1.1, without a Content-Length.")
