"""The request of Anthropic's messages (POST /v1/messages), after Anthropic's public specification.

A block is told by its ``type``. A tool need not carry one: without, or with "custom", it is the caller's own and must
have a name and a schema; any other type is a tool that Anthropic defines, and is let through.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from engine.validation.shape import (
    Bounded,
    Effort,
    Natural,
    Opaque,
    Open,
    Part,
    Positive,
    Shape,
    missing,
    tags,
    too_many,
)


class CacheControl(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Block(Part, frozen=True, gc=False, kw_only=True):
    cache_control: CacheControl | None = None


class Citations(Part, frozen=True, gc=False, kw_only=True):
    enabled: bool | None = None


class TextBlock(Block, frozen=True, gc=False, kw_only=True, tag="text"):
    text: str
    citations: list[dict[str, Any]] | None = None


class Base64Image(Part, frozen=True, gc=False, kw_only=True, tag="base64"):
    data: str
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]


class Base64Document(Part, frozen=True, gc=False, kw_only=True, tag="base64"):
    data: str
    media_type: str


class UrlSource(Part, frozen=True, gc=False, kw_only=True, tag="url"):
    url: str


class FileSource(Part, frozen=True, gc=False, kw_only=True, tag="file"):
    file_id: str


class PlainTextSource(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    data: str
    media_type: str


class ContentSource(Part, frozen=True, gc=False, kw_only=True, tag="content"):
    content: str | list[AnyBlock]


class ImageBlock(Block, frozen=True, gc=False, kw_only=True, tag="image"):
    source: Base64Image | UrlSource | FileSource | Opaque
    transformations: dict[str, Any] | None = None


class DocumentBlock(Block, frozen=True, gc=False, kw_only=True, tag="document"):
    source: Base64Document | UrlSource | FileSource | PlainTextSource | ContentSource | Opaque
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None


class SearchResultBlock(Block, frozen=True, gc=False, kw_only=True, tag="search_result"):
    source: str
    title: str
    content: list[TextBlock | Opaque]
    citations: Citations | None = None


class ThinkingBlock(Part, frozen=True, gc=False, kw_only=True, tag="thinking"):
    thinking: str
    signature: str


class RedactedThinkingBlock(Part, frozen=True, gc=False, kw_only=True, tag="redacted_thinking"):
    data: str


class ToolUseBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]
    caller: dict[str, Any] | None = None
    toolset_name: str | None = None


class ServerToolUseBlock(Block, frozen=True, gc=False, kw_only=True, tag="server_tool_use"):
    id: str
    name: str
    input: dict[str, Any]
    caller: dict[str, Any] | None = None


class McpToolUseBlock(Block, frozen=True, gc=False, kw_only=True, tag="mcp_tool_use"):
    id: str
    name: str
    server_name: str
    input: dict[str, Any]


class ToolResultBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_result"):
    tool_use_id: str
    content: str | list[AnyBlock] | None = None
    is_error: bool | None = None
    toolset_name: str | None = None


class McpToolResultBlock(Block, frozen=True, gc=False, kw_only=True, tag="mcp_tool_result"):
    tool_use_id: str
    content: str | list[AnyBlock] | None = None
    is_error: bool | None = None


class ToolReferenceBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_reference"):
    tool_name: str


class BrowserStateBlock(Block, frozen=True, gc=False, kw_only=True, tag="browser_state"):
    tabs: list[dict[str, Any]] | None = None
    state_changes: list[dict[str, Any]] | None = None


class ContainerUploadBlock(Block, frozen=True, gc=False, kw_only=True, tag="container_upload"):
    file_id: str


class ServerToolResult(Block, frozen=True, gc=False, kw_only=True):
    """What a tool that ran at Anthropic gave back; repeated by the client as it came."""

    tool_use_id: str
    content: dict[str, Any] | list[dict[str, Any]]
    caller: dict[str, Any] | None = None


class WebSearchResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="web_search_tool_result"):
    pass


class WebFetchResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="web_fetch_tool_result"):
    pass


class CodeExecutionResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="code_execution_tool_result"):
    pass


class BashResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="bash_code_execution_tool_result"):
    pass


class EditorResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="text_editor_code_execution_tool_result"):
    pass


class ToolSearchResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="tool_search_tool_result"):
    pass


AnyBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ServerToolUseBlock
    | McpToolUseBlock
    | ToolResultBlock
    | McpToolResultBlock
    | ToolReferenceBlock
    | BrowserStateBlock
    | ContainerUploadBlock
    | WebSearchResult
    | WebFetchResult
    | CodeExecutionResult
    | BashResult
    | EditorResult
    | ToolSearchResult
    | Opaque
)


class Message(Part, frozen=True, gc=False, kw_only=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[AnyBlock]


class InputSchema(Open, frozen=True, gc=False, kw_only=True):
    type: Literal["object"]
    properties: dict[str, Any] | None = None
    required: list[str] | None = None


class Tool(Block, frozen=True, gc=False, kw_only=True):
    type: str | None = None
    name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    description: str | None = None
    input_schema: InputSchema | None = None
    strict: bool | None = None
    allowed_callers: list[str] | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    citations: Citations | None = None
    configs: dict[str, Any] | None = None
    defer_loading: bool | None = None
    display_height_px: int | None = None
    display_width_px: int | None = None
    display_number: int | None = None
    eager_input_streaming: bool | None = None
    enable_zoom: bool | None = None
    input_examples: list[dict[str, Any]] | None = None
    max_characters: int | None = None
    max_content_tokens: int | None = None
    max_uses: int | None = None
    mcp_server_name: str | None = None
    default_config: dict[str, Any] | None = None
    response_inclusion: str | None = None
    url_sources: dict[str, Any] | None = None
    use_cache: bool | None = None
    user_location: dict[str, Any] | None = None


class ToolChoiceAuto(Part, frozen=True, gc=False, kw_only=True, tag="auto"):
    disable_parallel_tool_use: bool | None = None


class ToolChoiceAny(Part, frozen=True, gc=False, kw_only=True, tag="any"):
    disable_parallel_tool_use: bool | None = None


class ToolChoiceTool(Part, frozen=True, gc=False, kw_only=True, tag="tool"):
    name: str
    disable_parallel_tool_use: bool | None = None


class ToolChoiceNone(Part, frozen=True, gc=False, kw_only=True, tag="none"):
    pass


class ThinkingEnabled(Part, frozen=True, gc=False, kw_only=True, tag="enabled"):
    budget_tokens: Positive
    display: Literal["summarized", "omitted"] | None = None


class ThinkingDisabled(Part, frozen=True, gc=False, kw_only=True, tag="disabled"):
    pass


class ThinkingBetweenTools(Part, frozen=True, gc=False, kw_only=True, tag="between_tools"):
    pass


class ThinkingAdaptive(Part, frozen=True, gc=False, kw_only=True, tag="adaptive"):
    display: Literal["summarized", "omitted"] | None = None


Thinking = ThinkingEnabled | ThinkingDisabled | ThinkingAdaptive | ThinkingBetweenTools | Opaque


class UserMetadata(Part, frozen=True, gc=False, kw_only=True):
    user_id: str | None = None


class OutputConfig(Part, frozen=True, gc=False, kw_only=True):
    effort: Effort | None = None
    format: dict[str, Any] | None = None


class MessagesRequest(Shape, frozen=True, gc=False, kw_only=True):
    messages: Annotated[list[Message], Meta(min_length=1)]
    max_tokens: Natural
    stream: bool | None = None
    system: str | list[TextBlock | Opaque] | None = None
    temperature: Bounded | None = None
    top_p: Bounded | None = None
    top_k: Natural | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoiceAuto | ToolChoiceAny | ToolChoiceTool | ToolChoiceNone | None = None
    thinking: Thinking | None = None
    metadata: UserMetadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    cache_control: CacheControl | None = None
    container: str | dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None
    diagnostics: dict[str, Any] | None = None
    inference_geo: str | None = None
    mcp_servers: list[dict[str, Any]] | None = None
    output_config: OutputConfig | None = None
    output_format: dict[str, Any] | None = None
    speed: Literal["standard", "fast"] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None

    def check(self, max_messages: int) -> None:
        if len(self.messages) > max_messages:
            raise too_many("messages", len(self.messages), max_messages)
        for index, tool in enumerate(self.tools or ()):
            if tool.type is None or tool.type == "custom":
                if tool.name is None:
                    raise missing(f"tools[{index}]", "name")
                if tool.input_schema is None:
                    raise missing(f"tools[{index}]", "input_schema")


# "object", "ephemeral" and "custom" are the types that a struct of the shape holds to a literal or looks at.
KNOWN_TYPES = tags(
    TextBlock,
    ImageBlock,
    DocumentBlock,
    SearchResultBlock,
    ThinkingBlock,
    RedactedThinkingBlock,
    ToolUseBlock,
    ServerToolUseBlock,
    McpToolUseBlock,
    ToolResultBlock,
    McpToolResultBlock,
    ToolReferenceBlock,
    BrowserStateBlock,
    ContainerUploadBlock,
    WebSearchResult,
    WebFetchResult,
    CodeExecutionResult,
    BashResult,
    EditorResult,
    ToolSearchResult,
    Base64Image,
    UrlSource,
    FileSource,
    ContentSource,
    ToolChoiceAuto,
    ToolChoiceAny,
    ToolChoiceTool,
    ToolChoiceNone,
    ThinkingEnabled,
    ThinkingDisabled,
    ThinkingAdaptive,
    ThinkingBetweenTools,
) | {"object", "ephemeral", "custom"}
