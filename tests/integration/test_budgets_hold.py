"""Limits on tokens, spend and concurrency over two workers: charged is what the upstream gave, on every way out."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.extraction.tokens import estimate_request
from tests.integration.conftest import Run
from tests.integration.counting_upstream import INPUT, OUTPUT, TEXT, CountingUpstream
from tests.integration.gateway import Gateway
from tests.integration.raw import Answer, Connection, ask, chat, request
from tests.integration.waiting import until
from tests.valkey import ValkeyServer

POLICY = """
upstreams:
  local: {{base_url: "http://127.0.0.1:{port}/v1", timeouts: {{first_byte: 400ms}}}}
  patient: {{base_url: "http://127.0.0.1:{port}/v1"}}
models:
  hang: {{upstream: patient}}
  priced: {{upstream: local, price: {{input: 1.00, output: 2.00}}}}
  "*": {{upstream: local}}
roles:
  user: {{endpoints: ["*"], models: ["*"], redaction: default}}
redaction:
  default: {{custom: block}}
rules:
  - {{id: live, pattern: 'sk-live-[a-z]{{1,40}}', group: custom, examples: [sk-live-secret]}}
limits:
  - {{name: month, by: user, tokens: 10000000/month, window: calendar}}
  - {{name: few, by: user, tokens: 300/month, window: calendar, models: [few, endless]{more}}}
  - {{name: money, by: team, spend: 0.001/day}}
  - {{name: parallel, by: user, concurrent: 40}}
  - {{name: two, by: user, concurrent: 2, models: [stall]}}
"""


@pytest.fixture(scope="module")
def counting() -> Iterator[CountingUpstream]:
    with CountingUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, counting: CountingUpstream) -> Gateway:
    return run_gateway(POLICY.format(port=counting.port, more=", on_exhausted: end"))


def counters(gateway: Gateway, *whom: str) -> dict[str, dict[str, Any]]:
    """What `tidegate limits show` says, by limit."""
    shown = gateway.run("limits", "show", "--json", *whom)
    assert shown.returncode == 0, shown.stderr
    return {counter["limit"]: counter for counter in json.loads(shown.stdout)}


def one(gateway: Gateway, key: str, **body: Any) -> Answer:
    return ask(gateway.port, request(key, chat(**body)))


def test_an_answer_is_charged_as_the_upstream_reports_it(gateway: Gateway) -> None:
    key, _ = gateway.key("anna")
    answer = one(gateway, key, max_tokens=100)
    assert answer.status == 200
    month = counters(gateway, "--user", "anna")["month"]
    assert (month["used"], month["held"]) == (INPUT + OUTPUT, 0)
    assert int(answer.headers["x-ratelimit-limit-tokens"]) == 10_000_000
    assert '"month";q=10000000' in answer.headers["ratelimit-policy"]


def test_a_stream_is_asked_for_its_use_and_the_client_does_not_see_it(
    gateway: Gateway, counting: CountingUpstream
) -> None:
    key, _ = gateway.key("ben")
    for options in ({}, {"stream_options": None}, {"stream_options": {"include_usage": False}}):
        answer = one(gateway, key, stream=True, max_tokens=9, **options)
        assert b'"usage"' not in answer.body
        assert answer.body.count(TEXT.encode()) == 3
        assert answer.body.endswith(b"data: [DONE]\n\n")
        assert counting.bodies[-1]["stream_options"]["include_usage"] is True
    told = one(gateway, key, stream=True, stream_options={"include_usage": True})
    assert b'"usage"' in told.body
    month = counters(gateway, "--user", "ben")["month"]
    assert (month["used"], month["held"]) == (4 * (INPUT + OUTPUT), 0)


def test_what_is_not_reported_is_counted(gateway: Gateway) -> None:
    key, _ = gateway.key("cara")
    assert one(gateway, key, model="silent").status == 200
    # The estimate: a third of the bytes of the request, and of those of the text that came.
    most = len(chat(model="silent")) // 3 + 1 + len(TEXT) // 3 + 1
    assert len(TEXT.split()) < counters(gateway, "--user", "cara")["month"]["used"] <= most


def test_too_much_is_told_and_a_missing_cap_is_not_refused(gateway: Gateway) -> None:
    key, _ = gateway.key("dora")
    refused = one(gateway, key, model="few", max_completion_tokens=100, n=3)
    assert refused.status == 400
    assert refused.json["error"]["code"] == "request_exceeds_limit"
    assert "'few' never allows more than 300 tokens" in refused.json["error"]["message"]
    assert "retry-after" not in refused.headers
    assert one(gateway, key, model="few").status == 200
    assert counters(gateway, "--user", "dora", "--model", "few")["few"]["used"] == INPUT + OUTPUT
    # What is left holds no second answer of this size: told, with the time until the window ends.
    assert one(gateway, key, model="few", max_tokens=250).status == 200
    late = one(gateway, key, model="few", max_tokens=270)
    assert late.status == 429
    assert int(late.headers["retry-after"]) >= 1


def test_spend_is_counted_by_price_and_needs_one(gateway: Gateway) -> None:
    key, _ = gateway.key("emil", "user", "--team", "blue")
    assert one(gateway, key, model="unpriced").status == 403
    assert one(gateway, key, model="priced", max_tokens=10).status == 200
    money = counters(gateway, "--team", "blue")["money"]
    assert (money["used"], money["held"]) == (pytest.approx(INPUT * 1e-6 + OUTPUT * 2e-6), 0)
    refused = one(gateway, key, model="priced", max_tokens=1000)
    assert (refused.status, refused.json["error"]["code"]) == (400, "request_exceeds_limit")
    assert "USD" in refused.json["error"]["message"]


def test_concurrency_is_what_is_open(gateway: Gateway) -> None:
    key, _ = gateway.key("finn")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: one(gateway, key, model="stall", max_tokens=1), range(12)))
    statuses = [answer.status for answer in answers]
    # The upstream never answers, so the two that were let in run into their time-out.
    assert statuses.count(504) >= 2
    assert set(statuses) == {504, 429}
    assert counters(gateway, "--user", "finn")["two"]["held"] == 0
    assert one(gateway, key, model="stall", max_tokens=1).status == 504


def test_a_stream_ends_where_its_limit_does(gateway: Gateway) -> None:
    key, _ = gateway.key("gina")
    answer = one(gateway, key, model="endless", stream=True)
    assert answer.status == 200
    assert b"used up" in answer.body
    few = counters(gateway, "--user", "gina", "--model", "endless")["few"]
    assert few["held"] == 0
    # It was ended at the end of its limit, up to the events of one read.
    assert 250 <= few["used"] <= 600


def test_limits_are_mended_by_hand_and_on_the_record(gateway: Gateway) -> None:
    key, _ = gateway.key("hugo")
    one(gateway, key)
    assert gateway.run("limits", "set", "month", "5000", "--user", "hugo").returncode == 0
    assert counters(gateway, "--user", "hugo")["month"]["used"] == 5000
    one(gateway, key)
    assert counters(gateway, "--user", "hugo")["month"]["used"] == 5000 + INPUT + OUTPUT
    assert gateway.run("limits", "reset", "month", "--user", "hugo").returncode == 0
    assert counters(gateway, "--user", "hugo")["month"]["used"] == 0
    assert gateway.run("limits", "reset", "month").returncode == 2
    assert gateway.run("limits", "set", "month", "many", "--user", "hugo").returncode == 2
    assert gateway.run("limits", "reset", "none", "--user", "hugo").returncode == 1

    def changes() -> list[dict[str, Any]]:
        lines = map(json.loads, gateway.audit_log.read_bytes().splitlines())
        return [line for line in lines if line.get("event") == "limit_changed"]

    first, second = until(lambda: found if len(found := changes()) == 2 else None)  # type: ignore[misc]
    assert (first["limit"], first["subject"]) == ("month", {"user": "hugo"})
    assert (first["used_before"], first["used_after"]) == (INPUT + OUTPUT, 5000)
    assert (second["used_before"], second["used_after"]) == (5000 + INPUT + OUTPUT, 0)


# --- conservation

WAYS = ("whole", "stream", "fails", "close", "stall", "blocked", "gone", "gone by the door", "refused")


def _go(gateway: Gateway, key: str, way: str, user: str) -> None:
    body = chat(way.partition(" ")[0], user=user, max_tokens=20, stream=way == "stream")
    if way == "refused":
        body = chat(way, user=user, max_tokens=20, temperature="hot")
    with Connection(gateway.port) as connection:
        if way == "gone by the door":
            # aiohttp keeps a connection that it was given once.
            connection.send(request(key, path="/v1/models", method="GET"))
            assert connection.answer().status == 200
        connection.send(request(key, body))
        if not way.startswith("gone"):
            connection.answer()


def _load(gateway: Gateway, key: str, user: str, count: int, seed: int) -> int:
    """Sends so many requests of all kinds; how many of them a kill cut."""
    choose = random.Random(seed)  # noqa: S311 - a repeatable mix, not a secret
    ways = [choose.choice(WAYS) if choose.random() < 0.4 else choose.choice(WAYS[:2]) for _ in range(count)]

    def run(way: str) -> int:
        try:
            _go(gateway, key, way, user)
        except (OSError, ValueError):
            return 1
        return 0

    with ThreadPoolExecutor(16) as pool:
        return sum(pool.map(run, ways))


def _settled(gateway: Gateway, user: str) -> dict[str, dict[str, Any]]:
    def quiet() -> dict[str, dict[str, Any]] | None:
        found = counters(gateway, "--user", user)
        return found if found["month"]["held"] == found["parallel"]["held"] == 0 else None

    return until(quiet)  # type: ignore[return-value]


def _answered(gateway: Gateway, user: str, count: int) -> None:
    """Waits until so many requests are on the record. One whose client has left may not have been read before."""

    def recorded() -> bool:
        lines = (line for line in gateway.audit() if line.get("subject") == user)
        return sum(line["path"] == "/v1/chat/completions" for line in lines) == count

    until(recorded)


def _charged_as_given(gateway: Gateway, counting: CountingUpstream, user: str, used: int) -> None:
    """Asserts it. What an upstream on a busy machine wrote too late counts as given and was not taken: after the
    time-out of who waited, or of one whose client had left."""
    lines = [line for line in gateway.audit() if line.get("subject") == user]
    bodies = [body for body in counting.bodies if body.get("user") == user]
    late = sum(line["status"] == 504 for line in lines) - sum(body["model"] == "stall" for body in bodies)
    left = [line for line in lines if line.get("model") == "gone"]
    charged = sum(line.get("tokens") == {"input": INPUT, "output": OUTPUT} for line in left)
    cut = sum(body["model"] == "gone" for body in bodies) - charged
    assert 0 <= counting.given[user] - used <= (INPUT + OUTPUT) * (late + cut)


def test_what_is_charged_is_what_was_given_on_every_way_out(gateway: Gateway, counting: CountingUpstream) -> None:
    key, _ = gateway.key("iris")
    cut = _load(gateway, key, "iris", 2000, 1)
    assert cut == 0
    _answered(gateway, "iris", 2000)
    found = _settled(gateway, "iris")
    assert counting.asked["iris"] > 1300
    _charged_as_given(gateway, counting, "iris", found["month"]["used"])


def test_what_is_charged_is_what_was_given_over_a_store_that_hosts_share(
    run_gateway: Run, counting: CountingUpstream
) -> None:
    with ValkeyServer(save="", appendonly="no") as valkey:
        gateway = run_gateway(
            POLICY.format(port=counting.port, more=""), TIDEGATE_REDIS_URL=f"redis://127.0.0.1:{valkey.port}/0"
        )
        key, _ = gateway.key("lena")
        assert _load(gateway, key, "lena", 400, 3) == 0
        _answered(gateway, "lena", 400)
        found = _settled(gateway, "lena")
        assert counting.asked["lena"] > 250
        _charged_as_given(gateway, counting, "lena", found["month"]["used"])
        gateway.stop()


def test_kills_lose_nothing_but_what_they_cut(gateway: Gateway, counting: CountingUpstream) -> None:
    key, _ = gateway.key("jack")
    kills = (150, 300, 450)

    def kill() -> None:
        for number, reached in enumerate(kills):
            until(lambda reached=reached: counting.asked["jack"] >= reached)
            os.kill(gateway.workers()[number % 2], signal.SIGKILL)
            until(lambda: len(gateway.workers()) == 2 and gateway.ready())

    with ThreadPoolExecutor(1) as pool:
        killer = pool.submit(kill)
        cut = _load(gateway, key, "jack", 800, 2)
        killer.result(60)
    found = _settled(gateway, "jack")
    # A request that a kill cut is charged by the estimate of its input, if it had gone upstream: that may be more or
    # less than it was given. One whose client had left is charged what was given until then.
    missing = counting.given["jack"] - found["month"]["used"]
    open_at_kills = cut + 16 * len(kills)
    gone = sum(line["status"] == 499 for line in gateway.audit())
    assert missing <= (INPUT + OUTPUT) * (open_at_kills + gone)
    assert -missing <= estimate_request(chat("stream", user="jack", max_tokens=20, stream=True)) * open_at_kills
    # And after the kill of everything.
    used = found["month"]["used"]
    hung, _ = gateway.key("kate")
    body = chat("hang", user="kate", max_tokens=1000)
    with Connection(gateway.port) as connection:
        connection.send(request(hung, body))
        until(lambda: counting.asked["kate"] == 1)
        gateway.kill()
    gateway.start()
    after = counters(gateway, "--user", "jack")
    assert (after["month"]["used"], after["month"]["held"], after["parallel"]["held"]) == (used, 0, 0)
    # What was open and had gone upstream is charged by its estimate, and no more is held.
    after = counters(gateway, "--user", "kate")
    assert (after["month"]["used"], after["month"]["held"]) == (estimate_request(body), 0)
