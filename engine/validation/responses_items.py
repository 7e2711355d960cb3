"""Input items of OpenAI's Responses API, after OpenAI's public specification.

An item need not carry a type: without one it is a message when it has a ``role``, else a reference by ``id``. Items
that clients are known to send without their ``id`` or ``status`` (they drop what only the provider's store needs) need
not have them here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from engine.validation.responses_computer import Action, ComputerScreenshot, SafetyCheck
from engine.validation.responses_content import (
    InputPart,
    LongText,
    MessagePart,
    ReasoningText,
    SummaryText,
)
from engine.validation.responses_format import TextFormat
from engine.validation.responses_tools import ContainerReference, LocalEnvironment, Tool
from engine.validation.shape import Effort, Level, Natural, NonEmpty, Opaque, Part

CallId = Annotated[str, Meta(min_length=1, max_length=64)]
Status = Literal["in_progress", "completed", "incomplete"]


class DirectCaller(Part, frozen=True, gc=False, kw_only=True, tag="direct"):
    pass


class ProgramCaller(Part, frozen=True, gc=False, kw_only=True, tag="program"):
    caller_id: str


Caller = DirectCaller | ProgramCaller | Opaque


class Message(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["message"] | None = None
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[MessagePart]
    id: str | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None

    def __post_init__(self) -> None:
        # An answer that was cut off at once is repeated empty; who asks has something to say.
        if self.role != "assistant" and self.content == []:
            raise ValueError("content: Expected 'array' of length >= 1")


class Item(Part, frozen=True, gc=False, kw_only=True):
    type: str


class ItemReference(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["item_reference"] | None = None
    id: NonEmpty


class FileSearchResult(Part, frozen=True, gc=False, kw_only=True):
    attributes: dict[str, str | float | bool] | None = None
    file_id: str | None = None
    filename: str | None = None
    score: float | None = None
    text: str | None = None


class FileSearchCall(Item, frozen=True, gc=False, kw_only=True):
    id: str
    queries: list[str]
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"]
    results: list[FileSearchResult] | None = None


class ComputerCall(Item, frozen=True, gc=False, kw_only=True):
    id: str
    call_id: str
    pending_safety_checks: list[SafetyCheck]
    status: Status
    action: Action | None = None
    actions: list[Action] | None = None


class ComputerCallOutput(Item, frozen=True, gc=False, kw_only=True):
    call_id: CallId
    output: ComputerScreenshot
    id: str | None = None
    status: Status | None = None
    acknowledged_safety_checks: list[SafetyCheck] | None = None


class SearchSource(Part, frozen=True, gc=False, kw_only=True, tag="url"):
    url: str


class Search(Part, frozen=True, gc=False, kw_only=True, tag="search"):
    query: str | None = None
    queries: list[str] | None = None
    sources: list[SearchSource | Opaque] | None = None


class OpenPage(Part, frozen=True, gc=False, kw_only=True, tag="open_page"):
    url: str | None = None


class FindInPage(Part, frozen=True, gc=False, kw_only=True, tag="find_in_page"):
    pattern: str
    url: str


class WebSearchCall(Item, frozen=True, gc=False, kw_only=True):
    action: Search | OpenPage | FindInPage | Opaque
    id: str | None = None
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"] | None = None


class FunctionCall(Item, frozen=True, gc=False, kw_only=True):
    call_id: NonEmpty
    name: NonEmpty
    arguments: str
    id: str | None = None
    status: Status | None = None
    namespace: str | None = None
    caller: Caller | None = None
    is_async: bool | None = field(default=None, name="async")


class FunctionCallOutput(Item, frozen=True, gc=False, kw_only=True):
    output: LongText | list[InputPart]
    call_id: CallId | None = None
    id: str | None = None
    name: str | None = None
    namespace: str | None = None
    status: Status | None = None
    caller: Caller | None = None


class CustomCall(Item, frozen=True, gc=False, kw_only=True):
    call_id: NonEmpty
    name: NonEmpty
    input: str
    id: str | None = None
    status: Status | None = None
    namespace: str | None = None
    caller: Caller | None = None
    is_async: bool | None = field(default=None, name="async")


class CustomCallOutput(Item, frozen=True, gc=False, kw_only=True):
    call_id: NonEmpty
    output: str | list[InputPart]
    id: str | None = None
    status: Status | None = None
    caller: Caller | None = None


class ToolSearchCall(Item, frozen=True, gc=False, kw_only=True):
    arguments: Any
    id: str | None = None
    call_id: str | None = None
    execution: Literal["server", "client"] | None = None
    status: Status | None = None


class ToolSearchOutput(Item, frozen=True, gc=False, kw_only=True):
    tools: list[Tool]
    id: str | None = None
    call_id: str | None = None
    execution: Literal["server", "client"] | None = None
    status: Status | None = None


class AdditionalTools(Item, frozen=True, gc=False, kw_only=True):
    role: Literal["developer"]
    tools: list[Tool]
    id: str | None = None


class UpdatedReasoning(Part, frozen=True, gc=False, kw_only=True):
    effort: Effort | None = None


class UpdatedText(Part, frozen=True, gc=False, kw_only=True):
    format: TextFormat
    verbosity: Level | None = None


class ConfigurationUpdate(Item, frozen=True, gc=False, kw_only=True):
    id: str | None = None
    reasoning: UpdatedReasoning | None = None
    text: UpdatedText | None = None


class Reasoning(Item, frozen=True, gc=False, kw_only=True):
    summary: list[SummaryText | Opaque]
    id: str | None = None
    content: list[ReasoningText | Opaque] | None = None
    encrypted_content: str | None = None
    status: Status | None = None


class Compaction(Item, frozen=True, gc=False, kw_only=True):
    encrypted_content: LongText
    id: str | None = None


class CompactionTrigger(Item, frozen=True, gc=False, kw_only=True):
    id: str | None = None


class ModerationDetails(Part, frozen=True, gc=False, kw_only=True):
    categories: list[str]
    moderation_stage: Literal["input", "output", "unknown"]


class ImageError(Part, frozen=True, gc=False, kw_only=True):
    type: str
    message: str
    code: str | None
    param: str | None
    moderation_details: ModerationDetails | None = None


class SvgUsage(Part, frozen=True, gc=False, kw_only=True):
    model: str
    input_tokens: Natural
    output_tokens: Natural
    reasoning_tokens: Natural
    total_tokens: Natural


class ImageGenerationCall(Item, frozen=True, gc=False, kw_only=True):
    id: str
    result: str | None
    status: Literal["in_progress", "completed", "generating", "failed"]
    action: Literal["generate", "edit", "auto"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    error: ImageError | None = None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | None = None
    revised_prompt: str | None = None
    size: str | None = None
    svg_usage: SvgUsage | None = None


class Logs(Part, frozen=True, gc=False, kw_only=True, tag="logs"):
    logs: str


class Picture(Part, frozen=True, gc=False, kw_only=True, tag="image"):
    url: str


class CodeInterpreterCall(Item, frozen=True, gc=False, kw_only=True):
    id: str
    code: str | None
    container_id: str
    outputs: list[Logs | Picture | Opaque] | None
    status: Literal["in_progress", "completed", "incomplete", "interpreting", "failed"]


class Exec(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["exec"]
    command: list[str]
    env: dict[str, str]
    timeout_ms: int | None = None
    user: str | None = None
    working_directory: str | None = None


class LocalShellCall(Item, frozen=True, gc=False, kw_only=True):
    action: Exec
    call_id: NonEmpty
    status: Status
    id: str | None = None


class LocalShellCallOutput(Item, frozen=True, gc=False, kw_only=True):
    id: str
    output: str
    status: Status | None = None


class ShellAction(Part, frozen=True, gc=False, kw_only=True):
    commands: list[str]
    max_output_length: Natural | None = None
    timeout_ms: Natural | None = None


class ShellCall(Item, frozen=True, gc=False, kw_only=True):
    action: ShellAction
    call_id: CallId
    id: str | None = None
    caller: Caller | None = None
    environment: LocalEnvironment | ContainerReference | None = None
    status: Status | None = None


class TimedOut(Part, frozen=True, gc=False, kw_only=True, tag="timeout"):
    pass


class Exited(Part, frozen=True, gc=False, kw_only=True, tag="exit"):
    exit_code: int


class ShellOutput(Part, frozen=True, gc=False, kw_only=True):
    outcome: TimedOut | Exited | Opaque
    stderr: LongText
    stdout: LongText


class ShellCallOutput(Item, frozen=True, gc=False, kw_only=True):
    call_id: CallId
    output: list[ShellOutput]
    id: str | None = None
    caller: Caller | None = None
    max_output_length: Natural | None = None
    status: Status | None = None


class CreateFile(Part, frozen=True, gc=False, kw_only=True, tag="create_file"):
    path: str
    diff: LongText


class UpdateFile(Part, frozen=True, gc=False, kw_only=True, tag="update_file"):
    path: str
    diff: LongText


class DeleteFile(Part, frozen=True, gc=False, kw_only=True, tag="delete_file"):
    path: str


class ApplyPatchCall(Item, frozen=True, gc=False, kw_only=True):
    call_id: CallId
    operation: CreateFile | UpdateFile | DeleteFile | Opaque
    status: Literal["in_progress", "completed"]
    id: str | None = None
    caller: Caller | None = None


class ApplyPatchCallOutput(Item, frozen=True, gc=False, kw_only=True):
    call_id: CallId
    status: Literal["completed", "failed"]
    id: str | None = None
    caller: Caller | None = None
    output: LongText | None = None


class McpListedTool(Part, frozen=True, gc=False, kw_only=True):
    input_schema: Any
    name: str
    annotations: Any = None
    description: str | None = None


class McpListTools(Item, frozen=True, gc=False, kw_only=True):
    id: str
    server_label: str
    tools: list[McpListedTool]
    error: str | None = None


class McpApprovalRequest(Item, frozen=True, gc=False, kw_only=True):
    id: str
    arguments: str
    name: str
    server_label: str


class McpApprovalResponse(Item, frozen=True, gc=False, kw_only=True):
    approval_request_id: NonEmpty
    approve: bool
    id: str | None = None
    reason: str | None = None


class McpProtocolError(Part, frozen=True, gc=False, kw_only=True, tag="mcp_protocol_error"):
    code: int
    message: str


class McpHttpError(Part, frozen=True, gc=False, kw_only=True, tag="http_error"):
    code: int
    message: str


class McpExecutionError(Part, frozen=True, gc=False, kw_only=True, tag="mcp_tool_execution_error"):
    content: Any


class McpCall(Item, frozen=True, gc=False, kw_only=True):
    id: str
    arguments: str
    name: str
    server_label: str
    approval_request_id: str | None = None
    error: str | McpProtocolError | McpHttpError | McpExecutionError | Opaque | None = None
    output: str | None = None
    status: Literal["in_progress", "completed", "incomplete", "calling", "failed"] | None = None


class Program(Item, frozen=True, gc=False, kw_only=True):
    id: str
    call_id: str
    code: str
    fingerprint: str


class ProgramOutput(Item, frozen=True, gc=False, kw_only=True):
    id: str
    call_id: str
    result: str
    status: Literal["completed", "incomplete"]


ITEMS: dict[str, type[Struct]] = {
    "message": Message,
    "item_reference": ItemReference,
    "file_search_call": FileSearchCall,
    "computer_call": ComputerCall,
    "computer_call_output": ComputerCallOutput,
    "web_search_call": WebSearchCall,
    "function_call": FunctionCall,
    "function_call_output": FunctionCallOutput,
    "custom_tool_call": CustomCall,
    "custom_tool_call_output": CustomCallOutput,
    "tool_search_call": ToolSearchCall,
    "tool_search_output": ToolSearchOutput,
    "additional_tools": AdditionalTools,
    "configuration_update": ConfigurationUpdate,
    "reasoning": Reasoning,
    "compaction": Compaction,
    "compaction_trigger": CompactionTrigger,
    "image_generation_call": ImageGenerationCall,
    "code_interpreter_call": CodeInterpreterCall,
    "local_shell_call": LocalShellCall,
    "local_shell_call_output": LocalShellCallOutput,
    "shell_call": ShellCall,
    "shell_call_output": ShellCallOutput,
    "apply_patch_call": ApplyPatchCall,
    "apply_patch_call_output": ApplyPatchCallOutput,
    "mcp_list_tools": McpListTools,
    "mcp_approval_request": McpApprovalRequest,
    "mcp_approval_response": McpApprovalResponse,
    "mcp_call": McpCall,
    "program": Program,
    "program_output": ProgramOutput,
}
"""What an item of each type has."""
