"""The description of the request shapes says what the decoder does, neither more nor less."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from engine.errors import Refusal
from engine.validation.decode import SHAPES, Bounds, decode
from engine.validation.json_schemas import components, request_name
from tests.unit.validation.mutations import violations
from tests.unit.validation.sdk_samples import samples
from tests.unit.validation.test_sdk_requests import TYPES, passable

# Of a kind with hundreds of variants, every so many: the decoder itself is tried with all.
STEP = {"responses": 40, "messages": 40, "count_tokens": 40, "chat": 8}


@cache
def described(endpoint: str) -> Any:
    whole = {"$ref": f"#/components/schemas/{request_name(endpoint)}", "components": {"schemas": components()}}
    return jsonschema_rs.Draft202012Validator(whole)


def decodes(endpoint: str, body: bytes) -> bool:
    try:
        decode(endpoint, body, Bounds())
    except Refusal:
        return False
    return True


@pytest.mark.parametrize("endpoint", sorted(SHAPES))
def test_what_the_sdks_send_fits_the_description_and_what_does_not_fit_is_refused(endpoint: str) -> None:
    kind = next(kind for name, kind, _ in TYPES if name == endpoint)
    validator = described(endpoint)
    outside = tried = 0
    for number, request in enumerate(samples(kind)):
        if number % STEP.get(endpoint, 1) or not passable(endpoint, request):
            continue
        assert validator.is_valid(request), request
        for violation in violations(kind, request):
            changed = violation.make()
            fits = validator.is_valid(changed)
            tried += 1
            outside += not fits
            assert fits or not decodes(endpoint, json.dumps(changed).encode()), violation[:3]
    assert outside > 0.9 * tried


def test_the_description_refers_to_nothing_that_it_does_not_have() -> None:
    text = json.dumps(components())
    references = {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert references <= components().keys()
    assert "Opaque" not in text
    assert "(unknown)" not in text
    assert "engine." not in text
