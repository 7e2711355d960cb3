"""A search that cannot be made, or does not come to its end, withholds the answer, and the record says why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from engine.errors import UNAVAILABLE, UPSTREAM_BROKEN, Refusal
from engine.pipeline.context import RequestContext
from engine.pipeline.record import audit_line
from engine.pipeline.sanitize import feed_stream, open_stream, sanitize
from engine.policy.loader import PolicyError, parse_policy
from engine.policy.profiles import compile_profiles
from engine.policy.snapshot import compile_snapshot, scratch_table
from engine.redaction import ruleset
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.ruleset import Ruleset, bound_rule
from engine.redaction.search import Search

JSON = b"application/json"
TEXT = "the number is 1234."
BODY = json.dumps({"choices": [{"message": {"content": TEXT}}]}).encode()
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "number 1234. "}}]}\n\n'


POLICY = """
upstreams: {local: {base_url: "http://127.0.0.1:1/v1"}}
models: {"*": {upstream: local}}
roles: {user: {endpoints: ["*"], models: ["*"]}}
identity: {anonymous: user}
"""


def _context(profile: Profile) -> RequestContext:
    """Of a request that was permitted, its answer under that profile."""
    snapshot = compile_snapshot(parse_policy(POLICY, "p.yaml", {}), table=scratch_table(), hash_key=bytes(32))
    path = "/v1/chat/completions"
    ctx = RequestContext("req_1", snapshot, "POST", path, snapshot.endpoint(path), {}, bytes(4), "0.0.0.0", 0, 0.0)
    principal = snapshot.anonymous
    assert principal is not None
    ctx.permit, ctx.profile = snapshot.permit(principal, "chat", "m"), profile
    return ctx


def _profile(check: Any) -> Profile:
    rule = bound_rule(Rule("number", "pii", r"\d{4}", 4, "[N]", (), (), (), check))
    return compile_profile("p", {"pii": "mask"}, Ruleset((rule,)), bytes(32))


def _raises(_text: str) -> bool:
    raise ZeroDivisionError("a check with a fault")


class _NoMemory:
    """A kernel that gets no memory."""

    def __init__(self, scanner: Any) -> None:
        self._scanner = scanner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scanner, name)

    def find(self, *_: Any) -> None:
        raise MemoryError

    first = occurs = find


def _out_of_memory() -> Profile:
    profile = _profile(None)
    scanner: Any = _NoMemory(profile.search.scanner)
    was = profile.search
    search = Search(
        was.prefilter,
        scanner,
        was.numbered,
        was.others,
        was.is_other,
        was.ahead,
        was.edged,
        was.at_lines,
        was.unusual,
    )
    return replace(profile, search=search)


def _line(ctx: RequestContext, refusal: Refusal) -> dict[str, Any]:
    ctx.status, ctx.reason = refusal.kind.status, refusal.kind.code
    line: dict[str, Any] = json.loads(audit_line(ctx, 0.1))
    return line


@pytest.mark.parametrize("profile", [_profile(_raises), _out_of_memory()], ids=["check", "memory"])
@pytest.mark.parametrize("media", [JSON, b"text/plain", b"text/event-stream"])
def test_a_search_that_fails_withholds_the_answer(profile: Profile, media: bytes) -> None:
    ctx = _context(profile)
    body = {JSON: BODY, b"text/plain": TEXT.encode()}.get(media, EVENT)
    with pytest.raises(Refusal) as refused:
        sanitize(ctx, media, body)
    assert refused.value.kind is UNAVAILABLE
    line = _line(ctx, refused.value)
    assert (line["status"], line["reason"], line["controls"]["redaction"]) == (503, "unavailable", "failed")


@pytest.mark.parametrize("profile", [_profile(_raises), _out_of_memory()], ids=["check", "memory"])
def test_a_search_that_fails_ends_the_stream(profile: Profile) -> None:
    ctx = _context(profile)
    stream = open_stream(ctx, 1 << 20)
    assert stream is not None
    with pytest.raises(Refusal) as refused:
        feed_stream(ctx, stream, EVENT + EVENT)
    assert refused.value.kind is UNAVAILABLE
    assert _line(ctx, refused.value)["controls"]["redaction"] == "failed"


def test_what_cannot_be_searched_is_on_the_record() -> None:
    ctx = _context(_profile(None))
    with pytest.raises(Refusal) as refused:
        sanitize(ctx, b"image/png", b"\x89PNG")
    assert refused.value.kind is UPSTREAM_BROKEN
    assert _line(ctx, refused.value)["controls"]["redaction"] == "unsearchable"


def test_a_sound_search_is_on_the_record_too() -> None:
    ctx = _context(_profile(None))
    assert b"[N]" in sanitize(ctx, JSON, BODY)
    line = json.loads(audit_line(ctx, 0.1))
    assert (line["controls"]["redaction"], line["findings"]) == ("found", {"number": 1})


def test_a_pack_that_does_not_load_makes_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its profiles there is no snapshot, so nothing is served, and a reload keeps the one that runs."""
    broken = Rule("broken", "pii", "(", 4, "[B]", ("a",))
    monkeypatch.setattr(ruleset, "RULES", (broken,))
    ruleset._built_in.cache_clear()
    try:
        with pytest.raises(PolicyError, match="broken: the pattern is not accepted"):
            compile_profiles(parse_policy("upstreams: {a: {base_url: 'http://h'}}\n", "p.yaml", {}), bytes(32))
    finally:
        ruleset._built_in.cache_clear()


@pytest.mark.parametrize(
    ("hazards", "path"),
    [
        ("allowed_hosts: [ok.example, 'https://x']", r"hazards\.allowed_hosts\[1\]"),
        ("canaries: [short]", r"hazards\.canaries"),
        ("canary: [long enough]", "hazards"),
    ],
)
def test_hazards_that_are_wrong_are_named(hazards: str, path: str) -> None:
    text = f"upstreams: {{a: {{base_url: 'http://h'}}}}\nhazards: {{{hazards}}}\n"
    with pytest.raises(PolicyError, match=path):
        compile_profiles(parse_policy(text, "p.yaml", {}), bytes(32))
