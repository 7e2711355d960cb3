"""What all tests share: hypothesis draws the same examples in every run, and says from which seed."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test looks at the clock, so examples may be slow to make on a busy machine.
settings.register_profile(
    "tidegate",
    derandomize=True,
    deadline=None,
    max_examples=100,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tidegate")


def pytest_report_header() -> str:
    """Where the examples of this run come from."""
    return "hypothesis: profile tidegate, derandomized (the seed of each test is its own source), at most 100 examples"
