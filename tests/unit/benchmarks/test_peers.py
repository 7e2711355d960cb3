"""What is sent, to whom, in which order, and which rounds count."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from benchmarks import payloads, upstream, wrk
from benchmarks.cores import Cores
from benchmarks.errors import BenchmarkError
from benchmarks.http import Answer
from benchmarks.peers import main, rounds
from benchmarks.peers.peer import Peer, Running
from benchmarks.peers.variants import VARIANTS, named, policy_text
from engine.policy.loader import parse_policy
from engine.policy.unenforced import unenforced

ENVIRON = {"BENCH_UPSTREAM": "http://127.0.0.1:9001/v1"}
CORES = Cores(0, 1)


class Counting(upstream.Upstream):
    """An upstream that is asked `each` times between two readings, on 5 new connections."""

    def __init__(self, each: int) -> None:
        super().__init__(0)
        object.__setattr__(self, "_readings", iter((upstream.Seen(7, 0), upstream.Seen(13, each + 1))))

    def seen(self) -> upstream.Seen:
        return next(self._readings)  # type: ignore[attr-defined]


class Fake(Peer):
    """A peer that answers what it was told to, without a socket."""

    def __init__(self, name: str = "fake", answer: Answer | None = None) -> None:
        self.name, self.what = name, "says what it was told"
        self.given = answer

    def prepare(self, folder: Path, upstream: upstream.Upstream, cores: Cores) -> None:
        raise NotImplementedError

    @contextmanager
    def start(self) -> Iterator[Running]:
        given = self.given

        class Told(Running):
            def chat(self) -> Answer | None:
                return given

        yield Told(os.getpid(), 1)


GOOD = Answer(200, payloads.ANSWER)


def measured(
    monkeypatch: pytest.MonkeyPatch, answer: Answer | None, *, requests: int = 100, asked: int = 100, size: int = 2000
) -> rounds.Measurement:
    load = wrk.Load(requests, 2.0, requests * size, 300.0, 900.0, 1000.0)
    monkeypatch.setattr(wrk, "drive", lambda *_, **__: load)
    return rounds.measure(Fake(answer=answer), Counting(asked), Path("body"), CORES, 2.0)


def test_a_clean_round_has_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, GOOD)
    assert found.failure is None
    assert (found.throughput, found.p50_us, found.p99_us, found.requests, found.connections) == (
        50.0,
        300.0,
        900.0,
        100,
        5,
    )
    assert found.cpu_us >= 0


@pytest.mark.parametrize(
    ("answer", "changes", "reason"),
    [
        (None, {}, "no answer"),
        (Answer(403, b"no"), {}, "status 403: no"),
        (Answer(200, payloads.ANSWER[:-1]), {}, "not the expected answer"),
        (GOOD, {"asked": 99}, "100 answers, but the upstream was asked 99 times"),
        (GOOD, {"asked": 165}, "100 answers, but the upstream was asked 165 times"),
        (GOOD, {"size": 1000}, "some were short"),
    ],
)
def test_a_round_that_is_not_clean_fails(
    monkeypatch: pytest.MonkeyPatch, answer: Answer | None, changes: dict[str, int], reason: str
) -> None:
    failure = measured(monkeypatch, answer, **changes).failure
    assert failure is not None
    assert reason in failure


def test_each_round_has_every_peer_once_in_another_order() -> None:
    peers = [Fake(name) for name in "abc"]
    orders = ["".join(peer.name for peer in rounds.turned(peers, number)) for number in range(6)]
    assert [sorted(order) for order in orders] == [["a", "b", "c"]] * 6
    assert len(set(orders)) == 6


def test_peers_are_chosen_by_name() -> None:
    assert [peer.name for peer in main.choose(["envoy", "nginx"])] == ["nginx", "envoy"]
    names = [peer.name for peer in main.choose([])]
    assert len(names) == len(set(names)) == len(VARIANTS) + 3
    with pytest.raises(BenchmarkError, match="no peer is called haproxy"):
        main.choose(["haproxy"])


def test_the_report_tells_failures_and_missed_floors() -> None:
    good = {"nginx": 10.0, "tidegate": 40.0, "tidegate -ip": 39.0}
    results = {name: [rounds.Measurement(cpu, 1000.0, 300.0, 900.0, 100, 0)] for name, cpu in good.items()}
    results["nginx"].append(rounds.Measurement(10.0, 1000.0, 300.0, 900.0, 100, 0))
    for name in ("tidegate", "tidegate -ip"):
        results[name].append(rounds.Measurement(0, 0, 0, 0, 0, 0, failure="3 non-2xx errors"))
    peers = [Fake(name) for name in good]
    demands = main.floors(main.by_round(results))
    shown = main.show(peers, results, demands)
    rows = {line.split("  ")[0]: line.split() for line in shown.splitlines()[:5]}
    assert rows["nginx"][1:3] == ["10.0", "1.00"]
    assert rows["tidegate -ip"][2:6] == ["39.0", "3.90", "-", "1.0"]
    assert rows["tidegate -ip"][-1] == "1/2"
    assert "floor: all on / nginx <= 3.2: 4.00 [4.00, 4.00]: MISSED" in shown
    assert "failed round: tidegate: 3 non-2xx errors" in shown


def test_sizes_are_those_that_are_claimed() -> None:
    assert 650 <= len(payloads.REQUEST) <= 750
    assert 1250 <= len(payloads.ANSWER) <= 1350
    assert json.loads(payloads.REQUEST)["model"] == json.loads(payloads.ANSWER)["model"] == payloads.MODEL
    assert b"jane.roe@example.com" in payloads.FOUND
    assert b"4111 1111 1111 1111" in payloads.FOUND


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_loads_and_is_enforced_in_full(variant: object) -> None:
    assert isinstance(variant, type(VARIANTS[0]))
    assert unenforced(parse_policy(policy_text(variant), variant.name, ENVIRON)) == []


def test_a_variant_differs_from_all_on_in_what_it_names_only() -> None:
    def sections(name: str) -> dict[str, object]:
        return dict(yaml.safe_load(policy_text(named(name))))

    base = sections("tidegate")
    for name, touched in {
        "tidegate -key": {"identity"},
        "tidegate -role": {"roles"},
        "tidegate -ip": {"network"},
        "tidegate -limits": {"limits"},
        "tidegate -redaction": {"roles"},
        "tidegate -validation": set(),
        "tidegate +findings": set(),
        "tidegate off": {"identity", "roles", "network", "limits", "validation"},
    }.items():
        other = sections(name)
        assert {key for key in base.keys() | other.keys() if base.get(key) != other.get(key)} == touched, name


def test_an_answer_that_nginx_would_change_is_refused() -> None:
    assert upstream._quoted(b'a "b" \\n') == '"a \\"b\\" \\\\n"'
    with pytest.raises(ValueError, match="dollar"):
        upstream._quoted(b"5 $")
