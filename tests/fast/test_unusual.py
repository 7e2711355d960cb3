"""The unusual kernel against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import unusual as kernel
from engine._fast.unusual import unusual
from tests.fast.oracles import unusual as oracle


def test_the_compiled_kernel_is_tested() -> None:
    assert kernel.__file__.endswith(".so")


@pytest.mark.parametrize("byte", range(256))
def test_each_byte(byte: int) -> None:
    assert unusual(bytes([byte])) == (0 if byte in oracle.USUAL else 1 << byte)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("size", [*range(70), 128, 129, 500])
def test_a_byte_is_seen_wherever_it_stands(size: int, wide: bool) -> None:
    for place in range(size):
        text = b"a" * place + b"\x7f" + b"\n" * (size - place - 1)
        assert unusual(text, 0, wide) == 1 << 127
        assert unusual(text, place, wide) == 1 << 127
        assert unusual(text, place + 1, wide) == 0


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.booleans(),
    st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | st.text("aé \x1b", max_size=300).map(str.encode),
    st.integers(-3, 210),
)
def test_what_is_found_is_what_the_oracle_finds(wide: bool, text: bytes, start: int) -> None:
    assert unusual(text, start, wide) == oracle.unusual(text, start)


def test_a_text_is_needed() -> None:
    with pytest.raises(TypeError):
        unusual(None)  # type: ignore[arg-type]
