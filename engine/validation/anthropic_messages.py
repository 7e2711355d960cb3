"""The request of Anthropic's messages (POST /v1/messages), after Anthropic's public specification, beta included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Raw

from engine.validation.anthropic_blocks import AnyBlock, CacheControl, TextBlock, ToolAdditionBlock, ToolRemovalBlock
from engine.validation.anthropic_tools import TOOLS
from engine.validation.shape import Bounded, Effort, Natural, NonEmpty, Opaque, Part, Positive, Shape, too_many
from engine.validation.variants import Variants


class UserMessage(Part, frozen=True, gc=False, kw_only=True, tag_field="role", tag="user"):
    content: str | Annotated[list[AnyBlock], Meta(min_length=1)]


class AssistantMessage(Part, frozen=True, gc=False, kw_only=True, tag_field="role", tag="assistant"):
    content: str | list[AnyBlock]


class SystemMessage(Part, frozen=True, gc=False, kw_only=True, tag_field="role", tag="system"):
    content: str | list[TextBlock | ToolAdditionBlock | ToolRemovalBlock | Opaque] | None = None
    clear_at: Literal["next_user_message", "never"] | None = None
    output_config: OutputConfig | None = None


class ToolChoiceAuto(Part, frozen=True, gc=False, kw_only=True, tag="auto"):
    disable_parallel_tool_use: bool | None = None


class ToolChoiceAny(Part, frozen=True, gc=False, kw_only=True, tag="any"):
    disable_parallel_tool_use: bool | None = None


class ToolChoiceTool(Part, frozen=True, gc=False, kw_only=True, tag="tool"):
    name: NonEmpty
    disable_parallel_tool_use: bool | None = None


class ToolChoiceNone(Part, frozen=True, gc=False, kw_only=True, tag="none"):
    pass


class BlockBinding(Part, frozen=True, gc=False, kw_only=True):
    prefix_mismatch_behavior: Literal["error", "drop_block"] | None = None


class ThinkingAdaptive(Part, frozen=True, gc=False, kw_only=True, tag="adaptive"):
    display: Literal["summarized", "omitted", "updates"] | None = None
    block_binding: BlockBinding | None = None


class ThinkingEnabled(ThinkingAdaptive, frozen=True, gc=False, kw_only=True, tag="enabled"):
    budget_tokens: Annotated[int, Meta(ge=1024)]


class ThinkingDisabled(Part, frozen=True, gc=False, kw_only=True, tag="disabled"):
    pass


class ThinkingBetweenTools(Part, frozen=True, gc=False, kw_only=True, tag="between_tools"):
    pass


Thinking = ThinkingEnabled | ThinkingDisabled | ThinkingAdaptive | ThinkingBetweenTools | Opaque


class UserMetadata(Part, frozen=True, gc=False, kw_only=True):
    user_id: Annotated[str, Meta(max_length=256)] | None = None


class JsonFormat(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class TaskBudget(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["tokens"]
    total: Positive
    remaining: Natural | None = None


class OutputConfig(Part, frozen=True, gc=False, kw_only=True):
    effort: Effort | None = None
    format: JsonFormat | None = None
    task_budget: TaskBudget | None = None


class Skill(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["anthropic", "custom"]
    skill_id: str
    version: str | None = None


class Container(Part, frozen=True, gc=False, kw_only=True):
    id: str | None = None
    skills: list[Skill] | None = None


class Diagnostics(Part, frozen=True, gc=False, kw_only=True):
    previous_message_id: str | None = None


class InputTokens(Part, frozen=True, gc=False, kw_only=True, tag="input_tokens"):
    value: Natural


class ToolUses(Part, frozen=True, gc=False, kw_only=True, tag="tool_uses"):
    value: Natural


class ClearToolUses(Part, frozen=True, gc=False, kw_only=True, tag="clear_tool_uses_20250919"):
    clear_at_least: InputTokens | None = None
    clear_tool_inputs: bool | list[str] | None = None
    exclude_tools: list[str] | None = None
    keep: ToolUses | None = None
    trigger: InputTokens | ToolUses | Opaque | None = None


class ThinkingTurns(Part, frozen=True, gc=False, kw_only=True, tag="thinking_turns"):
    value: Positive


class AllTurns(Part, frozen=True, gc=False, kw_only=True, tag="all"):
    pass


class ClearThinking(Part, frozen=True, gc=False, kw_only=True, tag="clear_thinking_20251015"):
    keep: Literal["all"] | ThinkingTurns | AllTurns | Opaque | None = None


class Compact(Part, frozen=True, gc=False, kw_only=True, tag="compact_20260112"):
    instructions: str | None = None
    pause_after_compaction: bool | None = None
    trigger: InputTokens | None = None


class ContextManagement(Part, frozen=True, gc=False, kw_only=True):
    edits: list[ClearToolUses | ClearThinking | Compact | Opaque] | None = None


class McpServerTools(Part, frozen=True, gc=False, kw_only=True):
    allowed_tools: list[str] | None = None
    enabled: bool | None = None


class McpServer(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["url"]
    name: str
    url: str
    authorization_token: str | None = None
    tool_configuration: McpServerTools | None = None


class Fallback(Part, frozen=True, gc=False, kw_only=True):
    model: str
    max_tokens: Natural | None = None
    output_config: OutputConfig | None = None
    speed: Literal["standard", "fast"] | None = None
    thinking: Thinking | None = None


class CreditToken(Part, frozen=True, gc=False, kw_only=True):
    token: str
    mode: Literal["strict", "best_effort"] | None = None


class BillingPolicy(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["billing_policy"]
    bill_to: str | None = None


class Compaction(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["summarize"]
    instructions: str | None = None


class NewThread(Part, frozen=True, gc=False, kw_only=True, tag="create"):
    pass


class KnownThread(Part, frozen=True, gc=False, kw_only=True, tag="continue"):
    previous_message_id: str


class _Read(Shape, frozen=True, gc=False, kw_only=True):
    """The part of a request that the model reads."""

    variants: ClassVar[Mapping[str, Variants]] = {"tools": Variants(TOOLS, "custom")}

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[UserMessage | AssistantMessage | SystemMessage], Meta(min_length=1)]
    system: str | list[TextBlock | Opaque] | None = None
    tools: list[Raw] | None = None
    tool_choice: ToolChoiceAuto | ToolChoiceAny | ToolChoiceTool | ToolChoiceNone | None = None
    thinking: Thinking | None = None
    cache_control: CacheControl | None = None
    context_management: ContextManagement | None = None
    mcp_servers: Annotated[list[McpServer], Meta(max_length=20)] | None = None
    output_config: OutputConfig | None = None
    output_format: JsonFormat | None = None
    speed: Literal["standard", "fast"] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None
    billing_policy: BillingPolicy | None = None
    compaction: Compaction | None = None

    def check(self, max_messages: int) -> None:
        if len(self.messages) > max_messages:
            raise too_many("messages", len(self.messages), max_messages)


class CountTokensRequest(_Read, frozen=True, gc=False, kw_only=True):
    stream: ClassVar[bool] = False


class MessagesRequest(_Read, frozen=True, gc=False, kw_only=True):
    max_tokens: Natural
    stream: bool | None = None
    temperature: Bounded | None = None
    top_p: Bounded | None = None
    top_k: Natural | None = None
    stop_sequences: list[str] | None = None
    metadata: UserMetadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    container: str | Container | None = None
    diagnostics: Diagnostics | None = None
    inference_geo: str | None = None
    fallback_credit_token: str | CreditToken | None = None
    fallbacks: Literal["default"] | list[Fallback] | None = None
    thread: NewThread | KnownThread | Opaque | None = None
