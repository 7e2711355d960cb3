"""HTTP/1.1 messages with a Content-Length, put together in one piece of memory (RFC 9112, section 6.2).

Theory of operation
    The size of the whole is known before a byte of it is written: the parts of the head, the framing fields, the body.
    It is allocated once and filled in order, where joining and formatting would make an object for each step.

Guarantees
    - What comes out is the parts as they are, `content-length` with the body's size, `connection: close` where asked,
      the empty line and the body.

Not handled
    Whether the parts are lines that end in CR LF.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

cdef enum:
    MOST_DIGITS = 20
    LENGTH_SIZE = 16    # len(b"content-length: ")
    CLOSE_SIZE = 21     # len(b"\r\nconnection: close\r\n")

cdef const char *LENGTH = b"content-length: "
cdef const char *CLOSE = b"\r\nconnection: close\r\n"


cpdef bytes message(tuple parts, bytes body, bint closes):
    """The message. `parts`: all of the head but the framing fields; `closes`: whether the connection ends after it."""
    cdef char[MOST_DIGITS] digits
    cdef Py_ssize_t body_size = PyBytes_GET_SIZE(body), rest = body_size, size, total, index
    cdef Py_ssize_t count = len(parts)
    cdef int at = MOST_DIGITS
    cdef bytes whole, part
    cdef char *p
    while True:
        at -= 1
        digits[at] = <char>(48 + rest % 10)
        rest = rest // 10
        if rest == 0:
            break
    total = LENGTH_SIZE + (MOST_DIGITS - at) + 4 + body_size
    if closes:
        total += CLOSE_SIZE - 2
    for index in range(count):
        if type(parts[index]) is not bytes:
            raise TypeError(f"a part of a message is bytes, not {type(parts[index]).__name__}")
        total += PyBytes_GET_SIZE(<bytes>parts[index])
    whole = PyBytes_FromStringAndSize(NULL, total)
    p = PyBytes_AS_STRING(whole)
    for index in range(count):
        part = <bytes>parts[index]
        size = PyBytes_GET_SIZE(part)
        memcpy(p, PyBytes_AS_STRING(part), size)
        p += size
    memcpy(p, LENGTH, LENGTH_SIZE)
    p += LENGTH_SIZE
    memcpy(p, digits + at, MOST_DIGITS - at)
    p += MOST_DIGITS - at
    if closes:
        memcpy(p, CLOSE, CLOSE_SIZE)
        p += CLOSE_SIZE
    else:
        memcpy(p, b"\r\n", 2)
        p += 2
    memcpy(p, b"\r\n", 2)
    memcpy(p + 2, PyBytes_AS_STRING(body), body_size)
    return whole
