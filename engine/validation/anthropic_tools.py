"""Tools of Anthropic's messages, after Anthropic's public specification, beta features included.

A tool need not carry a type: without one, with null or with "custom", it is the caller's own. Tools that Anthropic
defines have a type with the date of their version.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from engine.validation.anthropic_blocks import Block, CacheControl, Citations, McpTool
from engine.validation.shape import Natural, Open, Part, Positive

Locality = Annotated[str, Meta(min_length=1, max_length=255)]


class InputSchema(Open, frozen=True, gc=False, kw_only=True):
    type: Literal["object"]
    properties: dict[str, Any] | None = None
    required: list[str] | None = None


class AnyTool(Block, frozen=True, gc=False, kw_only=True):
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    strict: bool | None = None


class ClientTool(AnyTool, frozen=True, gc=False, kw_only=True):
    input_examples: list[dict[str, Any]] | None = None


class CustomTool(ClientTool, frozen=True, gc=False, kw_only=True):
    type: Literal["custom"] | None = None
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    input_schema: InputSchema
    description: str | None = None
    eager_input_streaming: bool | None = None


class Bash(ClientTool, frozen=True, gc=False, kw_only=True):
    name: Literal["bash"]


class Memory(ClientTool, frozen=True, gc=False, kw_only=True):
    name: Literal["memory"]


class OldEditor(ClientTool, frozen=True, gc=False, kw_only=True):
    name: Literal["str_replace_editor"]


class Editor(ClientTool, frozen=True, gc=False, kw_only=True):
    name: Literal["str_replace_based_edit_tool"]


class BoundedEditor(Editor, frozen=True, gc=False, kw_only=True):
    max_characters: Positive | None = None


class Computer(ClientTool, frozen=True, gc=False, kw_only=True):
    name: Literal["computer"]
    display_height_px: Positive
    display_width_px: Positive
    display_number: Natural | None = None


class ZoomingComputer(Computer, frozen=True, gc=False, kw_only=True):
    enable_zoom: bool | None = None


class CodeExecution(AnyTool, frozen=True, gc=False, kw_only=True):
    name: Literal["code_execution"]


class UserLocation(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["approximate"]
    city: Locality | None = None
    country: Annotated[str, Meta(min_length=2, max_length=2)] | None = None
    region: Locality | None = None
    timezone: Locality | None = None


class Web(AnyTool, frozen=True, gc=False, kw_only=True):
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    max_uses: Positive | None = None


class WebSearch(Web, frozen=True, gc=False, kw_only=True):
    name: Literal["web_search"]
    user_location: UserLocation | None = None


class InclusiveWebSearch(WebSearch, frozen=True, gc=False, kw_only=True):
    response_inclusion: Literal["full", "excluded"] | None = None


class UrlsOfAll(Part, frozen=True, gc=False, kw_only=True, tag="all"):
    pass


class UrlsOfNone(Part, frozen=True, gc=False, kw_only=True, tag="none"):
    pass


class UrlTool(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["tool_reference"]
    name: str


class UrlsOfOnly(Part, frozen=True, gc=False, kw_only=True, tag="only"):
    tools: list[UrlTool]


class UrlsOfExcept(Part, frozen=True, gc=False, kw_only=True, tag="except"):
    tools: list[UrlTool]


class UrlSources(Part, frozen=True, gc=False, kw_only=True):
    client_tool_results: UrlsOfAll | UrlsOfNone | UrlsOfOnly | UrlsOfExcept | None = None
    server_tool_results: UrlsOfAll | UrlsOfNone | UrlsOfOnly | UrlsOfExcept | None = None
    user_input: UrlsOfAll | UrlsOfNone | None = None


class WebFetch(Web, frozen=True, gc=False, kw_only=True):
    name: Literal["web_fetch"]
    citations: Citations | None = None
    max_content_tokens: Positive | None = None
    url_sources: UrlSources | None = None


class CachingWebFetch(WebFetch, frozen=True, gc=False, kw_only=True):
    use_cache: bool | None = None


class InclusiveWebFetch(CachingWebFetch, frozen=True, gc=False, kw_only=True):
    response_inclusion: Literal["full", "excluded"] | None = None


class Advisor(AnyTool, frozen=True, gc=False, kw_only=True):
    name: Literal["advisor"]
    model: str
    caching: CacheControl | None = None
    max_tokens: Natural | None = None
    max_uses: Positive | None = None


class SearchByWords(AnyTool, frozen=True, gc=False, kw_only=True):
    name: Literal["tool_search_tool_bm25"]


class SearchByPattern(AnyTool, frozen=True, gc=False, kw_only=True):
    name: Literal["tool_search_tool_regex"]


class ToolConfig(Part, frozen=True, gc=False, kw_only=True):
    defer_loading: bool | None = None
    enabled: bool | None = None


class Toolset(Block, frozen=True, gc=False, kw_only=True):
    configs: dict[str, ToolConfig | None] | None = None


class McpToolset(Toolset, frozen=True, gc=False, kw_only=True):
    mcp_server_name: str
    default_config: ToolConfig | None = None
    tools: list[McpTool] | None = None


TOOLS: dict[str, type[Struct]] = {
    "custom": CustomTool,
    "bash_20241022": Bash,
    "bash_20250124": Bash,
    "memory_20250818": Memory,
    "text_editor_20241022": OldEditor,
    "text_editor_20250124": OldEditor,
    "text_editor_20250429": Editor,
    "text_editor_20250728": BoundedEditor,
    "computer_20241022": Computer,
    "computer_20250124": Computer,
    "computer_20251124": ZoomingComputer,
    "code_execution_20250522": CodeExecution,
    "code_execution_20250825": CodeExecution,
    "code_execution_20260120": CodeExecution,
    "code_execution_20260521": CodeExecution,
    "web_search_20250305": WebSearch,
    "web_search_20260209": WebSearch,
    "web_search_20260318": InclusiveWebSearch,
    "web_fetch_20250910": WebFetch,
    "web_fetch_20260209": WebFetch,
    "web_fetch_20260309": CachingWebFetch,
    "web_fetch_20260318": InclusiveWebFetch,
    "advisor_20260301": Advisor,
    "tool_search_tool_bm25": SearchByWords,
    "tool_search_tool_bm25_20251119": SearchByWords,
    "tool_search_tool_regex": SearchByPattern,
    "tool_search_tool_regex_20251119": SearchByPattern,
    "browser_toolset_20260801": Toolset,
    "computer_toolset_20260801": Toolset,
    "mcp_toolset": McpToolset,
}
"""What a tool of each type has."""
