"""The rounds: every peer once in each, in an order that turns, and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import cpu, payloads, wrk
from benchmarks.cores import Cores
from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import Peer, Running
from benchmarks.upstream import Upstream

WARM_UP_S = 1.0  # connections are made, caches filled, and CPython has specialized its bytecode well before that

# A request that was in flight when wrk stopped reached the upstream and was not counted, one a connection at most.
_IN_FLIGHT = wrk.CONNECTIONS


@dataclass(frozen=True)
class Measurement:
    """One peer in one round. `failure` says why there are no figures; they are zero then."""

    cpu_us: float  # CPU of the whole process tree, user + system, a request
    throughput: float  # requests a second
    p50_us: float
    p99_us: float
    requests: int
    connections: int  # new ones that the upstream saw meanwhile: many mean that the proxy does not keep them
    failure: str | None = None


def _check_answer(peer: Peer, proxy: Running) -> None:
    got = proxy.chat()
    if got is None:
        raise BenchmarkError("no answer")
    if got.status != 200:
        raise BenchmarkError(f"status {got.status}: {got.body[:300].decode(errors='replace')}")
    if not peer.right(got.body):
        raise BenchmarkError(f"not the expected answer: {got.body[:300].decode(errors='replace')}")


def measure(peer: Peer, upstream: Upstream, body: Path, cores: Cores, seconds: float) -> Measurement:
    """Start `peer`, warm it up, load it for `seconds`, stop it. A round that is not clean is a failed Measurement."""
    try:
        with peer.start() as proxy:
            _check_answer(peer, proxy)
            arguments = (proxy.port, proxy.path, body, list(proxy.headers))
            wrk.drive(*arguments, core=cores.load, seconds=WARM_UP_S)
            earlier = upstream.seen()
            before = cpu.sample(proxy.pid)
            load = wrk.drive(*arguments, core=cores.load, seconds=seconds)
            spent = cpu.between(before, cpu.sample(proxy.pid))
            later = upstream.seen()
            # Each question for the counters came on a connection of its own; the later one sees the earlier one.
            asked = later.requests - earlier.requests - 1
            # Requests cut off by the end of the warm-up may reach the upstream after the first reading.
            if not load.requests <= asked <= load.requests + 2 * _IN_FLIGHT:
                raise BenchmarkError(f"{load.requests} answers, but the upstream was asked {asked} times")
            if load.bytes < load.requests * len(payloads.ANSWER):
                raise BenchmarkError(f"{load.bytes} bytes in {load.requests} answers: some were short")
            _check_answer(peer, proxy)
    except BenchmarkError as error:
        return Measurement(0, 0, 0, 0, 0, 0, failure=str(error))
    return Measurement(
        cpu_us=spent / load.requests / 1000,
        throughput=load.requests / load.seconds,
        p50_us=load.p50_us,
        p99_us=load.p99_us,
        requests=load.requests,
        connections=later.connections - earlier.connections - 1,
    )


def turned(peers: Sequence[Peer], round_number: int) -> list[Peer]:
    """The order of a round: shifted by one each round and reversed in every other, so that no peer always follows
    the same one and none is always measured last."""
    start = round_number % len(peers)
    order = [*peers[start:], *peers[:start]]
    return order[::-1] if round_number % 2 else order


def run(
    peers: Sequence[Peer],
    upstream: Upstream,
    body: Path,
    cores: Cores,
    *,
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
) -> dict[str, list[Measurement]]:
    """Measurements by peer name, in the order of the rounds. The peers have been prepared."""
    measured: dict[str, list[Measurement]] = {peer.name: [] for peer in peers}
    for number in range(rounds):
        for place, peer in enumerate(turned(peers, number), 1):
            result = measure(peer, upstream, body, cores, seconds)
            measured[peer.name].append(result)
            outcome = result.failure or f"{result.cpu_us:.1f} us"
            progress(f"round {number + 1}/{rounds}, {place}/{len(peers)}: {peer.name}: {outcome}")
    return measured
