"""Metrics: series, stripes, taking over, running out of room, and their text."""

from __future__ import annotations

import os

import pytest

from engine.telemetry.exposition import render
from engine.telemetry.families import DURATION_BOUNDS, FAMILIES, MetricError
from engine.telemetry.metrics import STRIPE_BYTES, WORDS, Board, Metrics

REQUESTS = "tidegate_requests_total"
DURATION = "tidegate_request_duration_seconds"


def lines(board: Board, name: str) -> list[str]:
    return [line for line in render(board).decode().splitlines() if line.startswith(name)]


def test_series_of_all_stripes_add_up() -> None:
    board = Board.create(3)
    for stripe, count in ((0, 5), (1, 7), (2, 11)):
        metrics = Metrics(board, stripe)
        # The order in which a process registers its series is its own.
        if stripe == 1:
            metrics.counter("tidegate_refusals_total", reason="other")
        metrics.add(metrics.counter(REQUESTS, endpoint="chat", status="2xx"), count)
    assert lines(board, REQUESTS) == [f'{REQUESTS}{{endpoint="chat",status="2xx"}} 23']


def test_a_series_is_made_once_whatever_the_order_of_its_labels() -> None:
    metrics = Metrics(Board.create(1), 0)
    index = metrics.counter(REQUESTS, endpoint="chat", status="2xx")
    assert metrics.counter(REQUESTS, status="2xx", endpoint="chat") == index
    assert metrics.counter(REQUESTS, endpoint="chat", status="4xx") != index


def test_a_gauge_goes_up_and_down() -> None:
    board = Board.create(1)
    metrics = Metrics(board, 0)
    gauge = metrics.gauge("tidegate_workers_ready")
    metrics.set(gauge, 4)
    metrics.add(gauge, -3)
    assert metrics.get(gauge) == 1
    assert lines(board, "tidegate_workers_ready") == ["tidegate_workers_ready 1"]


def test_the_gauges_of_an_ended_process_are_cleared_and_its_counters_stay() -> None:
    board = Board.create(2)
    for stripe in (0, 1):
        metrics = Metrics(board, stripe)
        metrics.set(metrics.gauge("tidegate_connections", worker="0"), 3)
        metrics.add(metrics.counter("tidegate_refusals_total", reason="x"), 4)
    board.clear_gauges(1)
    assert lines(board, "tidegate_connections") == ['tidegate_connections{worker="0"} 3']
    assert lines(board, "tidegate_refusals_total") == ['tidegate_refusals_total{reason="x"} 8']


def test_histograms_are_cumulated_and_added_up() -> None:
    board = Board.create(2)
    for stripe, values in ((0, (0.5, 1.0, 7.5)), (1, (1.5,))):
        histogram = Metrics(board, stripe).histogram(DURATION, (1.0, 2.5), endpoint="chat")
        for value in values:
            histogram.observe(value)
    assert lines(board, DURATION) == [
        f'{DURATION}_bucket{{endpoint="chat",le="1.0"}} 2',
        f'{DURATION}_bucket{{endpoint="chat",le="2.5"}} 3',
        f'{DURATION}_bucket{{endpoint="chat",le="+Inf"}} 4',
        f'{DURATION}_sum{{endpoint="chat"}} 10.5',
        f'{DURATION}_count{{endpoint="chat"}} 4',
    ]


def test_the_next_process_of_a_stripe_counts_on() -> None:
    board = Board.create(1)
    first = Metrics(board, 0)
    index = first.counter(REQUESTS, endpoint="chat", status="2xx")
    first.add(index)
    first.histogram(DURATION, (1.0,), endpoint="chat").observe(2.0)
    second = Metrics(Board(os.dup(board.fd)), 0)
    # Another first series: what is there already keeps its place.
    second.add(second.counter("tidegate_refusals_total", reason="x"), 10)
    assert second.counter(REQUESTS, endpoint="chat", status="2xx") == index
    second.add(index)
    second.histogram(DURATION, (1.0,), endpoint="chat").observe(3.0)
    assert lines(board, REQUESTS)[0].endswith(" 2")
    assert lines(board, f"{DURATION}_sum")[0].endswith(" 5.0")
    assert lines(board, "tidegate_refusals_total")[0].endswith(" 10")


def test_every_family_has_help_and_type_before_its_series() -> None:
    board = Board.create(1)
    metrics = Metrics(board, 0)
    for family in FAMILIES.values():
        labels = dict.fromkeys(family.labels, "x")
        if family.kind == "histogram":
            metrics.histogram(family.name, DURATION_BOUNDS, **labels)
        else:
            getattr(metrics, family.kind)(family.name, **labels)
        assert family.name.startswith("tidegate_")
        assert family.name.endswith("_total") == (family.kind == "counter")
    text = render(board).decode().splitlines()
    seen: set[str] = set()
    for line in text:
        if line.startswith("# TYPE "):
            seen.add(line.split()[2])
        elif not line.startswith("#"):
            name = line.partition("{")[0].partition(" ")[0]
            assert name in seen or name.rpartition("_")[0] in seen
    assert seen == set(FAMILIES)


def test_label_values_are_escaped() -> None:
    board = Board.create(1)
    metrics = Metrics(board, 0)
    metrics.add(metrics.counter("tidegate_refusals_total", reason='a"b\\c\nd'))
    assert lines(board, "tidegate_refusals_total") == ['tidegate_refusals_total{reason="a\\"b\\\\c\\nd"} 1']


@pytest.mark.parametrize(
    ("kind", "name", "labels"),
    [
        ("counter", "tidegate_nothing_total", {}),
        ("gauge", REQUESTS, {"endpoint": "chat", "status": "2xx"}),
        ("counter", REQUESTS, {"endpoint": "chat"}),
        ("counter", REQUESTS, {"endpoint": "chat", "status": "2xx", "model": "x"}),
        ("counter", REQUESTS, {"endpoint": "chat", "state": "2xx"}),
    ],
)
def test_what_is_not_in_the_catalogue_is_refused(kind: str, name: str, labels: dict[str, str]) -> None:
    with pytest.raises(MetricError, match=name):
        getattr(Metrics(Board.create(1), 0), kind)(name, **labels)


def test_buckets_must_make_sense_and_stay_the_same() -> None:
    metrics = Metrics(Board.create(1), 0)
    metrics.histogram(DURATION, (1.0, 2.0), endpoint="chat")
    with pytest.raises(MetricError, match="exists with the buckets"):
        metrics.histogram(DURATION, (1.0, 3.0), endpoint="chat")
    with pytest.raises(MetricError, match="0 buckets"):
        metrics.histogram(DURATION, (), endpoint="other")


def test_series_without_room_work_and_are_counted_but_not_shown() -> None:
    board = Board.create(1)
    metrics = Metrics(board, 0)
    kept = metrics.counter("tidegate_findings_total", rule="kept")
    for number in range(kept + 1, WORDS):
        metrics.counter("tidegate_refusals_total", reason=str(number))
    assert lines(board, "tidegate_metrics_dropped") == ["tidegate_metrics_dropped_series_total 0"]
    dropped = metrics.counter("tidegate_findings_total", rule="dropped")
    metrics.add(kept)
    metrics.add(dropped, 1000)
    assert metrics.counter("tidegate_findings_total", rule="dropped") == dropped
    metrics.histogram(DURATION, DURATION_BOUNDS, endpoint="dropped").observe(1.0)
    assert lines(board, "tidegate_findings_total") == ['tidegate_findings_total{rule="kept"} 1']
    assert lines(board, DURATION) == []
    assert lines(board, "tidegate_metrics_dropped") == ["tidegate_metrics_dropped_series_total 2"]


def test_a_full_directory_keeps_to_its_bytes() -> None:
    board = Board.create(2)
    Metrics(board, 1)
    metrics = Metrics(board, 0)
    for number in range(40):
        metrics.counter("tidegate_findings_total", rule=f"{number}" * 5000)
    shown = len(lines(board, "tidegate_findings_total"))
    assert 0 < shown < 40
    assert lines(board, "tidegate_metrics_dropped") == [f"tidegate_metrics_dropped_series_total {40 - shown}"]


def test_a_board_knows_its_bounds() -> None:
    board = Board.create(2)
    assert board.stripes == 2
    assert os.fstat(board.fd).st_size == 2 * STRIPE_BYTES
    with pytest.raises(IndexError):
        board.words(2)
    fd = os.memfd_create("odd")
    with pytest.raises(ValueError, match="not a whole number of stripes"):
        Board(fd)
    os.close(fd)
