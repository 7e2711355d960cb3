"""The message kernel against bytes put together step by step."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine._fast import message as kernel
from engine._fast.message import message


def test_the_compiled_kernel_is_tested() -> None:
    assert kernel.__file__.endswith(".so")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=8), st.binary(max_size=1200), st.booleans())
@example([], b"", False)
@example([b"a"], b"x" * 100_000, True)
def test_a_message_is_its_parts(parts: list[bytes], body: bytes, closes: bool) -> None:
    framing = b"content-length: %d\r\n" % len(body) + (b"connection: close\r\n" if closes else b"")
    assert message(tuple(parts), body, closes) == b"".join(parts) + framing + b"\r\n" + body


def test_a_part_is_bytes() -> None:
    wrong: tuple[bytes, ...] = (b"a", bytearray(b"b"))  # type: ignore[assignment]
    with pytest.raises(TypeError, match="bytearray"):
        message(wrong, b"", False)
