"""The peers benchmark from beginning to end: set up, rounds, table, JSON, chart, floors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from benchmarks import chart, payloads
from benchmarks.cores import pick, staying_on
from benchmarks.errors import BenchmarkError
from benchmarks.peers import rounds
from benchmarks.peers.aiohttp_proxy import AiohttpProxy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.floors import ALL_ON, ENVOY, NGINX, Floor, floors
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.peer import Peer
from benchmarks.peers.rounds import Measurement
from benchmarks.peers.tidegate import tidegates
from benchmarks.report import middle, number, ranged, table, write_json
from benchmarks.stats import Spread, ratio, spread, within_rounds
from benchmarks.upstream import constant_upstream

_LEGEND = (
    "CPU us: user + system of all processes of the proxy, a request, median of the rounds. Ratios and differences are",
    "taken within a round. saves us: what a request costs less than with all controls on.",
)


def all_peers() -> list[Peer]:
    """Every peer, in the order of the table."""
    return [Nginx(), Envoy(), AiohttpProxy(), *tidegates()]


def choose(names: Sequence[str]) -> list[Peer]:
    """The peers with these names, in the order of the table; all of them for no names. Raises BenchmarkError."""
    peers = all_peers()
    known = [peer.name for peer in peers]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BenchmarkError(f"no peer is called {', '.join(unknown)}; there are: {', '.join(known)}")
    return [peer for peer in peers if not names or peer.name in names]


def _good(measured: Sequence[Measurement]) -> list[Measurement]:
    return [one for one in measured if one.failure is None]


def _row(name: str, cpu_us: dict[str, list[float | None]], measured: Sequence[Measurement]) -> list[str]:
    good = _good(measured)
    own = cpu_us[name]
    against = [middle(ratio(own, cpu_us[base])) if base in cpu_us else "-" for base in (NGINX, ENVOY)]
    less: Spread | None = None
    if name.startswith(f"{ALL_ON} ") and ALL_ON in cpu_us:
        less = within_rounds(lambda on, one: on - one, cpu_us[ALL_ON], own)
    return [
        name,
        middle(spread([one.cpu_us for one in good]), 1),
        *against,
        middle(less, 1),
        number(median([one.throughput for one in good]) if good else None, 0),
        number(median([one.p50_us for one in good]) / 1000 if good else None, 2),
        number(median([one.p99_us for one in good]) / 1000 if good else None, 2),
        f"{len(good)}/{len(measured)}",
    ]


def show(peers: Sequence[Peer], measured: dict[str, list[Measurement]], demands: Sequence[Floor]) -> str:
    """The report as text."""
    cpu_us = by_round(measured)
    head = ["peer", "CPU us", "x nginx", "x Envoy", "saves us", "req/s", "p50 ms", "p99 ms", "rounds"]
    lines = [table(head, [_row(peer.name, cpu_us, measured[peer.name]) for peer in peers]), ""]
    width = max(len(peer.name) for peer in peers)
    lines += [f"{peer.name.ljust(width)}  {peer.what}" for peer in peers]
    lines += ["", *_LEGEND, ""]
    for demand in demands:
        verdict = "held" if demand.held else "MISSED" if demand.value else "not measured"
        aim = "" if demand.aim is None else f" (aim {demand.aim})"
        lines.append(f"floor: {demand.name} <= {demand.most}{aim}: {ranged(demand.value)}: {verdict}")
    failures = [(peer.name, one.failure) for peer in peers for one in measured[peer.name] if one.failure]
    lines += [f"failed round: {name}: {failure}" for name, failure in failures]
    return "\n".join(lines)


def by_round(measured: dict[str, list[Measurement]]) -> dict[str, list[float | None]]:
    """CPU microseconds a request by peer and round; None where the round failed."""
    return {
        name: [one.cpu_us if one.failure is None else None for one in results] for name, results in measured.items()
    }


def main(
    names: Sequence[str], *, number_of_rounds: int, seconds: float, out: Path, progress: Callable[[str], None]
) -> bool:
    """Run it. Whether every round was clean and every floor that could be judged is held. Raises BenchmarkError."""
    cores = pick()
    peers = choose(names)
    with staying_on(cores.load), tempfile.TemporaryDirectory(prefix="tidegate-bench-") as scratch:
        folder = Path(scratch)
        body = folder / "request.json"
        body.write_bytes(payloads.REQUEST)
        with constant_upstream(folder / "upstream", core=cores.load) as upstream:
            for place, peer in enumerate(peers):
                own = folder / f"peer{place}"
                own.mkdir()
                progress(f"preparing {peer.name}")
                peer.prepare(own, upstream, cores)
            measured = rounds.run(
                peers, upstream, body, cores, rounds=number_of_rounds, seconds=seconds, progress=progress
            )
    demands = floors(by_round(measured))
    print(show(peers, measured, demands))
    bars = []
    for peer in peers:
        summary = spread([one.cpu_us for one in _good(measured[peer.name])])
        if summary is not None:
            bars.append((peer.name, summary))
    figures = {
        "rounds": number_of_rounds,
        "seconds": seconds,
        "peers": {peer.name: {"what": peer.what, "rounds": measured[peer.name]} for peer in peers},
        "floors": [
            {"name": demand.name, "most": demand.most, "value": demand.value, "held": demand.held} for demand in demands
        ],
    }
    write_json(out / "peers.json", figures)
    print(f"\nwritten: {out / 'peers.json'}")
    if bars:
        chart.draw(out / "peers.svg", bars)
        print(f"drawn: {out / 'peers.svg'}")
    return all(demand.held for demand in demands) and all(
        one.failure is None for results in measured.values() for one in results
    )
