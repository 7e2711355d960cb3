"""What a model does to a computer through OpenAI's Responses API, after OpenAI's public specification."""

from __future__ import annotations

from typing import Literal

from engine.validation.responses_content import ImageUrl
from engine.validation.shape import Opaque, Part


class SafetyCheck(Part, frozen=True, gc=False, kw_only=True):
    id: str
    code: str | None = None
    message: str | None = None


class Point(Part, frozen=True, gc=False, kw_only=True):
    x: int
    y: int


class PointerAction(Point, frozen=True, gc=False, kw_only=True):
    keys: list[str] | None = None


class Click(PointerAction, frozen=True, gc=False, kw_only=True, tag="click"):
    button: Literal["left", "right", "wheel", "back", "forward"]


class DoubleClick(PointerAction, frozen=True, gc=False, kw_only=True, tag="double_click"):
    pass


class Move(PointerAction, frozen=True, gc=False, kw_only=True, tag="move"):
    pass


class Scroll(PointerAction, frozen=True, gc=False, kw_only=True, tag="scroll"):
    scroll_x: int
    scroll_y: int


class Drag(Part, frozen=True, gc=False, kw_only=True, tag="drag"):
    path: list[Point]
    keys: list[str] | None = None


class Keypress(Part, frozen=True, gc=False, kw_only=True, tag="keypress"):
    keys: list[str]


class TypeText(Part, frozen=True, gc=False, kw_only=True, tag="type"):
    text: str


class Screenshot(Part, frozen=True, gc=False, kw_only=True, tag="screenshot"):
    pass


class Wait(Part, frozen=True, gc=False, kw_only=True, tag="wait"):
    pass


Action = Click | DoubleClick | Move | Scroll | Drag | Keypress | TypeText | Screenshot | Wait | Opaque


class ComputerScreenshot(Part, frozen=True, gc=False, kw_only=True):
    type: Literal["computer_screenshot"]
    file_id: str | None = None
    image_url: ImageUrl | None = None
