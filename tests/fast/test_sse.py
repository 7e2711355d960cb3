"""The sse kernel against its oracle, at every cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import sse
from tests.fast.oracles.sse import split

_ALPHABET = st.sampled_from([b"data", b"event", b":", b" ", b"\n", b"\r", b"\r\n", b"x", b"\xef\xbb\xbf", b"id"])
STREAM = b"\xef\xbb\xbfdata: a\n\n: note\r\n\r\nevent: e\rdata: 1\rdata:2\r\rid: 4\n\ndata\n\nda"


def _cut(pieces: list[bytes]) -> tuple[list[tuple[bytes, bytes | None, bytes | None]], bytes]:
    splitter = sse.Splitter(1000)
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return [(event.raw, event.data, event.event) for event in events], splitter.finish()


def test_the_compiled_kernel_is_loaded() -> None:
    assert sse.__file__.endswith(".so")


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_every_cut_gives_the_same_events(at: int) -> None:
    assert _cut([STREAM[:at], STREAM[at:]]) == split(STREAM)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(_ALPHABET, max_size=30))
def test_equals_the_oracle(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    assert _cut([stream]) == split(stream)
    assert _cut([stream[i : i + 1] for i in range(len(stream))]) == split(stream)


def test_an_event_that_is_too_long_is_refused() -> None:
    with pytest.raises(sse.EventTooLong):
        sse.Splitter(10).feed(b"data: " + b"x" * 20)
    with pytest.raises(sse.EventTooLong):
        sse.Splitter(10).feed(b"data: " + b"x" * 20 + b"\n\n")
