"""`GET /v1/models`: the models that the policy names and the caller's roles allow.

Answered by the gateway itself: the upstreams' own lists would name models that nobody may use, and would tell what
stands behind. Patterns such as `gpt-4o*` are rules, not models, and are not listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext

# The dialects want a time of creation; the policy knows none.
_CREATED = 0
_CREATED_AT = "1970-01-01T00:00:00Z"


def listing(ctx: RequestContext) -> bytes:
    """The body in the caller's dialect: Anthropic's to a request that carries `anthropic-version`, OpenAI's else."""
    assert ctx.principal is not None
    names = ctx.snapshot.models_of(ctx.principal)
    if b"anthropic-version" in ctx.headers:
        data = [{"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT} for name in names]
        page = {"data": data, "has_more": False, "first_id": names[0] if names else None}
        return orjson.dumps(page | {"last_id": names[-1] if names else None})
    entries = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "tidegate"} for name in names]
    return orjson.dumps({"object": "list", "data": entries})
