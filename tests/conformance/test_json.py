"""One reading of JSON: what goes upstream is what the policy read, for any parser that stands there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import orjson
import pytest
import rapidjson
import simdjson

from engine.errors import Refusal
from engine.validation.decode import Bounds, decode
from tests.conformance.http_request_cases import sized
from tests.conformance.json_cases import PASSED, REFUSED, Case
from tests.conformance.upstream import StrictUpstream
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection

BOUNDS = Bounds()
DECIDES = ("model", "stream", "n", "max_tokens", "max_completion_tokens", "tools", "logprobs", "logit_bias", "messages")


def _strict(text: bytes) -> Any:
    return json.loads(text.decode())


# Each parses bytes as an upstream written with it would.
PARSERS: dict[str, Callable[[bytes], Any]] = {
    "json": _strict,
    "orjson": orjson.loads,
    "rapidjson": lambda text: rapidjson.loads(text.decode()),
    "simdjson": lambda text: simdjson.Parser().parse(text, recursive=True),
    "msgspec": msgspec.json.decode,
}
# Where a parser has a bound of its own, it refuses: that is no other reading.
_OWN_BOUNDS = (ValueError, OverflowError, RecursionError, RuntimeError)


@pytest.fixture(scope="module")
def connection(gateway: Gateway) -> Iterator[Connection]:
    with Connection(gateway.port) as made:
        yield made


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(REFUSED) + len(PASSED) >= 300
    assert len({case.name for case in REFUSED + PASSED}) == len(REFUSED + PASSED)


def test_each_is_refused_by_the_reader_itself() -> None:
    accepted = []
    for case in REFUSED:
        try:
            decode("chat", case.body, BOUNDS)
        except Refusal:
            continue
        accepted.append(case.name)
    assert accepted == []


def test_nothing_of_what_is_refused_goes_upstream(connection: Connection, upstream: StrictUpstream) -> None:
    upstream.take()
    for case in REFUSED:
        connection.send(sized(case.body))
        answer = connection.answer()
        assert (answer.status, case.name) == (400, case.name)
        assert answer.json["error"]["message"]
    assert upstream.take() == []


def test_what_passes_goes_upstream_byte_for_byte(connection: Connection, upstream: StrictUpstream) -> None:
    for case in PASSED:
        upstream.take()
        connection.send(sized(case.body))
        assert (connection.answer().status, case.name) == (200, case.name)
        (seen,) = upstream.take()
        assert seen.body == case.body


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("case", PASSED, ids=lambda case: case.name)
def test_every_parser_reads_what_the_policy_read(name: str, case: Case) -> None:
    try:
        read = PARSERS[name](case.body)
    except _OWN_BOUNDS:
        # Numbers beyond 64 bits, and depth: they say so.
        assert any(mark in case.name for mark in ("12345", "18446", "9223", "308", "1000000", "[[[", "e999"))
        return
    shape = decode("chat", case.body, BOUNDS).shape
    for field in DECIDES:
        mine = msgspec.to_builtins(getattr(shape, field))
        theirs = read.get(field)
        if field == "messages":
            mine = [one["content"] for one in mine]
            theirs = [one["content"] for one in theirs]
        assert mine == theirs
    assert read.keys() == json.loads(case.body).keys()


def test_the_others_differ_on_what_is_refused() -> None:
    """Why it is refused: of the bodies that some parser takes, many are read by two of them in two ways."""
    differing = 0
    for case in REFUSED:
        readings = set()
        for parse in PARSERS.values():
            try:
                read = parse(case.body)
                # An error of the comparison is a reading as well: a lone surrogate, say.
                readings.add(json.dumps(read, sort_keys=True, default=repr, allow_nan=True))
            except (*_OWN_BOUNDS, UnicodeError):
                readings.add("refused")
        differing += len(readings) > 1
    assert differing > 30
