"""Tools by name, kinds of content and streaming, in every dialect's shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import Refusal
from engine.extraction.content import ContentRules
from engine.extraction.parameters import ParameterRules


def refused(rules: ContentRules, request: dict[str, Any]) -> str | None:
    """The place that is refused."""
    try:
        ParameterRules({}, rules).check(json.dumps(request).encode())
    except Refusal as refusal:
        return f"{refusal.param}" if refusal.kind.status == 403 else "not 403"
    return None


TOOLS = ContentRules(lambda name: name in ("get_weather", "web_search"), None, True)


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        ({}, None),
        ({"tools": []}, None),
        ({"tools": [{"type": "function", "function": {"name": "get_weather"}}]}, None),
        ({"tools": [{"type": "function", "function": {"name": "run"}}]}, "tools[0]"),
        ({"tools": [{"type": "custom", "custom": {"name": "run"}}]}, "tools[0]"),
        ({"tools": [{"type": "function", "name": "get_weather"}]}, None),
        ({"tools": [{"type": "function", "name": "get_weather"}, {"type": "function", "name": "run"}]}, "tools[1]"),
        ({"tools": [{"name": "get_weather", "input_schema": {}}]}, None),
        ({"tools": [{"name": "run", "input_schema": {}}]}, "tools[0]"),
        ({"tools": [{"type": "web_search"}]}, None),
        ({"tools": [{"type": "code_interpreter"}]}, "tools[0]"),
        # A provider's tool under the name of an allowed one is still the provider's.
        ({"tools": [{"type": "mcp", "name": "get_weather", "server_url": "http://evil.example"}]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0]"),
        ({"tools": ["get_weather"]}, "tools[0]"),
        ({"functions": [{"name": "run"}]}, "functions[0]"),
        ({"functions": [{"name": "get_weather"}]}, None),
        ({"mcp_servers": [{"url": "http://evil.example"}]}, "mcp_servers"),
        ({"web_search_options": {"a": 1}}, None),
    ],
)
def test_tools(request_: dict[str, Any], place: str | None) -> None:
    assert refused(TOOLS, request_) == place


TEXT = ContentRules(None, frozenset(["text"]), True)


def said(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"messages": [{"role": "user", "content": "hi"}]}, "text"),
        (said({"type": "text", "text": "hi"}), "text"),
        (said({"type": "image_url", "image_url": {"url": "data:"}}), "image"),
        (said({"type": "text", "text": "a"}, {"type": "image", "source": {"type": "url"}}), "image"),
        (said({"type": "input_audio", "input_audio": {}}), "audio"),
        (said({"type": "file", "file": {}}), "file"),
        (said({"type": "document", "source": {"type": "text"}}), "file"),
        (said({"type": "video_url"}), "video"),
        (said({"type": "tool_result", "content": [{"type": "image"}]}), "image"),
        (said({"type": "tool_use", "input": {"content": {"type": "image"}}}), "text"),
        (said({"type": "hologram"}), "?"),
        ({"input": "hi"}, "text"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "image"),
        ({"input": [{"type": "function_call_output", "output": [{"type": "input_file"}]}]}, "file"),
        ({"system": [{"type": "text", "text": "a"}]}, "text"),
        ({"modalities": ["text"], "messages": []}, "text"),
        ({"modalities": ["text", "audio"], "messages": []}, "audio"),
        ({"audio": {"voice": "a"}, "messages": []}, "audio"),
        ({"messages": [{"role": "assistant", "audio": {"id": "x"}}]}, "audio"),
        ({"tools": [{"type": "image_generation"}]}, "image"),
        ({"tools": [{"name": "a", "input_schema": {"type": "object"}}], "messages": []}, "text"),
    ],
)
def test_kinds_of_content(request_: dict[str, Any], kind: str) -> None:
    assert (refused(TEXT, request_) is None) == (kind == "text")
    if kind not in ("text", "?"):
        assert refused(ContentRules(None, frozenset(["text", kind]), True), request_) is None


def test_streaming() -> None:
    rules = ContentRules(None, None, False)
    assert refused(rules, {"stream": True}) == "stream"
    assert refused(rules, {"stream": False}) is None
    assert refused(rules, {}) is None
    assert refused(ContentRules(None, None, True), {"stream": True}) is None
