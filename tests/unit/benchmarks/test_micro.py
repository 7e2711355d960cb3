"""Timing side by side, and rivals that do the same job as the kernel."""

from __future__ import annotations

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.micro import main, timing
from benchmarks.micro.timing import Case, Contender


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SLICE_NS", 200_000)


def test_a_contender_that_does_another_job_is_refused() -> None:
    case = Case("sum", [Contender("kernel", "a + 1", {"a": 1}), Contender("rival", "a + 2", {"a": 1})])
    with pytest.raises(BenchmarkError, match="sum: rival gives 3, kernel 2"):
        timing.measure(case, 1)


def test_answers_are_compared_in_a_common_form() -> None:
    case = Case("length", [Contender("kernel", "'ab'", {}, len), Contender("rival", "[0, 0]", {}, len)])
    timing.agree(case)


def test_the_slower_contender_is_the_slower_one() -> None:
    quick = Contender("kernel", "sum(few)", {"few": range(10)}, lambda _: None)
    slow = Contender("rival", "sum(many)", {"many": range(10_000)}, lambda _: None)
    result = timing.measure(Case("sum", [quick, slow]), 5)
    assert result.ratios["kernel"].median == 1.0
    assert result.ratios["rival"].median > 10
    assert result.ns["kernel"].count == result.ns["rival"].count == 5
    assert result.ns["kernel"].low > 0


@pytest.mark.parametrize("kernel", main.KERNELS)
def test_every_kernel_agrees_with_its_oracle_and_rivals(kernel: str) -> None:
    cases = main.cases(kernel)
    for case in cases:
        timing.agree(case)
        assert len(case.contenders) > 1
    assert len({case.name for case in cases}) == len(cases)


def test_an_unknown_kernel_is_named(tmp_path: object) -> None:
    with pytest.raises(BenchmarkError, match="no kernel is called quantum"):
        main.main(["quantum"], rounds=1, out=tmp_path, progress=print)  # type: ignore[arg-type]
