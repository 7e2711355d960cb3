"""The request of OpenAI's Responses API (POST /v1/responses), after OpenAI's public specification.

An input item need not carry a ``type``: without one it is a message when it has a ``role``, else a reference by
``id``. So items are one struct of all their fields, and `REQUIRED_OF_ITEM` says which of them an item of a type must
have; tools likewise. A type that is in neither table is let through.

``model`` is required here although OpenAI lets a stored prompt carry it: a request that names no model cannot be
authorized.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from engine.validation.shape import (
    Bounded,
    CacheBreakpoint,
    CacheOptions,
    CacheRetention,
    Detail,
    Effort,
    Level,
    Metadata,
    Moderation,
    Opaque,
    OpenAITier,
    Part,
    Positive,
    Shape,
    StreamOptions,
    Temperature,
    TopLogprobs,
    missing,
    tags,
    too_many,
)


class InputText(Part, frozen=True, gc=False, kw_only=True, tag="input_text"):
    text: str
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputImage(Part, frozen=True, gc=False, kw_only=True, tag="input_image"):
    image_url: str | None = None
    file_id: str | None = None
    detail: Detail | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputFile(Part, frozen=True, gc=False, kw_only=True, tag="input_file"):
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: Detail | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class OutputText(Part, frozen=True, gc=False, kw_only=True, tag="output_text"):
    text: str
    annotations: list[dict[str, Any]] | None = None
    logprobs: list[dict[str, Any]] | None = None


class OutputRefusal(Part, frozen=True, gc=False, kw_only=True, tag="refusal"):
    refusal: str


class ReasoningText(Part, frozen=True, gc=False, kw_only=True, tag="reasoning_text"):
    text: str


class SummaryText(Part, frozen=True, gc=False, kw_only=True, tag="summary_text"):
    text: str


ContentPart = InputText | InputImage | InputFile | OutputText | OutputRefusal | ReasoningText | SummaryText | Opaque


Status = Literal[
    "in_progress", "completed", "incomplete", "failed", "searching", "interpreting", "calling", "generating"
]


class Item(Part, frozen=True, gc=False, kw_only=True):
    type: str | None = None
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[ContentPart] | None = None
    status: Status | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    input: str | None = None
    output: Any = None
    summary: list[ContentPart] | None = None
    encrypted_content: str | None = None
    action: dict[str, Any] | None = None
    queries: list[str] | None = None
    server_label: str | None = None
    approval_request_id: str | None = None
    approve: bool | None = None
    phase: Literal["commentary", "final_answer"] | None = None
    results: list[Any] | None = None
    actions: list[dict[str, Any]] | None = None
    pending_safety_checks: list[dict[str, Any]] | None = None
    acknowledged_safety_checks: list[dict[str, Any]] | None = None
    is_async: bool | None = field(default=None, name="async")
    caller: dict[str, Any] | None = None
    namespace: str | None = None
    execution: str | None = None
    tools: list[dict[str, Any]] | None = None
    reasoning: dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    result: Any = None
    background: str | None = None
    error: str | dict[str, Any] | None = None
    output_format: str | None = None
    quality: str | None = None
    revised_prompt: str | None = None
    size: str | None = None
    svg_usage: dict[str, Any] | None = None
    code: str | None = None
    container_id: str | None = None
    outputs: list[dict[str, Any]] | None = None
    environment: dict[str, Any] | None = None
    max_output_length: int | None = None
    operation: dict[str, Any] | None = None
    reason: str | None = None
    fingerprint: str | None = None


# What an item of a type must have beyond its type. "computer_call" has come with `action` and with `actions`.
REQUIRED_OF_ITEM: dict[str | None, tuple[str, ...]] = {
    "message": ("role", "content"),
    "item_reference": ("id",),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("output",),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "reasoning": ("summary",),
    "file_search_call": ("queries",),
    "web_search_call": ("action",),
    "computer_call": ("call_id",),
    "computer_call_output": ("call_id", "output"),
    "local_shell_call": ("call_id", "action"),
    "shell_call": ("call_id", "action"),
    "shell_call_output": ("call_id", "output"),
    "mcp_list_tools": ("server_label",),
    "mcp_approval_request": ("name", "arguments", "server_label"),
    "mcp_approval_response": ("approval_request_id", "approve"),
    "mcp_call": ("name", "arguments", "server_label"),
    "compaction": ("encrypted_content",),
}


class Tool(Part, frozen=True, gc=False, kw_only=True):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    vector_store_ids: list[str] | None = None
    server_label: str | None = None
    container: str | dict[str, Any] | None = None
    is_async: bool | None = field(default=None, name="async")
    allowed_callers: list[Literal["direct", "programmatic"]] | None = None
    allowed_tools: list[str] | dict[str, Any] | None = None
    authorization: str | None = None
    connector_id: str | None = None
    defer_loading: bool | None = None
    display_height: int | None = None
    display_width: int | None = None
    environment: str | dict[str, Any] | None = None
    execution: str | None = None
    external_web_access: bool | None = None
    filters: dict[str, Any] | None = None
    format: dict[str, Any] | None = None
    headers: dict[str, str] | None = None
    max_num_results: int | None = None
    output_schema: dict[str, Any] | None = None
    ranking_options: dict[str, Any] | None = None
    require_approval: str | dict[str, Any] | None = None
    search_content_types: list[str] | None = None
    search_context_size: Level | None = None
    server_description: str | None = None
    server_url: str | None = None
    tools: list[dict[str, Any]] | None = None
    tunnel_id: str | None = None
    user_location: dict[str, Any] | None = None
    # Of the tool that makes images.
    action: str | None = None
    background: str | None = None
    complexity: str | None = None
    frame_count: int | None = None
    frame_duration_ms: int | None = None
    input_fidelity: str | None = None
    input_image_mask: dict[str, Any] | None = None
    model: str | None = None
    moderation: str | None = None
    output_compression: int | None = None
    output_format: str | None = None
    partial_images: int | None = None
    quality: str | None = None
    size: str | None = None
    svg: dict[str, Any] | None = None


REQUIRED_OF_TOOL: dict[str, tuple[str, ...]] = {
    "function": ("name",),
    "custom": ("name",),
    "namespace": ("name",),
    "file_search": ("vector_store_ids",),
    "mcp": ("server_label",),
    "code_interpreter": ("container",),
}


class ToolChoice(Part, frozen=True, gc=False, kw_only=True):
    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[dict[str, Any]] | None = None
    server_label: str | None = None


class TextFormat(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    pass


class JsonObjectFormat(Part, frozen=True, gc=False, kw_only=True, tag="json_object"):
    pass


class JsonSchemaFormat(Part, frozen=True, gc=False, kw_only=True, tag="json_schema"):
    name: str
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class Text(Part, frozen=True, gc=False, kw_only=True):
    format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    verbosity: Level | None = None


Summary = Literal["auto", "concise", "detailed"]


class Reasoning(Part, frozen=True, gc=False, kw_only=True):
    effort: Effort | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class Reference(Part, frozen=True, gc=False, kw_only=True):
    id: str


class Prompt(Part, frozen=True, gc=False, kw_only=True):
    id: str
    version: str | None = None
    variables: dict[str, str | dict[str, Any]] | None = None


class ResponsesRequest(Shape, frozen=True, gc=False, kw_only=True):
    input: str | list[Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Bounded | None = None
    max_output_tokens: Positive | None = None
    max_tool_calls: Annotated[int, Meta(ge=0)] | None = None
    top_logprobs: TopLogprobs | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    previous_response_id: str | None = None
    conversation: str | Reference | None = None
    prompt: Prompt | None = None
    truncation: Literal["auto", "disabled"] | None = None
    background: bool | None = None
    background_options: dict[str, Any] | None = None
    context_management: list[dict[str, Any]] | None = None
    access_programs: dict[str, Any] | None = None
    image: dict[str, Any] | None = None
    moderation: Moderation | None = None
    service_tier: OpenAITier | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: CacheRetention | None = None
    safety_identifier: str | None = None
    user: str | None = None

    def check(self, max_messages: int) -> None:
        if isinstance(self.input, list):
            if len(self.input) > max_messages:
                raise too_many("input", len(self.input), max_messages)
            for index, item in enumerate(self.input):
                self._check_item(index, item)
        for index, tool in enumerate(self.tools or ()):
            for name in REQUIRED_OF_TOOL.get(tool.type, ()):
                if getattr(tool, name) is None:
                    raise missing(f"tools[{index}]", name)

    @staticmethod
    def _check_item(index: int, item: Item) -> None:
        kind = item.type
        if kind is None:
            kind = "message" if item.id is None or item.role is not None else "item_reference"
        for name in REQUIRED_OF_ITEM.get(kind, ()):
            if getattr(item, name) is None:
                raise missing(f"input[{index}]", name)


KNOWN_TYPES = (
    tags(
        InputText,
        InputImage,
        InputFile,
        OutputText,
        OutputRefusal,
        ReasoningText,
        SummaryText,
        TextFormat,
        JsonObjectFormat,
        JsonSchemaFormat,
    )
    | {kind for kind in REQUIRED_OF_ITEM if kind is not None}
    | REQUIRED_OF_TOOL.keys()
)
