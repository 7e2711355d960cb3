"""The request of OpenAI's chat completions (POST /v1/chat/completions), after OpenAI's public specification.

A message is told by its ``role``, a part, a tool and a tool call by its ``type``. Parts of every type are taken in
every role: compatible servers answer to images in tool results, and OpenAI says no for itself where it does not.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from engine.validation.shape import (
    Bounded,
    CacheBreakpoint,
    CacheOptions,
    CacheRetention,
    Choices,
    Detail,
    Effort,
    Level,
    LogitBias,
    Metadata,
    Moderation,
    Name,
    Opaque,
    OpenAITier,
    Part,
    Penalty,
    Positive,
    SafetyIdentifier,
    Shape,
    Stop,
    StreamOptions,
    Temperature,
    TopLogprobs,
    too_many,
)


class CacheablePart(Part, frozen=True, gc=False, kw_only=True):
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class TextPart(CacheablePart, frozen=True, gc=False, kw_only=True, tag="text"):
    text: str


class RefusalPart(CacheablePart, frozen=True, gc=False, kw_only=True, tag="refusal"):
    refusal: str


class ImageUrl(Part, frozen=True, gc=False, kw_only=True):
    url: str
    detail: Detail | None = None


class ImagePart(CacheablePart, frozen=True, gc=False, kw_only=True, tag="image_url"):
    image_url: ImageUrl


class InputAudio(Part, frozen=True, gc=False, kw_only=True):
    data: str
    format: Literal["wav", "mp3"]


class AudioPart(CacheablePart, frozen=True, gc=False, kw_only=True, tag="input_audio"):
    input_audio: InputAudio


class File(Part, frozen=True, gc=False, kw_only=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(CacheablePart, frozen=True, gc=False, kw_only=True, tag="file"):
    file: File


ContentPart = TextPart | RefusalPart | ImagePart | AudioPart | FilePart | Opaque
Content = str | list[ContentPart]
Said = str | Annotated[list[ContentPart], Meta(min_length=1)]


class FunctionCall(Part, frozen=True, gc=False, kw_only=True):
    name: str
    arguments: str


class CustomCall(Part, frozen=True, gc=False, kw_only=True):
    name: str
    input: str


class FunctionToolCall(Part, frozen=True, gc=False, kw_only=True, tag="function"):
    id: str
    function: FunctionCall


class CustomToolCall(Part, frozen=True, gc=False, kw_only=True, tag="custom"):
    id: str
    custom: CustomCall


class AudioReference(Part, frozen=True, gc=False, kw_only=True):
    id: str


class Message(Part, frozen=True, gc=False, kw_only=True, tag_field="role"):
    name: str | None = None


class DeveloperMessage(Message, frozen=True, gc=False, kw_only=True, tag="developer"):
    content: Said


class SystemMessage(Message, frozen=True, gc=False, kw_only=True, tag="system"):
    content: Said


class UserMessage(Message, frozen=True, gc=False, kw_only=True, tag="user"):
    content: Said


class AssistantMessage(Message, frozen=True, gc=False, kw_only=True, tag="assistant"):
    content: Content | None = None
    refusal: str | None = None
    audio: AudioReference | None = None
    function_call: FunctionCall | None = None
    tool_calls: list[FunctionToolCall | CustomToolCall | Opaque] | None = None


class ToolMessage(Message, frozen=True, gc=False, kw_only=True, tag="tool"):
    content: Content
    tool_call_id: str


class FunctionMessage(Part, frozen=True, gc=False, kw_only=True, tag_field="role", tag="function"):
    content: str | None
    name: str


AnyMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage | DeveloperMessage | FunctionMessage


class FunctionDefinition(Part, frozen=True, gc=False, kw_only=True):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Part, frozen=True, gc=False, kw_only=True, tag="function"):
    function: FunctionDefinition


class Grammar(Part, frozen=True, gc=False, kw_only=True):
    definition: str
    syntax: Literal["lark", "regex"]


class TextInput(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    pass


class GrammarInput(Part, frozen=True, gc=False, kw_only=True, tag="grammar"):
    grammar: Grammar


class CustomDefinition(Part, frozen=True, gc=False, kw_only=True):
    name: str
    description: str | None = None
    format: TextInput | GrammarInput | None = None


class CustomTool(Part, frozen=True, gc=False, kw_only=True, tag="custom"):
    custom: CustomDefinition


class Named(Part, frozen=True, gc=False, kw_only=True):
    name: str


class FunctionChoice(Part, frozen=True, gc=False, kw_only=True, tag="function"):
    function: Named


class CustomChoice(Part, frozen=True, gc=False, kw_only=True, tag="custom"):
    custom: Named


class AllowedTools(Part, frozen=True, gc=False, kw_only=True):
    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class AllowedToolsChoice(Part, frozen=True, gc=False, kw_only=True, tag="allowed_tools"):
    allowed_tools: AllowedTools


class JsonSchema(Part, frozen=True, gc=False, kw_only=True):
    name: Name
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class TextFormat(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    pass


class JsonObjectFormat(Part, frozen=True, gc=False, kw_only=True, tag="json_object"):
    pass


class JsonSchemaFormat(Part, frozen=True, gc=False, kw_only=True, tag="json_schema"):
    json_schema: JsonSchema


class Audio(Part, frozen=True, gc=False, kw_only=True):
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: str | AudioReference


class Place(Part, frozen=True, gc=False, kw_only=True):
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class UserLocation(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["approximate"]
    approximate: Place


class WebSearchOptions(Part, frozen=True, gc=False, kw_only=True):
    search_context_size: Level | None = None
    user_location: UserLocation | None = None


class Prediction(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["content"]
    content: Content


class ChatRequest(Shape, frozen=True, gc=False, kw_only=True):
    messages: Annotated[list[AnyMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Bounded | None = None
    n: Choices | None = None
    stop: Stop | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    logprobs: bool | None = None
    top_logprobs: TopLogprobs | None = None
    seed: int | None = None
    user: str | None = None
    tools: list[FunctionTool | CustomTool | Opaque] | None = None
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice | CustomChoice | AllowedToolsChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[FunctionDefinition], Meta(min_length=1, max_length=128)] | None = None
    function_call: Literal["none", "auto"] | Named | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: Audio | None = None
    prediction: Prediction | None = None
    reasoning_effort: Effort | None = None
    verbosity: Level | None = None
    service_tier: OpenAITier | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    moderation: Moderation | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: CacheRetention | None = None
    safety_identifier: SafetyIdentifier | None = None
    web_search_options: WebSearchOptions | None = None

    def check(self, max_messages: int) -> None:
        if len(self.messages) > max_messages:
            raise too_many("messages", len(self.messages), max_messages)
