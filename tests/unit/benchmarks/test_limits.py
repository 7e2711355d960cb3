"""The ledger in plain Python against the script on a real Valkey, and the simulation on a small scene."""

from __future__ import annotations

from random import Random

import pytest
from redis import Redis

from benchmarks.limits.ledger import RateLedger
from benchmarks.limits.simulation import Scene, Simulation, time_to_bind
from engine.limits.shared.counters import rate
from engine.limits.shared.scripts import Answer, bucket_key
from tests.valkey import ValkeyServer

# So long that nothing drains between two calls, whoever is faster.
INTERVAL_NS = 86_400 * 10**9


@pytest.mark.parametrize("seed", range(5))
def test_the_ledger_answers_as_the_script_does(seed: int) -> None:
    counter = rate(b"oracle", INTERVAL_NS, 30 * INTERVAL_NS)
    ledger = RateLedger()
    random = Random(seed)  # noqa: S311 - no secret
    spent, held, told = [0] * 3, [0] * 3, [0] * 3
    with ValkeyServer() as server, Redis("127.0.0.1", server.port) as client:
        client.hset(bucket_key(counter.bucket), mapping={"id": "s", "born": 0, "calls": 0})
        for number in range(1, 150):
            who = random.randrange(3)
            use = random.randint(0, held[who])
            spent[who], held[who] = spent[who] + use, held[who] - use
            if random.random() < 0.2:
                held[who] = 0
            urgent = random.choice((0, 0, 1, 5))
            arguments = (
                "s", 0, f"owner{who}", number, 5_000_000, spent[who], told[who], held[who],
                1, urgent, random.randint(0, 8), 0, "", "", 0, *counter.limits, 0, 0,
            )  # fmt: skip
            reply = client.eval(counter.script.text, len(counter.keys), *counter.keys, *arguments)
            said = Answer(*reply[1:])  # type: ignore[index]
            expected = ledger.call(said.now, arguments)
            assert expected is not None
            told[who] = spent[who]
            held[who] += said.granted
            assert said == expected
            assert sum(spent) + sum(held) <= 30
    assert sum(spent) > 20


def test_hosts_are_never_over_and_hardly_under() -> None:
    outcome = Simulation(Scene(20, 50, requests=1000, seconds=6)).run()
    assert outcome.over == 0
    assert outcome.admitted > 2000
    assert outcome.under_use < 0.05


def test_the_simulation_finds_what_is_over() -> None:
    # A ledger that forgets what it has given out.
    broken = Simulation(Scene(5, 1, requests=500, seconds=4))
    for second in range(1, 4):
        broken.at(broken.now + second * 10**9, broken._ledgers.clear)
    for second in range(1, 4):
        broken.at(
            broken.now + second * 10**9, lambda: [setattr(lease, "known", 0) for lease in broken._leases.values()]
        )
    assert broken.run().over > 0


def test_a_new_limit_binds_soon() -> None:
    assert 0 < time_to_bind(4) < 5
