"""The counters kernel: against its oracle, at its edges, and with several processes adding at once."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine._fast import counters as kernel
from engine._fast.counters import MAX_BOUNDS, Counters, Histogram
from tests.fast.oracles.counters import CountersOracle, HistogramOracle

ROOT = Path(__file__).parents[2]
PROFILE = settings(max_examples=200, deadline=None, derandomize=True)
WORDS = st.integers(-(2**63), 2**63 - 1)


def test_the_compiled_kernel_is_loaded() -> None:
    assert kernel.__file__.endswith(".so")


@PROFILE
@given(st.lists(st.tuples(st.sampled_from(["add", "set"]), st.integers(0, 3), WORDS)))
def test_words_do_what_the_oracle_does(steps: list[tuple[str, int, int]]) -> None:
    counters, oracle = Counters(bytearray(32)), CountersOracle(4)
    for name, index, value in steps:
        getattr(counters, name)(index, value)
        getattr(oracle, name)(index, value)
    assert [counters.get(index) for index in range(4)] == oracle.words


@PROFILE
@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=MAX_BOUNDS, unique=True).map(sorted),
    st.lists(st.floats(-1e6, 1e9)),
)
def test_histograms_do_what_the_oracle_does(bounds: list[float], values: list[float]) -> None:
    histogram = Histogram(Counters(bytearray(8 * (MAX_BOUNDS + 2))), 0, bounds)
    oracle = HistogramOracle(bounds)
    for value in (*values, *bounds):
        histogram.observe(value)
        oracle.observe(value)
    assert histogram.read() == oracle.read()


def test_a_histogram_keeps_to_its_words() -> None:
    counters = Counters(bytearray(8 * 8))
    histogram = Histogram(counters, 2, (1, 2))
    for value in (0.5, 1, 1.5, 3):
        histogram.observe(value)
    assert histogram.read() == ([2, 1, 1], 6.0)
    assert [counters.get(index) for index in (0, 1, 6, 7)] == [0, 0, 0, 0]
    assert Histogram.words_for(2) == 4
    assert Histogram(counters, 4, (1, 2)) is not None
    with pytest.raises(IndexError):
        Histogram(counters, 5, (1, 2))


@pytest.mark.parametrize("index", [-1, 4, 2**40])
def test_an_index_outside_is_refused(index: int) -> None:
    counters = Counters(bytearray(32))
    assert len(counters) == 4
    for use in (counters.add, counters.get, lambda at: counters.set(at, 1)):
        with pytest.raises(IndexError):
            use(index)


@pytest.mark.parametrize(
    "bounds", [(), (1.0,) * 2, (2.0, 1.0), (float("inf"),), (float("nan"),), tuple(range(MAX_BOUNDS + 1))]
)
def test_bounds_that_make_no_sense_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Histogram(Counters(bytearray(8 * 100)), 0, bounds)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    histogram = Histogram(Counters(bytearray(24)), 0, (1.0,))
    with pytest.raises(ValueError, match="cannot be observed"):
        histogram.observe(value)
    assert histogram.read() == ([0, 0], 0.0)


def test_buffers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="whole words"):
        Counters(bytearray(12))
    with pytest.raises(BufferError):
        Counters(bytes(8))


ADDER = """
import mmap, os, sys
from engine._fast.counters import Counters, Histogram
counters = Counters(mmap.mmap(int(sys.argv[1]), 4096))
histogram = Histogram(counters, 1, (1.0, 2.0))
for turn in range(50_000):
    counters.add(0, 3)
    histogram.observe(1.5)
"""


def test_no_addition_of_several_processes_is_lost() -> None:
    fd = os.memfd_create("counters")
    os.ftruncate(fd, 4096)
    command = [sys.executable, "-c", ADDER, str(fd)]
    adders = [subprocess.Popen(command, cwd=ROOT, pass_fds=[fd]) for _ in range(4)]
    assert [adder.wait() for adder in adders] == [0] * 4
    counters = Counters(mmap.mmap(fd, 4096))
    os.close(fd)
    assert counters.get(0) == 4 * 50_000 * 3
    assert Histogram(counters, 1, (1.0, 2.0)).read() == ([0, 200_000, 0], 300_000.0)
