"""What all tests share: hypothesis draws the same examples in every run, and says from which seed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tidegate", derandomize=True, deadline=None, max_examples=100, print_blob=True)
settings.load_profile("tidegate")


def pytest_report_header() -> str:
    """Where the examples of this run come from."""
    return "hypothesis: profile tidegate, derandomized (the seed of each test is its own source), at most 100 examples"
