"""Errors as HTTP says them: one problem document (RFC 9457) for everything that went wrong.

The only module that knows which status an error has.
"""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from productnet.errors import (
    DatabaseUnavailable,
    EmbeddingError,
    GuidelineChanged,
    ImageError,
    JobError,
    ModelError,
    Overloaded,
    ProductNetError,
    ProjectError,
    ServiceClosed,
    SignInError,
    TooManyAttempts,
    UnknownCategory,
    UnknownName,
    UnknownPerson,
    UnknownProduct,
    UnknownRecord,
    UsageError,
    WorkflowError,
)
from productnet.web.middleware import HEADERS

_logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# The nearest class of an error's family decides; what is not here is the server's own fault.
_STATUS: Mapping[type[ProductNetError], HTTPStatus] = {
    UnknownCategory: HTTPStatus.NOT_FOUND,
    UnknownProduct: HTTPStatus.NOT_FOUND,
    UnknownRecord: HTTPStatus.NOT_FOUND,
    JobError: HTTPStatus.CONFLICT,
    GuidelineChanged: HTTPStatus.CONFLICT,
    UnknownName: HTTPStatus.UNPROCESSABLE_ENTITY,
    UsageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    WorkflowError: HTTPStatus.CONFLICT,
    # Not a refusal: browsers and programs keep what they sent, and send it again.
    DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.TOO_MANY_REQUESTS,
    ServiceClosed: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    SignInError: HTTPStatus.UNAUTHORIZED,
    UnknownPerson: HTTPStatus.NOT_FOUND,
    EmbeddingError: HTTPStatus.CONFLICT,
    ModelError: HTTPStatus.CONFLICT,
    ProjectError: HTTPStatus.CONFLICT,
    ProductNetError: HTTPStatus.UNPROCESSABLE_ENTITY,
}


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    type: str = Field("about:blank", description="A name of the kind of problem")
    title: str = Field(description="The status in words")
    status: int = Field(description="The HTTP status, again")
    detail: str = Field(description="What was wrong, with which value, and what to do next")

    @classmethod
    def of(cls, status: HTTPStatus, detail: str) -> "Problem":
        """The problem of a status."""
        return cls(title=status.phrase, status=status.value, detail=detail)


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Problems of these statuses as the OpenAPI document tells of them."""
    return {
        status.value: {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
        }
        for status in statuses
    }


# What every operation may answer; a schema check holds the server to it.
RESPONSES = responses(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


class _ProblemResponse(JSONResponse):
    """In ASCII, since a text that is repeated may hold half a character, which is no UTF-8."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The document."""
        return json.dumps(content, separators=(",", ":")).encode()


class Refused(Exception):
    """A request that is refused before any of our own code looks at it.

    Args:
        status: The HTTP status.
        detail: What was wrong and what to do next.
        headers: Further headers, such as ``Retry-After``.
        **extensions: Further members of the problem document.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.extensions = extensions


def problem(
    status: HTTPStatus | int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **extensions: object,
) -> JSONResponse:
    """The response that tells of a problem."""
    body = Problem.of(HTTPStatus(status), detail).model_dump()
    return _ProblemResponse({**body, **extensions}, status_code=int(status), headers=headers)


def answer_to(error: ProductNetError | Refused) -> JSONResponse:
    """The response that tells of an error."""
    if isinstance(error, Refused):
        return problem(error.status, str(error), headers=error.headers, **error.extensions)
    wait = getattr(error, "wait", None)
    headers = None if wait is None else {"Retry-After": str(wait)}
    return problem(status_of(error), str(error), headers=headers)


def status_of(error: ProductNetError) -> HTTPStatus:
    """The HTTP status of one of our errors."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def answer_with_problems(app: FastAPI) -> None:
    """Have every error leave the application as a problem document."""
    app.add_exception_handler(ProductNetError, _of_ours)
    app.add_exception_handler(Refused, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(UnicodeEncodeError, _of_half_a_character)
    app.add_exception_handler(Exception, _of_fault)


def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProductNetError | Refused)
    return answer_to(error)


def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in each["loc"][1:]), "reason": each["msg"]}
        for each in error.errors()
    ]
    first = errors[0]
    named = f"{first['field']}: " if first["field"] else ""
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{named}{first['reason']}. See {request.app.openapi_url} for what this operation takes.",
        errors=errors,
    )


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=error.headers)


def _of_half_a_character(request: Request, error: Exception) -> Response:
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A text that was sent holds half a character (a surrogate of UTF-16 without the other), "
        "which is no text. Send it without.",
    )


def _of_fault(request: Request, error: Exception) -> Response:
    _logger.error("%s failed", request.scope.get("path"), exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The server failed at this. It has been logged; nothing that was acknowledged is lost. "
        "Try again, and tell whoever runs the server if it happens again.",
        headers=HEADERS,  # this is the one answer that does not pass the middleware
    )
