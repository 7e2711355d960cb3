"""The request of OpenAI's Responses API (POST /v1/responses), after OpenAI's public specification.

An input item need not carry a ``type``: without one it is a message when it has a ``role``, else a reference by
``id``. So items are one struct of all their fields, and `REQUIRED_OF_ITEM` says which of them an item of a type must
have; tools likewise. A type that is in neither table is let through.

``model`` is required here although OpenAI lets a stored prompt carry it: a request that names no model cannot be
authorized.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from engine.validation.shape import (
    Bounded,
    Metadata,
    Opaque,
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


class InputImage(Part, frozen=True, gc=False, kw_only=True, tag="input_image"):
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(Part, frozen=True, gc=False, kw_only=True, tag="input_file"):
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: str | None = None


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


class Item(Part, frozen=True, gc=False, kw_only=True):
    type: str | None = None
    id: str | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[ContentPart] | None = None
    status: str | None = None
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
    verbosity: str | None = None


class Reasoning(Part, frozen=True, gc=False, kw_only=True):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    context: str | None = None
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
    moderation: dict[str, Any] | None = None
    service_tier: str | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    user: str | None = None

    def check(self, max_messages: int) -> None:
        if isinstance(self.input, list):
            if len(self.input) > max_messages:
                raise too_many("input", len(self.input), max_messages)
            for index, item in enumerate(self.input):
                self._check_item(index, item)
        for index, tool in enumerate(self.tools or ()):
            for field in REQUIRED_OF_TOOL.get(tool.type, ()):
                if getattr(tool, field) is None:
                    raise missing(f"tools[{index}]", field)

    @staticmethod
    def _check_item(index: int, item: Item) -> None:
        kind = item.type
        if kind is None:
            kind = "message" if item.id is None or item.role is not None else "item_reference"
        for field in REQUIRED_OF_ITEM.get(kind, ()):
            if getattr(item, field) is None:
                raise missing(f"input[{index}]", field)


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
