"""What a role may put into a request besides parameters: tools by name, kinds of content, streaming.

Only roles that say something about these have the rules; the body is then read once more, as plain values.

- A tool counts by its name; one that the provider runs itself (web search, code, MCP) by its type as well.
- The kind of a part of a message is told by its `type`. A part of a type that is not known here is refused where kinds
  are limited: what cannot be told cannot be allowed.
- Data inside of tool calls and results is the tool's, and is not looked at; results that hold parts are.

Failure mode: `Refusal` of kind FORBIDDEN, its ``param`` the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import json

from engine.errors import FORBIDDEN, Refusal

__all__ = ["ContentRules"]

# Types of parts, over all dialects. What belongs to the run of a conversation counts as text.
_TYPES: Final = {
    "text": """
        text input_text output_text refusal summary_text reasoning reasoning_text thinking redacted_thinking message
        tool_use tool_result server_tool_use mcp_tool_use mcp_tool_result function_call function_call_output
        custom_tool_call custom_tool_call_output item_reference search_result tool_reference compaction
        web_search_tool_result web_search_call
    """,
    "image": "image image_url input_image image_generation_call",
    "audio": "audio input_audio output_audio",
    "video": "video video_url input_video",
    "file": "file input_file document container_upload",
}
_KINDS: Final = {name: kind for kind, names in _TYPES.items() for name in names.split()}
# Where parts stand, and where parts stand inside of those.
_TOP: Final = ("messages", "input", "system", "prompt")
_INNER: Final = ("content", "output")
# Of a user's own tools the name says all.
_OWN: Final = ("function", "custom")
# Fields that stand for a tool of the provider's.
_TOOL_FIELDS: Final = {"web_search_options": "web_search", "mcp_servers": "mcp"}


class ContentRules:
    """The rules of one role. `permits_tool` None: every tool; `modalities` None: every kind."""

    __slots__ = ("_modalities", "_permits_tool", "_streaming")

    def __init__(
        self, permits_tool: Callable[[str], bool] | None, modalities: frozenset[str] | None, streaming: bool
    ) -> None:
        self._permits_tool = permits_tool
        self._modalities = modalities
        self._streaming = streaming

    def check(self, body: bytes) -> None:
        """Raise Refusal if the request in `body`, a JSON object, has what the role may not put into it."""
        request = json.decode(body)
        if not self._streaming and request.get("stream"):
            raise Refusal(FORBIDDEN, "Your role does not allow streams.", param="stream", control="roles")
        if self._permits_tool is not None:
            for name, place in _tools(request):
                if not self._permits_tool(name):
                    raise Refusal(
                        FORBIDDEN, f"Your role does not allow the tool '{name[:100]}'.", param=place, control="roles"
                    )
        if self._modalities is not None:
            for kind, place in _kinds(request):
                if kind not in self._modalities:
                    raise Refusal(FORBIDDEN, f"Your role does not allow {kind} here.", param=place, control="roles")


def _tools(request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of tools, each with its place."""
    for field in ("tools", "functions"):
        entries = request.get(field)
        for index, tool in enumerate(entries if isinstance(entries, list) else ()):
            place = f"{field}[{index}]"
            kind = tool.get("type") if isinstance(tool, dict) else None
            inner = tool.get(kind) if isinstance(kind, str) and kind in _OWN else None
            name = (inner if isinstance(inner, dict) else tool).get("name") if isinstance(tool, dict) else None
            if isinstance(name, str):
                yield name, place
            if isinstance(kind, str) and kind not in _OWN:
                yield kind, place
            elif not isinstance(name, str):
                yield "", place
    for field, name in _TOOL_FIELDS.items():
        if request.get(field):
            yield name, field


def _kinds(request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Kinds of content, each with its place."""
    outputs = request.get("modalities")
    for index, kind in enumerate(outputs if isinstance(outputs, list) else ()):
        yield str(kind), f"modalities[{index}]"
    if request.get("audio") is not None:
        yield "audio", "audio"
    tools = request.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, dict) and tool.get("type") == "image_generation":
            yield "image", f"tools[{index}]"
    pending = [(request.get(name), name) for name in _TOP]
    while pending:
        value, place = pending.pop()
        if isinstance(value, list):
            pending += [(item, f"{place}[{index}]") for index, item in enumerate(value)]
        elif isinstance(value, dict):
            if "type" in value:
                yield _KINDS.get(str(value["type"]), f"content of the type '{str(value['type'])[:50]}'"), place
            if value.get("audio") is not None:
                yield "audio", f"{place}.audio"
            pending += [(value[name], f"{place}.{name}") for name in _INNER if name in value]
