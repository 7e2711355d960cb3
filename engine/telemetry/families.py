"""The catalogue of metric families: every name that `/metrics` can show, what it means and its labels.

Rules. Names follow the Prometheus conventions: prefix `tidegate_`, base units, counters end in `_total`. A family is
defined here once, so that all processes agree on its kind, help and labels; a name or label that is not here raises
MetricError when a series is made, at start or reload, never on the hot path. Label values come from the policy and the
code (routes, rules, reasons), never from a request, so that their number is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

# Seconds. From a refusal that answers at once to a long generation; a factor of about two and a half between bounds.
DURATION_BOUNDS: Final = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
)


class MetricError(ValueError):
    """A series that does not fit the catalogue: unknown name, wrong kind or wrong labels."""


@dataclass(frozen=True, slots=True)
class Family:
    """One row: `labels` are the label names, in the order in which they are shown."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


def _catalogue(*families: Family) -> dict[str, Family]:
    return {family.name: family for family in families}


FAMILIES: Final = _catalogue(
    Family(
        "tidegate_requests_total",
        "counter",
        "Requests answered, by endpoint and class of status (2xx, 4xx, ...).",
        ("endpoint", "status"),
    ),
    Family("tidegate_refusals_total", "counter", "Requests and answers that a control refused.", ("reason",)),
    Family("tidegate_findings_total", "counter", "Findings in answers, by redaction rule.", ("rule",)),
    Family("tidegate_tokens_total", "counter", "Tokens that upstreams reported.", ("direction",)),
    Family(
        "tidegate_request_duration_seconds",
        "histogram",
        "From the first byte of a request to the last of its answer.",
        ("endpoint",),
    ),
    Family(
        "tidegate_upstream_errors_total",
        "counter",
        "Upstream attempts that failed.",
        ("upstream", "reason"),
    ),
    Family("tidegate_connections", "gauge", "Client connections open now.", ("worker",)),
    Family(
        "tidegate_proxy_protocol_refused_total",
        "counter",
        "Connections closed for want of a valid PROXY header from a trusted proxy.",
    ),
    Family("tidegate_workers_ready", "gauge", "Workers that serve."),
    Family("tidegate_worker_restarts_total", "counter", "Workers started again after they ended unasked."),
    Family("tidegate_policy_reloads_total", "counter", "Policy reloads by result: applied or refused.", ("result",)),
    Family("tidegate_policy_loaded_timestamp_seconds", "gauge", "When the policy in force was loaded (Unix time)."),
    Family("tidegate_audit_lines_total", "counter", "Audit lines written to the log."),
    Family("tidegate_audit_lost_total", "counter", "Audit lines that found no room and were lost."),
    Family("tidegate_audit_backlog_bytes", "gauge", "Audit bytes that wait to be written."),
    Family("tidegate_audit_write_errors_total", "counter", "Writes to the audit log that failed; they are retried."),
    Family("tidegate_metrics_dropped_series_total", "counter", "Series that found no room and are not shown."),
    Family("tidegate_limits_store_failing", "gauge", "Workers that cannot ask the store of shared limits."),
    Family("tidegate_limits_store_failures_total", "counter", "Times that a worker lost the store of shared limits."),
    Family("tidegate_limits_store_calls_total", "counter", "Calls that the store of shared limits answered."),
    Family("tidegate_limits_store_forgot_total", "counter", "Buckets that the store was found to have lost."),
    Family(
        "tidegate_limits_without_store_total",
        "counter",
        "Decisions of limits by their declared mode, because the store failed.",
        ("mode",),
    ),
    Family("tidegate_keys_store_failing", "gauge", "1 while this host cannot compare its keys with the other hosts'."),
    Family("tidegate_keys_received_total", "counter", "Keys of other hosts that were new here, or had changed."),
    Family("tidegate_build_info", "gauge", "Always 1; the labels say what runs.", ("version", "python")),
)


def family(name: str, kind: Kind, labels: tuple[str, ...]) -> Family:
    """The family `name`, checked against what a caller wants to make of it. Raises MetricError."""
    found = FAMILIES.get(name)
    if found is None:
        raise MetricError(f"{name}: no such metric family")
    if found.kind != kind:
        raise MetricError(f"{name} is a {found.kind}, not a {kind}")
    if set(labels) != set(found.labels) or len(labels) != len(found.labels):
        raise MetricError(f"{name} has the labels ({', '.join(found.labels)}), not ({', '.join(labels)})")
    return found
