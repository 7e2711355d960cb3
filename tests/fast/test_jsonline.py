"""The jsonline kernel against the standard library."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine._fast import jsonline
from engine._fast.jsonline import Line


def test_the_compiled_kernel_is_tested() -> None:
    assert jsonline.__file__.endswith(".so")


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet='abc "\\\x1f\x7f\x80', max_size=40))
@example("")
@example("x" * 5000)
def test_a_text_is_written_as_json_or_not_at_all(text: str) -> None:
    line = Line()
    line.begin()
    line.raw(b"<")
    if line.text(text):
        written = line.take()
        assert written[:1] == b"<"
        assert json.loads(written[1:]) == text
    else:
        assert line.take() == b"<"
        assert any(not " " <= letter < "\x7f" or letter in '"\\' for letter in text)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 20))
@example(0, 1)
@example(-(2**63), 20)
def test_numbers(value: int, width: int) -> None:
    line = Line()
    line.begin()
    line.number(value, width)
    assert line.take() == f"{'-' if value < 0 else ''}{abs(value):0{width}d}".encode()


def test_a_line_that_was_left_is_forgotten() -> None:
    line = Line()
    line.begin()
    line.raw(b"half")
    line.begin()
    line.raw(b"whole")
    line.raw(b"x" * 3000)
    assert line.take() == b"whole" + b"x" * 3000


@pytest.mark.parametrize("width", [0, 21])
def test_a_width_is_bounded(width: int) -> None:
    with pytest.raises(ValueError, match="digits"):
        Line().number(1, width)
