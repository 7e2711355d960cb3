"""Reading wrk's figures: only a clean run gives any."""

from __future__ import annotations

import json

import pytest

from benchmarks import wrk
from benchmarks.errors import BenchmarkError

CLEAN = {
    "requests": 1000,
    "duration_us": 2_000_000,
    "bytes": 1_500_000,
    "connect": 0,
    "read": 0,
    "write": 0,
    "timeout": 0,
    "status": 0,
    "p50_us": 350,
    "p99_us": 900,
    "max_us": 4000,
}


def output(**changed: int) -> str:
    return "Running 2s test\n  32 connections\n\nRESULT " + json.dumps(CLEAN | changed) + "\n"


def test_figures_of_a_clean_run() -> None:
    assert wrk.parse(output()) == wrk.Load(1000, 2.0, 1_500_000, 350.0, 900.0, 4000.0)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("status", "3 non-2xx errors"),
        ("connect", "3 connect errors"),
        ("read", "3 read errors"),
        ("write", "3 write errors"),
        ("timeout", "3 timeout errors"),
    ],
)
def test_any_error_fails_the_run(field: str, reason: str) -> None:
    with pytest.raises(BenchmarkError, match=reason):
        wrk.parse(output(**{field: 3}))


def test_no_request_answered_fails_the_run() -> None:
    with pytest.raises(BenchmarkError, match="no request was answered"):
        wrk.parse(output(requests=0))


@pytest.mark.parametrize("text", ["", "unable to connect", "RESULT {", "RESULT {}", output() + output()])
def test_output_without_readable_figures_is_an_error(text: str) -> None:
    with pytest.raises(BenchmarkError, match="figures"):
        wrk.parse(text)
