"""The request of OpenAI's Responses API (POST /v1/responses), after OpenAI's public specification.

``model`` is required here although OpenAI lets a stored prompt carry it: a request that names no model cannot be
authorized.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from msgspec import Raw

from engine.validation.responses_content import InputPart, LongText
from engine.validation.responses_format import TextFormat
from engine.validation.responses_items import ITEMS
from engine.validation.responses_tools import Tool, ToolChoice
from engine.validation.shape import (
    Bounded,
    CacheOptions,
    CacheRetention,
    Effort,
    Level,
    Metadata,
    Moderation,
    Natural,
    NonEmpty,
    OpenAITier,
    Part,
    Positive,
    SafetyIdentifier,
    Shape,
    StreamOptions,
    Temperature,
    TopLogprobs,
    empty,
    missing,
    too_many,
)
from engine.validation.variants import Variants


class Text(Part, frozen=True, gc=False, kw_only=True):
    format: TextFormat | None = None
    verbosity: Level | None = None


Summary = Literal["auto", "concise", "detailed"]


class Reasoning(Part, frozen=True, gc=False, kw_only=True):
    effort: Effort | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class Conversation(Part, frozen=True, gc=False, kw_only=True):
    id: NonEmpty


class Prompt(Part, frozen=True, gc=False, kw_only=True):
    id: NonEmpty
    version: str | None = None
    variables: dict[str, str | InputPart] | None = None


class AccessPrograms(Part, frozen=True, gc=False, kw_only=True):
    cyber: Literal["standard", "daybreak_blue", "daybreak_red"] | None = None


class BackgroundOptions(Part, frozen=True, gc=False, kw_only=True):
    completion_window: Literal["soonest", "2h", "8h"] | None = None
    continuation_id: str | None = None


class ContextManagement(Part, frozen=True, gc=False, kw_only=True):
    type: str
    compact_threshold: Natural | None = None


class ImageOptions(Part, frozen=True, gc=False, kw_only=True):
    context_compression: Literal["auto", "enabled", "disabled"] | None = None


Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


class ResponsesRequest(Shape, frozen=True, gc=False, kw_only=True):
    variants: ClassVar[Mapping[str, Variants]] = {"input": Variants(ITEMS, "message", "item_reference")}

    input: LongText | list[Raw] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Bounded | None = None
    max_output_tokens: Positive | None = None
    max_tool_calls: Natural | None = None
    top_logprobs: TopLogprobs | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[Include] | None = None
    previous_response_id: str | None = None
    conversation: str | Conversation | None = None
    prompt: Prompt | None = None
    truncation: Literal["auto", "disabled"] | None = None
    background: bool | None = None
    background_options: BackgroundOptions | None = None
    context_management: list[ContextManagement] | None = None
    access_programs: AccessPrograms | None = None
    image: ImageOptions | None = None
    moderation: Moderation | None = None
    service_tier: OpenAITier | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: CacheRetention | None = None
    safety_identifier: SafetyIdentifier | None = None
    user: str | None = None

    def check(self, max_messages: int) -> None:
        if not self.input and self.prompt is None and self.conversation is None and self.previous_response_id is None:
            # There is nothing to answer to: no stored prompt, and nothing said before.
            if self.input is None:
                raise missing("", "input")
            if isinstance(self.input, list):
                raise empty("input")
        if isinstance(self.input, list) and len(self.input) > max_messages:
            raise too_many("input", len(self.input), max_messages)
