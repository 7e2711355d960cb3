"""Blocks of content of Anthropic's messages, after Anthropic's public specification, beta features included.

What a server tool gave back is repeated by the client as it came. Names of errors and of server tools are open: new
ones come with new versions of the tools.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from engine.validation.shape import Natural, NonEmpty, Opaque, Part, Positive


class CacheControl(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Block(Part, frozen=True, gc=False, kw_only=True):
    cache_control: CacheControl | None = None


class CharLocation(Part, frozen=True, gc=False, kw_only=True, tag="char_location"):
    cited_text: str
    document_index: Natural
    document_title: str | None
    start_char_index: Natural
    end_char_index: Natural
    file_id: str | None = None


class PageLocation(Part, frozen=True, gc=False, kw_only=True, tag="page_location"):
    cited_text: str
    document_index: Natural
    document_title: str | None
    start_page_number: Positive
    end_page_number: Positive
    file_id: str | None = None


class BlockLocation(Part, frozen=True, gc=False, kw_only=True, tag="content_block_location"):
    cited_text: str
    document_index: Natural
    document_title: str | None
    start_block_index: Natural
    end_block_index: Natural
    file_id: str | None = None


class WebLocation(Part, frozen=True, gc=False, kw_only=True, tag="web_search_result_location"):
    cited_text: str
    encrypted_index: str
    title: str | None
    url: str


class SearchLocation(Part, frozen=True, gc=False, kw_only=True, tag="search_result_location"):
    cited_text: str
    search_result_index: Natural
    source: str
    title: str | None
    start_block_index: Natural
    end_block_index: Natural


Citation = CharLocation | PageLocation | BlockLocation | WebLocation | SearchLocation | Opaque


class Citations(Part, frozen=True, gc=False, kw_only=True):
    enabled: bool | None = None


class TextBlock(Block, frozen=True, gc=False, kw_only=True, tag="text"):
    text: NonEmpty
    citations: list[Citation] | None = None


class Base64Image(Part, frozen=True, gc=False, kw_only=True, tag="base64"):
    data: str
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]


class Base64Document(Part, frozen=True, gc=False, kw_only=True, tag="base64"):
    data: str
    media_type: Literal["application/pdf"]


class UrlSource(Part, frozen=True, gc=False, kw_only=True, tag="url"):
    url: str


class FileSource(Part, frozen=True, gc=False, kw_only=True, tag="file"):
    file_id: str


class PlainTextSource(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    data: str
    media_type: Literal["text/plain"]


class Transformations(Part, frozen=True, gc=False, kw_only=True):
    oversized_image: Literal["downsize", "error"] | None = None


class ImageBlock(Block, frozen=True, gc=False, kw_only=True, tag="image"):
    source: Base64Image | UrlSource | FileSource | Opaque
    transformations: Transformations | None = None


class ContentSource(Part, frozen=True, gc=False, kw_only=True, tag="content"):
    content: str | list[TextBlock | ImageBlock | Opaque]


class DocumentBlock(Block, frozen=True, gc=False, kw_only=True, tag="document"):
    source: Base64Document | UrlSource | FileSource | PlainTextSource | ContentSource | Opaque
    title: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    context: NonEmpty | None = None
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


class DirectCaller(Part, frozen=True, gc=False, kw_only=True, tag="direct"):
    pass


class CodeCaller(Part, frozen=True, gc=False, kw_only=True, tag="code_execution_20250825"):
    tool_id: str


class CodeCaller20260120(CodeCaller, frozen=True, gc=False, kw_only=True, tag="code_execution_20260120"):
    pass


Caller = DirectCaller | CodeCaller | CodeCaller20260120 | Opaque


class ToolUseBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_use"):
    id: NonEmpty
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    input: dict[str, Any]
    caller: Caller | None = None
    toolset_name: str | None = None


class ServerToolUseBlock(Block, frozen=True, gc=False, kw_only=True, tag="server_tool_use"):
    id: NonEmpty
    name: NonEmpty
    input: dict[str, Any]
    caller: Caller | None = None


class McpToolUseBlock(Block, frozen=True, gc=False, kw_only=True, tag="mcp_tool_use"):
    id: NonEmpty
    name: NonEmpty
    server_name: str
    input: dict[str, Any]


class ToolReferenceBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_reference"):
    tool_name: str


class Tab(Part, frozen=True, gc=False, kw_only=True):
    tab_id: str
    title: str
    url: str
    active: bool | None = None


class TabOpened(Part, frozen=True, gc=False, kw_only=True, tag="tab_opened"):
    tab_id: str


class DownloadStarted(Part, frozen=True, gc=False, kw_only=True, tag="download_started"):
    download_id: str
    url: str


class DownloadCompleted(Part, frozen=True, gc=False, kw_only=True, tag="download_completed"):
    download_id: str
    url: str
    path: str | None = None
    size_bytes: Natural | None = None


class DownloadFailed(Part, frozen=True, gc=False, kw_only=True, tag="download_failed"):
    download_id: str
    url: str
    error: str | None = None


class BrowserStateBlock(Block, frozen=True, gc=False, kw_only=True, tag="browser_state"):
    tabs: list[Tab]
    state_changes: list[TabOpened | DownloadStarted | DownloadCompleted | DownloadFailed | Opaque] | None = None


class ToolResultBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_result"):
    tool_use_id: NonEmpty
    content: str | list[ResultBlock] | None = None
    is_error: bool | None = None
    toolset_name: str | None = None


ResultBlock = (
    TextBlock | ImageBlock | SearchResultBlock | DocumentBlock | ToolReferenceBlock | BrowserStateBlock | Opaque
)


class McpToolResultBlock(Block, frozen=True, gc=False, kw_only=True, tag="mcp_tool_result"):
    tool_use_id: NonEmpty
    content: str | list[TextBlock | ImageBlock | Opaque] | None = None
    is_error: bool | None = None


class ServerToolResult(Block, frozen=True, gc=False, kw_only=True):
    """What a tool that ran at Anthropic gave back."""

    tool_use_id: NonEmpty
    caller: Caller | None = None


class ToolError(Part, frozen=True, gc=False, kw_only=True):
    error_code: str
    error_message: str | None = None


class WebSearchHit(Part, frozen=True, gc=False, kw_only=True, tag="web_search_result"):
    encrypted_content: str
    title: str
    url: str
    page_age: str | None = None


class WebSearchError(ToolError, frozen=True, gc=False, kw_only=True, tag="web_search_tool_result_error"):
    pass


class WebSearchResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="web_search_tool_result"):
    content: list[WebSearchHit | Opaque] | WebSearchError | Opaque


class WebFetchError(ToolError, frozen=True, gc=False, kw_only=True, tag="web_fetch_tool_result_error"):
    pass


class WebFetched(Part, frozen=True, gc=False, kw_only=True, tag="web_fetch_result"):
    content: DocumentBlock | Opaque
    url: str
    retrieved_at: str | None = None


class WebFetchResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="web_fetch_tool_result"):
    content: WebFetched | WebFetchError | Opaque


class AdvisorError(ToolError, frozen=True, gc=False, kw_only=True, tag="advisor_tool_result_error"):
    pass


class Advice(Part, frozen=True, gc=False, kw_only=True, tag="advisor_result"):
    text: str
    stop_reason: str | None = None


class RedactedAdvice(Part, frozen=True, gc=False, kw_only=True, tag="advisor_redacted_result"):
    encrypted_content: str
    stop_reason: str | None = None


class AdvisorResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="advisor_tool_result"):
    content: Advice | RedactedAdvice | AdvisorError | Opaque


class CodeError(ToolError, frozen=True, gc=False, kw_only=True, tag="code_execution_tool_result_error"):
    pass


class CodeFile(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["code_execution_output"]
    file_id: str


class CodeOutput(Part, frozen=True, gc=False, kw_only=True, tag="code_execution_result"):
    content: list[CodeFile]
    return_code: int
    stderr: str
    stdout: str


class EncryptedCodeOutput(Part, frozen=True, gc=False, kw_only=True, tag="encrypted_code_execution_result"):
    content: list[CodeFile]
    encrypted_stdout: str
    return_code: int
    stderr: str


class CodeExecutionResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="code_execution_tool_result"):
    content: CodeOutput | EncryptedCodeOutput | CodeError | Opaque


class BashError(ToolError, frozen=True, gc=False, kw_only=True, tag="bash_code_execution_tool_result_error"):
    pass


class BashFile(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["bash_code_execution_output"]
    file_id: str


class BashOutput(Part, frozen=True, gc=False, kw_only=True, tag="bash_code_execution_result"):
    content: list[BashFile]
    return_code: int
    stderr: str
    stdout: str


class BashResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="bash_code_execution_tool_result"):
    content: BashOutput | BashError | Opaque


class EditorError(ToolError, frozen=True, gc=False, kw_only=True, tag="text_editor_code_execution_tool_result_error"):
    pass


class EditorView(Part, frozen=True, gc=False, kw_only=True, tag="text_editor_code_execution_view_result"):
    content: str
    file_type: Literal["text", "image", "pdf"]
    num_lines: int | None = None
    start_line: int | None = None
    total_lines: int | None = None


class EditorCreated(Part, frozen=True, gc=False, kw_only=True, tag="text_editor_code_execution_create_result"):
    is_file_update: bool


class EditorReplaced(Part, frozen=True, gc=False, kw_only=True, tag="text_editor_code_execution_str_replace_result"):
    lines: list[str] | None = None
    new_lines: int | None = None
    new_start: int | None = None
    old_lines: int | None = None
    old_start: int | None = None


class EditorResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="text_editor_code_execution_tool_result"):
    content: EditorView | EditorCreated | EditorReplaced | EditorError | Opaque


class ToolSearchError(ToolError, frozen=True, gc=False, kw_only=True, tag="tool_search_tool_result_error"):
    pass


class ToolsFound(Part, frozen=True, gc=False, kw_only=True, tag="tool_search_tool_search_result"):
    tool_references: list[ToolReferenceBlock | Opaque]


class ToolSearchResult(ServerToolResult, frozen=True, gc=False, kw_only=True, tag="tool_search_tool_result"):
    content: ToolsFound | ToolSearchError | Opaque


class ContainerUploadBlock(Block, frozen=True, gc=False, kw_only=True, tag="container_upload"):
    file_id: str


class ToolByName(Part, frozen=True, gc=False, kw_only=True, tag="tool_reference"):
    name: str


class McpToolByName(Part, frozen=True, gc=False, kw_only=True, tag="mcp_tool_reference"):
    name: str
    server_name: str


class McpToolsetByName(Part, frozen=True, gc=False, kw_only=True, tag="mcp_toolset_reference"):
    server_name: str


class ToolDefinition(Part, frozen=True, gc=False, kw_only=True, tag="tool_definition"):
    definition: dict[str, Any]


class ToolAdditionBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_addition"):
    tool: ToolByName | McpToolByName | McpToolsetByName | ToolDefinition | Opaque


class ToolRemovalBlock(Block, frozen=True, gc=False, kw_only=True, tag="tool_removal"):
    tool: ToolByName | McpToolByName | McpToolsetByName | Opaque


class CompactionBlock(Block, frozen=True, gc=False, kw_only=True, tag="compaction"):
    content: str | None = None
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: list[ToolAdditionBlock | ToolRemovalBlock | Opaque] | None = None


class McpTool(Part, frozen=True, gc=False, kw_only=True):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None


class McpToolListingBlock(Part, frozen=True, gc=False, kw_only=True, tag="mcp_tool_listing"):
    mcp_server_name: str
    tools: list[McpTool]


class FallbackModel(Part, frozen=True, gc=False, kw_only=True):
    model: str


class FallbackBlock(Part, frozen=True, gc=False, kw_only=True, tag="fallback"):
    before: FallbackModel = field(name="from")
    to: FallbackModel
    trigger: Any = None


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
    | WebSearchResult
    | WebFetchResult
    | AdvisorResult
    | CodeExecutionResult
    | BashResult
    | EditorResult
    | ToolSearchResult
    | ContainerUploadBlock
    | ToolAdditionBlock
    | ToolRemovalBlock
    | CompactionBlock
    | McpToolListingBlock
    | FallbackBlock
    | Opaque
)
