"""The echo kernel against plain Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import echo
from engine._fast.echo import Echo
from tests.fast.oracles import echo as oracle

SOURCE = (
    "One two three, four five six seven eight; nine ten 語彙の eleven twelve one two thirteen "
    + "x" * 70
    + " end of it all."
)
WORDS = [word for word in SOURCE.replace("語彙の", "語 彙 の").replace(",", "").split() if len(word) < 65]
# Mostly a run of the source, with other words and long gaps now and then.
PARTS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 14), st.integers(1, 14), st.sampled_from([" ", ", ", "\n- ", " " * 33, " " * 32])).map(
            lambda run: run[2].join(WORDS[run[0] : run[0] + run[1]]) + run[2]
        ),
        st.sampled_from(
            ["other ", "one", "é ", "語", "x" * 64, "x" * 65 + " ", " " * 40, "two three ", "Seven EIGHT "]
        ),
    ),
    max_size=6,
).map("".join)
SOURCES = st.sampled_from([(SOURCE,), ("too few words",), (), (SOURCE, " ".join(WORDS[3:12]))])


def test_the_compiled_kernel_is_tested() -> None:
    assert echo.__file__.endswith(".so")
    assert (echo.WORDS, echo.LONGEST, echo.GAP, echo.WORD) == (oracle.WORDS, oracle.LONGEST, oracle.GAP, oracle.WORD)
    assert echo.LOOKBACK == oracle.SPAN + 1


@settings(max_examples=600, derandomize=True, deadline=None)
@given(st.booleans(), SOURCES, PARTS, st.integers(0, 60), st.integers(0, 200), st.sampled_from([100, 11, 9]))
def test_finds_and_holds_what_the_oracle_does(
    wide: bool, sources: tuple[str, ...], text: str, start: int, before: int, most: int
) -> None:
    encoded = [source.encode() for source in sources]
    kernel, plain = Echo(encoded, most, wide), oracle.Echo(encoded, most)
    data = text.encode()
    at = len(text[:start].encode())
    assert kernel.find(data, at, before) == plain.find(data, at, before)
    assert kernel.find(data, at, len(data)) == plain.find(data, at, len(data))
    assert kernel.tail(data, at) == plain.tail(data, at)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(
    st.booleans(),
    st.lists(st.sampled_from([*WORDS, "other", "語", "é", "\x80", "-", "  ", "x" * 66]), max_size=60),
    st.sampled_from([" ", "", ", "]),
    st.integers(0, 12),
    st.integers(0, 9),
)
def test_a_run_is_found_wherever_it_stands(wide: bool, ahead: list[str], joint: str, first: int, size: int) -> None:
    """Between words of which some are the source's, so that what is passed over ends anywhere."""
    text = f"{joint.join(ahead)} {' '.join(WORDS[first : first + size])} {joint.join(ahead[::-1])}"
    data = text.encode("utf-8", "surrogateescape").replace(b"\xc2\x80", b"\x80")
    kernel, plain = Echo([SOURCE.encode()], 100, wide), oracle.Echo([SOURCE.encode()], 100)
    at = 0
    while (found := plain.find(data, at, len(data))) is not None:
        assert kernel.find(data, at, len(data)) == found
        at = found[1]
    assert kernel.find(data, at, len(data)) is None


@pytest.mark.parametrize("wide", [True, False])
def test_a_run_is_found_far_in_a_long_text(wide: bool) -> None:
    """At every place in and around the pieces of a text that are read at once, and behind words that are the source's
    but no pair of it."""
    kernel = Echo([SOURCE.encode()], 100, wide)
    run = b"two three, four five six seven eight; nine"
    for before in range(3800, 4300, 7):
        words = b"seven ten " * (before // 10) + b"." * (before % 10) + b" "
        text = words + run + b" other words " * 30
        assert kernel.find(text, 0, len(text)) == (len(words), len(words) + len(run))


@pytest.mark.parametrize("size", [7, 8, 63, 64, 65, 200])
def test_a_long_run_is_cut(size: int) -> None:
    source = " ".join(f"word{number}" for number in range(size)).encode()
    kernel, plain = Echo([source], 8192), oracle.Echo([source], 8192)
    text = b"so: " + source + b" "
    at = 0
    while (found := kernel.find(text, at, len(text))) is not None:
        assert found == plain.find(text, at, len(text))
        at = found[1]
    assert plain.find(text, at, len(text)) is None
    for end in range(0, len(text), 13):
        assert kernel.tail(text[:end], 0) == plain.tail(text[:end], 0)
