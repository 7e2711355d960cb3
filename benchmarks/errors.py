"""The one error of the harness: what was to be measured could not be measured, and why."""


class BenchmarkError(Exception):
    """A missing tool, a process that did not come up, or a round whose answers were not all good."""
