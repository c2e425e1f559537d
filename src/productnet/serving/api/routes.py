"""The operations of the model's API: parse, ask the service, answer."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from productnet.catalog.schema import Product
from productnet.errors import UsageError
from productnet.serving.api.answering import Answering, Answers
from productnet.serving.api.bodies import (
    AskedProduct,
    CategorizedResult,
    CategorizedResults,
    Decision,
    EmbeddedResult,
    EmbeddedResults,
    ModelFacts,
    Near,
    PredictedCategory,
    Result,
    SimilarResult,
    SimilarResults,
)
from productnet.serving.api.document import body_of_products
from productnet.serving.api.load import Load
from productnet.serving.api.metrics import ServingMetrics
from productnet.serving.api.reading import NDJSON, media_type_of, read_products
from productnet.serving.api.streams import StreamedAnswers
from productnet.serving.search.similar import Neighbour
from productnet.serving.service.batcher import Lane
from productnet.serving.service.served_model import Seen, ServedModel
from productnet.web.problems import Problem, Refused, problem

router = APIRouter(prefix="/v1", tags=["model"])
operation = APIRouter(tags=["operation"], include_in_schema=False)

R = TypeVar("R", bound=Result)

Top = Annotated[int, Query(ge=1, le=100, description="Categories a product")]
Precision = Annotated[
    float | None,
    Query(gt=0, lt=1, description="Decide on a category if such decisions are this often right"),
]
FalseAccept = Annotated[
    float | None,
    Query(gt=0, lt=1, description="Share of products of unknown categories that may get one"),
]
Dimension = Annotated[
    int | None, Query(ge=1, le=100_000, description="A nested dimension to cut off at")
]
Count = Annotated[int, Query(ge=1, le=100, description="Products, at most")]
Within = Annotated[
    str | None,
    Query(
        max_length=500,
        description="Only products taken for this category, or for one below: id, path or name",
    ),
]


class Served:
    """What the operations work with.

    Attributes:
        answers: Asks the service.
        load: What is in flight.
        metrics: What is counted.
    """

    def __init__(self, answers: Answers, load: Load, metrics: ServingMetrics) -> None:
        self.answers = answers
        self.load = load
        self.metrics = metrics


async def _served(request: Request) -> Served:
    served: Served = request.app.state.served
    return served


ServedOf = Annotated[Served, Depends(_served)]


@router.post(
    "/categorize",
    operation_id="categorize",
    response_model=CategorizedResults,
    openapi_extra=body_of_products(CategorizedResult),
)
async def categorize(
    request: Request,
    served: ServedOf,
    top: Top = 3,
    precision: Precision = None,
    false_accept: FalseAccept = None,
) -> Response:
    """The likeliest categories of products, each with its path and a calibrated confidence.

    With a precision, a decision besides: one category if the model is sure enough, or why not.
    """
    model = served.answers.service.now
    if (precision, false_accept) != (None, None):
        # Found here, once, and not for each product; and what is wrong with it is told at once.
        await run_in_threadpool(model.check_shares, precision, false_accept)
    asked = partial(_categorized, top=top, precision=precision, false_accept=false_accept)
    return await _answer(request, served, asked, CategorizedResult, CategorizedResults)


@router.post(
    "/embed",
    operation_id="embed",
    response_model=EmbeddedResults,
    openapi_extra=body_of_products(EmbeddedResult),
)
async def embed(request: Request, served: ServedOf, dimension: Dimension = None) -> Response:
    """The embeddings of products, vectors of length one."""
    served.answers.service.now.model.check_dimension(dimension)
    asked = partial(_embedded, dimension=dimension)
    return await _answer(request, served, asked, EmbeddedResult, EmbeddedResults)


@router.post(
    "/similar",
    operation_id="similar",
    response_model=SimilarResults,
    openapi_extra=body_of_products(SimilarResult),
)
async def similar(
    request: Request, served: ServedOf, count: Count = 10, category: Within = None
) -> Response:
    """The products of the pool nearest to products, texts or pictures that need not be in it."""
    served.answers.service.now.check_space(category)
    asked = partial(_similar, count=count, category=category)
    return await _answer(request, served, asked, SimilarResult, SimilarResults, slow=True)


@router.get("/similar", operation_id="get_similar", response_model=SimilarResult)
async def get_similar(
    served: ServedOf,
    product: Annotated[
        str | None, Query(max_length=500, description="Id of a product of the pool")
    ] = None,
    text: Annotated[
        str | None, Query(max_length=2_000, description="A text, taken for a product's title")
    ] = None,
    count: Count = 10,
    category: Within = None,
) -> Response:
    """The products of the pool nearest to one of them, or to a text."""
    service = served.answers.service
    model = service.now
    if (product is None) == (text is None):
        raise UsageError("Give one of product and text.")
    if product is not None:
        near = await run_in_threadpool(model.nearest_to, product, count=count, category=category)
        return _json(_neighbours(model, product, near))
    model.check_space(category)
    titled = Product("text", {model.fields[0]: text or ""})
    with served.load.answering():
        model, future = service.submit([titled])
        (seen,) = await asyncio.wrap_future(future)
        if isinstance(seen, Exception):
            raise seen
        near = await run_in_threadpool(model.nearest, seen.vector, count=count, category=category)
    return _json(_neighbours(model, "text", near))


@router.get("/model", operation_id="get_model")
async def get_model(served: ServedOf) -> ModelFacts:
    """What the model that is served now can tell, and what it reads."""
    served_model = served.answers.service.now
    model = served_model.model
    return ModelFacts(
        model=served_model.name,
        categories=len(model.classes),
        dimension=model.dimension,
        dimensions=[*model.preset.nested, model.dimension],
        fields=list(served_model.fields),
        reads=served_model.reads,
        taxonomy=model.taxonomy,
        calibrated=model.is_calibrated,
        products=None if served_model.embeddings is None else len(served_model.embeddings),
    )


@operation.get("/healthz", operation_id="get_health")
async def get_health() -> dict[str, str]:
    """The process lives and answers."""
    return {"status": "ok"}


@operation.get("/readyz", operation_id="get_readiness")
async def get_readiness(served: ServedOf) -> Response:
    """Products are being computed."""
    if served.answers.service.batcher.is_alive():
        return Response('{"status":"ready"}', media_type="application/json")
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Nothing computes products any more. See the log, and start the service again.",
        headers={"Retry-After": "5"},
    )


@operation.get("/metrics", operation_id="get_metrics")
async def get_metrics(served: ServedOf) -> Response:
    """What this process counted."""
    return Response(served.metrics.page(), media_type=CONTENT_TYPE_LATEST)


async def _answer(
    request: Request,
    served: Served,
    answering: Answering[R],
    kind: type[R],
    many: type[BaseModel],
    *,
    slow: bool = False,
) -> Response:
    """Answers to whatever form the products came in; the error of a single one is the answer."""
    answers = served.answers

    async def line(asked: AskedProduct, place: int) -> R:
        (one,) = await answers.of([asked], answering, kind, place=place, lane=Lane.BULK, slow=slow)
        return one

    def fault(error: Problem, place: int) -> R:
        return kind(id=str(place), model=answers.service.now.name, error=error)

    if media_type_of(request.headers) == NDJSON:
        return StreamedAnswers(request, served.load, answer=line, fault=fault)
    asked = await read_products(request)
    results = await answers.of(asked, answering, kind, slow=slow)
    if len(results) == 1 and (error := results[0].error) is not None:
        raise Refused(HTTPStatus(error.status), error.detail)
    return _json(many.model_construct(results=results))


def _categorized(
    model: ServedModel,
    product: str,
    seen: Seen,
    *,
    top: int,
    precision: float | None,
    false_accept: float | None,
) -> CategorizedResult:
    said = model.categorized(product, seen, top=top, precision=precision, false_accept=false_accept)
    return CategorizedResult(
        id=product,
        model=model.name,
        categories=[
            PredictedCategory(category=one.category, path=list(one.path), confidence=one.confidence)
            for one in said.categories
        ],
        decision=None
        if precision is None
        else Decision(category=said.category, reason=said.reason),
    )


def _embedded(
    model: ServedModel, product: str, seen: Seen, *, dimension: int | None
) -> EmbeddedResult:
    vector = model.embedding(seen, dimension=dimension)
    return EmbeddedResult(id=product, model=model.name, embedding=vector.tolist())


def _similar(
    model: ServedModel, product: str, seen: Seen, *, count: int, category: str | None
) -> SimilarResult:
    near = model.nearest(seen.vector, count=count, category=category)
    return _neighbours(model, product, near)


def _neighbours(model: ServedModel, product: str, near: list[Neighbour]) -> SimilarResult:
    return SimilarResult(
        id=product,
        model=model.name,
        neighbours=[
            Near(product=one.product, similarity=one.similarity, title=one.title) for one in near
        ],
    )


def _json(body: BaseModel) -> Response:
    return Response(body.model_dump_json(), media_type="application/json")
