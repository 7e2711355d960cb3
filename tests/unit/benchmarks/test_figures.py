"""Medians of ratios, floors, tables and the chart."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import report
from benchmarks.peers.floors import floors
from benchmarks.stats import Spread, ratio, spread, within_rounds


def test_a_ratio_is_taken_within_a_round() -> None:
    # The machine is twice as slow in the second round and three times in the third: the ratio stays.
    assert ratio([20.0, 40.0, 60.0], [10.0, 20.0, 30.0]) == Spread(2.0, 2.0, 2.0, 3)


def test_a_round_in_which_one_failed_does_not_count() -> None:
    assert ratio([20.0, None, 60.0], [10.0, 20.0, None]) == Spread(2.0, 2.0, 2.0, 1)
    assert ratio([None], [1.0]) is None


def test_the_median_of_an_even_number_is_between() -> None:
    assert spread([1.0, 2.0, 10.0, 4.0]) == Spread(3.0, 1.0, 10.0, 4)
    assert spread([]) is None


def test_a_zero_is_a_value() -> None:
    assert within_rounds(lambda a, b: a - b, [1.0, 0.0], [1.0, 1.0]) == Spread(-0.5, -1.0, 0.0, 2)


def test_series_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0, 2.0], [1.0])


def test_floors_at_their_edges() -> None:
    held = {"nginx": [10.0], "envoy": [40.0], "tidegate": [32.0], "tidegate off": [18.0]}
    assert [(floor.name, floor.value and floor.value.median, floor.held) for floor in floors(held)] == [
        ("all on / Envoy", 0.8, True),
        ("all on / nginx", 3.2, True),
        ("(all on - all off) / nginx", 1.4, True),
    ]
    missed = held | {"tidegate": [32.1]}
    assert [floor.held for floor in floors(missed)] == [False, False, False]


def test_a_floor_without_figures_is_not_held() -> None:
    found = floors({"nginx": [10.0], "tidegate": [None]})
    assert [(floor.name, floor.value, floor.held) for floor in found] == [("all on / nginx", None, False)]


def test_floors_of_peers_that_did_not_take_part_are_not_asked() -> None:
    assert floors({"nginx": [10.0], "envoy": [40.0]}) == []


def test_table() -> None:
    shown = report.table(["name", "us"], [["nginx", "10.0"], ["a", "1,000.0"]])
    assert shown.splitlines() == ["name        us", "-----  -------", "nginx     10.0", "a      1,000.0"]


def test_json_holds_the_machine_and_every_figure(tmp_path: Path) -> None:
    file = tmp_path / "new" / "figures.json"
    report.write_json(file, {"value": Spread(1.0, 0.5, 2.0, 3), "list": [Spread(1.0, 1.0, 1.0, 1)]})
    read = json.loads(file.read_text())
    assert read["value"] == {"median": 1.0, "low": 0.5, "high": 2.0, "count": 3}
    assert read["list"][0]["count"] == 1
    assert read["machine"].keys() == {"processor", "cores", "kernel", "python"}


def test_the_chart_names_every_bar_and_its_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the bench extra is not installed")
    from benchmarks import chart

    file = tmp_path / "peers.svg"
    bars = [("nginx", Spread(10.0, 9.0, 11.0, 3)), ("tidegate", Spread(22.5, 22.0, 24.0, 3))]
    chart.draw(file, [*bars, ("aiohttp", Spread(134.0, 130.0, 140.0, 3))])
    words = {(element.text or "").strip() for element in ET.parse(file).iter()}  # noqa: S314 - our own file
    assert {"nginx", "tidegate", "aiohttp", "10.0", "22.5", "134.0"} <= words
