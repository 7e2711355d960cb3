"""The counters of the request path, resolved to indices once, so that a request adds by number.

Made anew with each policy, as the endpoints and rules that may appear come from it. Names: `engine.telemetry.families`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.telemetry.families import DURATION_BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.pipeline.context import RequestContext
    from engine.telemetry.metrics import Metrics

_CLASSES = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
# Requests whose route is unknown.
_NO_ENDPOINT = "none"


class Meters:
    """Counters by endpoint, reason, rule and upstream."""

    __slots__ = ("_durations", "_findings", "_input", "_metrics", "_output", "_reasons", "_requests", "_words")

    def __init__(self, metrics: Metrics, endpoints: Iterable[str]) -> None:
        names = [*endpoints, _NO_ENDPOINT]
        self._metrics = metrics
        self._words = metrics.words
        self._requests = {
            name: [metrics.counter("tidegate_requests_total", endpoint=name, status=status) for status in _CLASSES]
            for name in names
        }
        self._durations = {
            name: metrics.histogram("tidegate_request_duration_seconds", DURATION_BOUNDS, endpoint=name)
            for name in names
        }
        self._input = metrics.counter("tidegate_tokens_total", direction="input")
        self._output = metrics.counter("tidegate_tokens_total", direction="output")
        self._reasons: dict[str, int] = {}
        self._findings: dict[str, int] = {}

    def request(self, ctx: RequestContext, seconds: float) -> None:
        """Counts a request that has ended. `seconds`: its whole time."""
        endpoint = ctx.endpoint
        name = endpoint.name if endpoint is not None else _NO_ENDPOINT
        words = self._words
        words.add(self._requests[name][ctx.status // 100])
        histogram = self._durations[name]
        histogram.observe(seconds)
        usage = ctx.usage
        if usage is not None:
            if usage.input > 0:
                words.add(self._input, usage.input)
            if usage.output > 0:
                words.add(self._output, usage.output)
        if ctx.reason is not None:
            words.add(self._index(self._reasons, "tidegate_refusals_total", "reason", ctx.reason))
        if ctx.findings:
            for rule, count in ctx.findings.items():
                words.add(self._index(self._findings, "tidegate_findings_total", "rule", rule), count)

    def upstream_error(self, upstream: str, reason: str) -> None:
        """Counts an upstream attempt that failed."""
        self._words.add(self._metrics.counter("tidegate_upstream_errors_total", upstream=upstream, reason=reason))

    def _index(self, known: dict[str, int], family: str, label: str, value: str) -> int:
        # Reasons and rules are names from the code and the policy, never from a request, so these stay small.
        index = known.get(value)
        if index is None:
            index = known[value] = self._metrics.counter(family, **{label: value})
        return index
