"""Parts of content of OpenAI's Responses API, after OpenAI's public specification."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.validation.shape import CacheBreakpoint, Detail, Natural, Opaque, Part

# 10 MiB of text, 20 MiB of an image's URL: the specification's bounds.
LongText = Annotated[str, Meta(max_length=10_485_760)]
ImageUrl = Annotated[str, Meta(max_length=20_971_520)]


class InputText(Part, frozen=True, gc=False, kw_only=True, tag="input_text"):
    text: LongText
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputImage(Part, frozen=True, gc=False, kw_only=True, tag="input_image"):
    image_url: ImageUrl | None = None
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


class FileCitation(Part, frozen=True, gc=False, kw_only=True, tag="file_citation"):
    file_id: str
    filename: str
    index: Natural


class UrlCitation(Part, frozen=True, gc=False, kw_only=True, tag="url_citation"):
    start_index: Natural
    end_index: Natural
    title: str
    url: str


class ContainerFileCitation(Part, frozen=True, gc=False, kw_only=True, tag="container_file_citation"):
    container_id: str
    file_id: str
    filename: str
    start_index: Natural
    end_index: Natural


class FilePath(Part, frozen=True, gc=False, kw_only=True, tag="file_path"):
    file_id: str
    index: Natural


class TopLogprob(Part, frozen=True, gc=False, kw_only=True):
    token: str
    logprob: float
    bytes: list[int] | None = None


class Logprob(TopLogprob, frozen=True, gc=False, kw_only=True):
    top_logprobs: list[TopLogprob] | None = None


class OutputText(Part, frozen=True, gc=False, kw_only=True, tag="output_text"):
    text: str
    annotations: list[FileCitation | UrlCitation | ContainerFileCitation | FilePath | Opaque] | None = None
    logprobs: list[Logprob] | None = None


class OutputRefusal(Part, frozen=True, gc=False, kw_only=True, tag="refusal"):
    refusal: str


class ReasoningText(Part, frozen=True, gc=False, kw_only=True, tag="reasoning_text"):
    text: str


class SummaryText(Part, frozen=True, gc=False, kw_only=True, tag="summary_text"):
    text: str


InputPart = InputText | InputImage | InputFile | Opaque
MessagePart = InputText | InputImage | InputFile | OutputText | OutputRefusal | Opaque
