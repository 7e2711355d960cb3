"""What is taken for a report of usage, by the shapes of all dialects, and what is none."""

from __future__ import annotations

import pytest

from engine.pipeline.context import RequestContext
from engine.pipeline.usage import UsageTap, read_usage
from engine.policy.loader import parse_policy
from engine.policy.snapshot import compile_snapshot, scratch_table

POLICY = 'upstreams: {local: {base_url: "http://127.0.0.1:1/v1"}}\n'


def _context() -> RequestContext:
    snapshot = compile_snapshot(parse_policy(POLICY, "p.yaml", {}), table=scratch_table(), hash_key=bytes(32))
    path = "/v1/chat/completions"
    return RequestContext("req_1", snapshot, "POST", path, snapshot.endpoint(path), {}, bytes(4), "0.0.0.0", 0, 0.0)


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}', (3, 5)),
        (b'{"usage":{"prompt_tokens":3,"total_tokens":3},"data":[]}', (3, -1)),
        (b'{"output":[],"usage":{"input_tokens":4,"output_tokens":0,"input_tokens_details":{"x":9}}}', (4, 0)),
        (b'{"usage":{"input_tokens":1,"cache_creation_input_tokens":2,"cache_read_input_tokens":null}}', (3, -1)),
        (b'{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}', (7, 1)),
        (b'{"type":"response.completed","response":{"usage":{"input_tokens":7,"output_tokens":2}}}', (7, 2)),
        (b'{"choices":[],"usage":null}', None),
        (b'{"type":"response.created","response":{"usage":null}}', None),
        (b'{"usage":{"prompt_tokens":"3"}}', None),
        (b'{"choices":[{"usage":{"prompt_tokens":3}}]}', None),
        (b'{"choices":[]}', None),
        (b"usage", None),
    ],
)
def test_reports(answer: bytes, tokens: tuple[int, int] | None) -> None:
    whole, streamed = _context(), _context()
    read_usage(whole, answer)
    UsageTap(streamed).feed(b"data: " + answer + b"\n\n")
    for ctx in (whole, streamed):
        assert (None if ctx.usage is None else (ctx.usage.input, ctx.usage.output)) == tokens
