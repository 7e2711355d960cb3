"""Tools of OpenAI's Responses API and how a request chooses among them, after OpenAI's public specification."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from engine.validation.shape import Bounded, Effort, Level, NonEmpty, Opaque, Part, Positive

ToolName = Annotated[str, Meta(min_length=1, max_length=128)]
Callers = list[Literal["direct", "programmatic"]]


class FunctionTool(Part, frozen=True, gc=False, kw_only=True, tag="function"):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    output_schema: dict[str, Any] | None = None
    allowed_callers: Callers | None = None
    defer_loading: bool | None = None
    is_async: bool | None = field(default=None, name="async")


class TextInput(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    pass


class GrammarInput(Part, frozen=True, gc=False, kw_only=True, tag="grammar"):
    definition: str
    syntax: Literal["lark", "regex"]


class CustomTool(Part, frozen=True, gc=False, kw_only=True, tag="custom"):
    name: ToolName
    description: str | None = None
    format: TextInput | GrammarInput | None = None
    allowed_callers: Callers | None = None
    defer_loading: bool | None = None
    is_async: bool | None = field(default=None, name="async")


class NamespaceTool(Part, frozen=True, gc=False, kw_only=True, tag="namespace"):
    name: ToolName
    description: str
    tools: list[FunctionTool | CustomTool | Opaque]


class Comparison(Part, frozen=True, gc=False, kw_only=True):
    key: str
    value: str | float | bool | list[str | float]


class Equal(Comparison, frozen=True, gc=False, kw_only=True, tag="eq"):
    pass


class Unequal(Comparison, frozen=True, gc=False, kw_only=True, tag="ne"):
    pass


class Greater(Comparison, frozen=True, gc=False, kw_only=True, tag="gt"):
    pass


class GreaterOrEqual(Comparison, frozen=True, gc=False, kw_only=True, tag="gte"):
    pass


class Less(Comparison, frozen=True, gc=False, kw_only=True, tag="lt"):
    pass


class LessOrEqual(Comparison, frozen=True, gc=False, kw_only=True, tag="lte"):
    pass


class Within(Comparison, frozen=True, gc=False, kw_only=True, tag="in"):
    pass


class NotIn(Comparison, frozen=True, gc=False, kw_only=True, tag="nin"):
    pass


class AllOf(Part, frozen=True, gc=False, kw_only=True, tag="and"):
    filters: Annotated[list[Filter], Meta(min_length=1)]


class AnyOf(Part, frozen=True, gc=False, kw_only=True, tag="or"):
    filters: Annotated[list[Filter], Meta(min_length=1)]


Filter = (
    Equal | Unequal | Greater | GreaterOrEqual | Less | LessOrEqual | Within | NotIn | AllOf | AnyOf
)  # fmt: skip


class HybridSearch(Part, frozen=True, gc=False, kw_only=True):
    embedding_weight: float
    text_weight: float


class RankingOptions(Part, frozen=True, gc=False, kw_only=True):
    ranker: Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"] | None = None
    score_threshold: Bounded | None = None
    hybrid_search: HybridSearch | None = None


class FileSearchTool(Part, frozen=True, gc=False, kw_only=True, tag="file_search"):
    vector_store_ids: Annotated[list[str], Meta(min_length=1)]
    filters: Filter | None = None
    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None


class ComputerTool(Part, frozen=True, gc=False, kw_only=True, tag="computer"):
    pass


class ComputerUsePreviewTool(Part, frozen=True, gc=False, kw_only=True, tag="computer_use_preview"):
    display_height: Positive
    display_width: Positive
    environment: Literal["windows", "mac", "linux", "ubuntu", "browser"]


class UserLocation(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["approximate"] | None = None
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class Domains(Part, frozen=True, gc=False, kw_only=True):
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class WebSearchTool(Part, frozen=True, gc=False, kw_only=True, tag="web_search"):
    external_web_access: bool | None = None
    filters: Domains | None = None
    search_context_size: Level | None = None
    user_location: UserLocation | None = None


class WebSearchTool20250826(WebSearchTool, frozen=True, gc=False, kw_only=True, tag="web_search_2025_08_26"):
    pass


class WebSearchPreviewTool(Part, frozen=True, gc=False, kw_only=True, tag="web_search_preview"):
    search_content_types: list[Literal["text", "image"]] | None = None
    search_context_size: Level | None = None
    user_location: UserLocation | None = None


class WebSearchPreviewTool20250311(
    WebSearchPreviewTool, frozen=True, gc=False, kw_only=True, tag="web_search_preview_2025_03_11"
):
    pass


class McpToolFilter(Part, frozen=True, gc=False, kw_only=True):
    read_only: bool | None = None
    tool_names: list[str] | None = None


class McpApproval(Part, frozen=True, gc=False, kw_only=True):
    always: McpToolFilter | None = None
    never: McpToolFilter | None = None


class McpTool(Part, frozen=True, gc=False, kw_only=True, tag="mcp"):
    server_label: NonEmpty
    server_url: str | None = None
    server_description: str | None = None
    connector_id: str | None = None
    tunnel_id: str | None = None
    authorization: str | None = None
    headers: dict[str, str] | None = None
    allowed_tools: list[str] | McpToolFilter | None = None
    require_approval: Literal["always", "never"] | McpApproval | None = None
    allowed_callers: Callers | None = None
    defer_loading: bool | None = None


class NoNetwork(Part, frozen=True, gc=False, kw_only=True, tag="disabled"):
    pass


class DomainSecret(Part, frozen=True, gc=False, kw_only=True):
    domain: str
    name: str
    value: str


class NetworkAllowlist(Part, frozen=True, gc=False, kw_only=True, tag="allowlist"):
    allowed_domains: Annotated[list[str], Meta(min_length=1)]
    domain_secrets: list[DomainSecret] | None = None


class OwnContainer(Part, frozen=True, gc=False, kw_only=True):
    file_ids: list[str] | None = None
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None = None
    network_policy: NoNetwork | NetworkAllowlist | None = None


class CodeContainer(OwnContainer, frozen=True, gc=False, kw_only=True):
    type: Literal["auto"]


class CodeInterpreterTool(Part, frozen=True, gc=False, kw_only=True, tag="code_interpreter"):
    container: str | CodeContainer
    allowed_callers: Callers | None = None


class ImageMask(Part, frozen=True, gc=False, kw_only=True):
    file_id: str | None = None
    image_url: str | None = None


class SvgReasoning(Part, frozen=True, gc=False, kw_only=True):
    effort: Effort | None = None


class Svg(Part, frozen=True, gc=False, kw_only=True):
    model: str | None = None
    reasoning: SvgReasoning | None = None


class ImageGenerationTool(Part, frozen=True, gc=False, kw_only=True, tag="image_generation"):
    action: Literal["generate", "edit", "auto"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    complexity: Level | None = None
    frame_count: Positive | None = None
    frame_duration_ms: Positive | None = None
    input_fidelity: Literal["high", "low"] | None = None
    input_image_mask: ImageMask | None = None
    model: str | None = None
    moderation: Literal["auto", "low"] | None = None
    output_compression: Annotated[int, Meta(ge=0, le=100)] | None = None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | None = None
    partial_images: Annotated[int, Meta(ge=0, le=3)] | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | None = None
    size: str | None = None
    svg: Svg | None = None


class LocalShellTool(Part, frozen=True, gc=False, kw_only=True, tag="local_shell"):
    pass


class SkillReference(Part, frozen=True, gc=False, kw_only=True, tag="skill_reference"):
    skill_id: str
    version: str | None = None


class SkillArchive(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["base64"]
    media_type: Literal["application/zip"]
    data: str


class InlineSkill(Part, frozen=True, gc=False, kw_only=True, tag="inline"):
    name: str
    description: str
    source: SkillArchive


class AutoContainer(OwnContainer, frozen=True, gc=False, kw_only=True, tag="container_auto"):
    skills: list[SkillReference | InlineSkill | Opaque] | None = None


class LocalSkill(Part, frozen=True, gc=False, kw_only=True):
    name: str
    description: str
    path: str


class LocalEnvironment(Part, frozen=True, gc=False, kw_only=True, tag="local"):
    skills: list[LocalSkill] | None = None


class ContainerReference(Part, frozen=True, gc=False, kw_only=True, tag="container_reference"):
    container_id: str


class ShellTool(Part, frozen=True, gc=False, kw_only=True, tag="shell"):
    environment: AutoContainer | LocalEnvironment | ContainerReference | None = None
    allowed_callers: Callers | None = None


class ToolSearchTool(Part, frozen=True, gc=False, kw_only=True, tag="tool_search"):
    description: str | None = None
    execution: Literal["server", "client"] | None = None
    parameters: Any = None


class ApplyPatchTool(Part, frozen=True, gc=False, kw_only=True, tag="apply_patch"):
    allowed_callers: Callers | None = None


class ProgrammaticTool(Part, frozen=True, gc=False, kw_only=True, tag="programmatic_tool_calling"):
    pass


Tool = (
    FunctionTool
    | CustomTool
    | NamespaceTool
    | FileSearchTool
    | ComputerTool
    | ComputerUsePreviewTool
    | WebSearchTool
    | WebSearchTool20250826
    | WebSearchPreviewTool
    | WebSearchPreviewTool20250311
    | McpTool
    | CodeInterpreterTool
    | ImageGenerationTool
    | LocalShellTool
    | ShellTool
    | ToolSearchTool
    | ApplyPatchTool
    | ProgrammaticTool
    | Opaque
)


class FunctionChoice(Part, frozen=True, gc=False, kw_only=True, tag="function"):
    name: NonEmpty


class CustomChoice(Part, frozen=True, gc=False, kw_only=True, tag="custom"):
    name: NonEmpty


class McpChoice(Part, frozen=True, gc=False, kw_only=True, tag="mcp"):
    server_label: NonEmpty
    name: str | None = None


class AllowedTools(Part, frozen=True, gc=False, kw_only=True, tag="allowed_tools"):
    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class HostedTool(Part, frozen=True, gc=False, kw_only=True, tag="file_search"):
    pass


class WebSearch(HostedTool, frozen=True, gc=False, kw_only=True, tag="web_search"):
    pass


class WebSearchPreview(HostedTool, frozen=True, gc=False, kw_only=True, tag="web_search_preview"):
    pass


class WebSearchPreview20250311(HostedTool, frozen=True, gc=False, kw_only=True, tag="web_search_preview_2025_03_11"):
    pass


class Computer(HostedTool, frozen=True, gc=False, kw_only=True, tag="computer"):
    pass


class ComputerUse(HostedTool, frozen=True, gc=False, kw_only=True, tag="computer_use"):
    pass


class ComputerUsePreview(HostedTool, frozen=True, gc=False, kw_only=True, tag="computer_use_preview"):
    pass


class ImageGeneration(HostedTool, frozen=True, gc=False, kw_only=True, tag="image_generation"):
    pass


class CodeInterpreter(HostedTool, frozen=True, gc=False, kw_only=True, tag="code_interpreter"):
    pass


class ApplyPatch(HostedTool, frozen=True, gc=False, kw_only=True, tag="apply_patch"):
    pass


class Shell(HostedTool, frozen=True, gc=False, kw_only=True, tag="shell"):
    pass


class Programmatic(HostedTool, frozen=True, gc=False, kw_only=True, tag="programmatic_tool_calling"):
    pass


ToolChoice = (
    FunctionChoice
    | CustomChoice
    | McpChoice
    | AllowedTools
    | HostedTool
    | WebSearch
    | WebSearchPreview
    | WebSearchPreview20250311
    | Computer
    | ComputerUse
    | ComputerUsePreview
    | ImageGeneration
    | CodeInterpreter
    | ApplyPatch
    | Shell
    | Programmatic
    | Opaque
)
