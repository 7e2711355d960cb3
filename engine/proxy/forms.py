"""Reads a form from a request: multipart/form-data, bounded in size and in parts."""

from __future__ import annotations

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from engine.errors import BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA, Refusal
from engine.validation.form import Field, Form

# Audio and image endpoints take a dozen fields and some images.
MAX_FIELDS = 64


async def read_form(request: web.BaseRequest, limit: int) -> tuple[Form, int]:
    """The form and how many bytes its parts have. Raises Refusal (400, 413, 415); aiohttp's errors for a connection
    that ends are the caller's."""
    if request.content_type != "multipart/form-data":
        raise Refusal(UNSUPPORTED_MEDIA, "The Content-Type must be multipart/form-data.")
    fields: list[Field] = []
    size = 0
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise Refusal(BAD_REQUEST, "A part of the form is no field.")
            if "Content-Transfer-Encoding" in part.headers or "Content-Encoding" in part.headers:
                raise Refusal(BAD_REQUEST, "A part of the form is encoded.", param=part.name)
            data = bytearray()
            while chunk := await part.read_chunk():
                data += chunk
                size += len(chunk)
                if size > limit:
                    raise Refusal(TOO_LARGE, f"The request's body is larger than {limit} bytes.")
            fields.append(Field(part.name, part.filename, part.headers.get("Content-Type"), bytes(data)))
            if len(fields) > MAX_FIELDS:
                raise Refusal(BAD_REQUEST, f"The form has more than {MAX_FIELDS} fields.")
    except (HttpProcessingError, ValueError, AssertionError, RuntimeError):
        # What aiohttp's reader of forms raises for one that is not well-formed.
        raise Refusal(BAD_REQUEST, "The form is not valid multipart/form-data.") from None
    return Form(fields), size
