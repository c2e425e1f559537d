"""Products as they are sent, in JSON, as a form or line by line, and their pictures."""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from http import HTTPStatus
from typing import TypeAlias, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request

from productnet.catalog.fetch import Fetcher
from productnet.catalog.schema import Product
from productnet.errors import ImageError, ServiceClosed, UsageError
from productnet.serving.api.bodies import AskedProduct, AskedProducts
from productnet.serving.api.load import Load
from productnet.web.problems import Refused

Body = TypeVar("Body", bound=BaseModel)

JSON = "application/json"
NDJSON = "application/x-ndjson"
FORM = "multipart/form-data"

# Parts of a form: more fields than any project has.
_MOST_PARTS = 100


def media_type_of(headers: Headers) -> str:
    """The media type of a request, without its parameters."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def read_products(request: Request) -> list[AskedProduct]:
    """The products of a request that is no stream.

    Raises:
        RequestValidationError: They are not as the document says.
        Refused: The media type is none of ours.
    """
    media_type = media_type_of(request.headers)
    if media_type in (JSON, ""):
        return parsed(AskedProducts, await request.body()).products
    if media_type == FORM:
        return [await _form(request)]
    raise Refused(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"Products come as {JSON}, {NDJSON} or {FORM}, not {media_type[:100]!r}.",
    )


def parsed(kind: type[Body], content: bytes | str) -> Body:
    """A JSON body of this kind; raises RequestValidationError."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise RequestValidationError(
            [
                {**one, "loc": ("body", *one["loc"])}
                for one in error.errors(include_url=False, include_context=False)
            ]
        ) from None


async def _form(request: Request) -> AskedProduct:
    values: dict[str, str | list[str]] = {}
    image: bytes | None = None
    async with request.form(max_files=1, max_fields=_MOST_PARTS) as form:
        for name in form:
            sent = form.getlist(name)
            files = [one for one in sent if isinstance(one, UploadFile)]
            if files and name != "image":
                raise UsageError(f'A file was sent as "{name[:100]}". Send the picture as "image".')
            if files:
                image = await files[0].read()
            else:
                texts = [one for one in sent if isinstance(one, str)]
                values[name] = texts[0] if len(texts) == 1 else texts
    if image is not None:
        values["image"] = base64.b64encode(image).decode()
    return parsed(AskedProduct, json.dumps(values))


def as_product(asked: AskedProduct, *, place: int, image: bytes | None) -> Product:
    """A product as the service takes it; ``place`` names it where it has no id."""
    texts = {}
    for name, text in (asked.__pydantic_extra__ or {}).items():
        joined = "\n".join(text) if isinstance(text, list) else text
        if joined:
            texts[name] = joined
    return Product(asked.id or str(place), texts, image=image)


# An encoded picture, none, or why it cannot be had.
Picture: TypeAlias = bytes | ImageError | None


class Pictures:
    """The pictures of products: out of base64, or fetched from public hosts.

    Args:
        load: Is told of requests that wait for another server.

    Attributes:
        fetcher: Fetches, while the application runs.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self.fetcher: Fetcher | None = None

    @asynccontextmanager
    async def of(self, asked: Sequence[AskedProduct]) -> AsyncIterator[list[Picture]]:
        """The picture of each product, while it is needed.

        Raises ServiceClosed where pictures are fetched no more.
        """
        held: list[int] = []
        waiting = any(one.image_url and not one.image for one in asked)
        try:
            with self._load.resting() if waiting else nullcontext():
                found = await asyncio.gather(*(self._one(one, held) for one in asked))
            yield found
        finally:
            self._load.release(sum(held))

    async def _one(self, asked: AskedProduct, held: list[int]) -> Picture:
        if asked.image and asked.image_url:
            return ImageError("Give image or image_url, not both.")
        if asked.image_url is None:
            return _decoded(asked.image) if asked.image else None
        if self.fetcher is None:
            raise ServiceClosed("No pictures are fetched any more. Ask again in a moment.")
        try:
            fetched = self.fetcher.submit(self.fetcher.fetch(asked.image_url))
            data = await asyncio.wrap_future(fetched)
        except ImageError as error:
            return error
        # What was sent is counted with its request; this comes besides.
        self._load.hold(len(data))
        held.append(len(data))
        return data


def _decoded(text: str) -> bytes | ImageError:
    # Pictures in pages are written "data:image/png;base64,…".
    if text[:5] == "data:":
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ImageError(
            "The image is no base64. Send the encoded picture (JPEG, PNG, WebP) in base64, or its "
            "address as image_url."
        )
