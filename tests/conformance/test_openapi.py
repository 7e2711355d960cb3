"""The description that the gateway serves of itself: for callers alone, and only what they may call."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from tests.conformance.upstream import StrictUpstream
from tests.integration.gateway import Gateway
from tests.integration.raw import ask, request


@pytest.fixture(scope="module")
def document(gateway: Gateway) -> dict[str, dict[str, object]]:
    answer = ask(gateway.port, request("", path="/openapi.json", method="GET"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    found: dict[str, dict[str, object]] = answer.json
    return found


def test_it_lists_what_the_caller_may_call(document: dict[str, dict[str, object]]) -> None:
    assert document["openapi"] == "3.1.0"
    assert {"/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/models", "/v1/shaped"} <= document[
        "paths"
    ].keys()
    assert "/v1/files" not in document["paths"]
    assert "/v1/realtime" not in document["paths"]


def test_its_references_lead_somewhere(document: dict[str, dict[str, object]]) -> None:
    text = json.dumps(document)
    for part in text.split('"$ref": "#/')[1:]:
        target: object = document
        for step in part.partition('"')[0].split("/"):
            assert isinstance(target, dict)
            target = target[step]


@pytest.mark.parametrize(("value", "fits"), [({"n": 1}, True), ({"n": "1"}, False), ({}, False)])
def test_a_route_is_described_by_its_own_schema(
    gateway: Gateway, upstream: StrictUpstream, document: dict[str, dict[str, object]], value: object, fits: bool
) -> None:
    whole = {"$ref": "#/components/schemas/route.shaped.request", "components": document["components"]}
    assert jsonschema_rs.Draft202012Validator(whole).is_valid(value) is fits
    answer = ask(gateway.port, request("", json.dumps(value).encode(), path="/v1/shaped"))
    assert answer.status == (200 if fits else 400)


def test_it_is_not_for_who_has_a_wrong_credential_nor_for_other_methods(gateway: Gateway) -> None:
    assert ask(gateway.port, request("tg_wrong", path="/openapi.json", method="GET")).status == 401
    assert ask(gateway.port, request("", b"{}", path="/openapi.json")).status == 404
