"""The web application of the model's API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from random import Random

from fastapi import FastAPI

from productnet import __version__
from productnet.catalog.fetch import Fetcher
from productnet.catalog.public_hosts import PublicHosts
from productnet.people.doors import Doors
from productnet.serving.api.answering import Answers
from productnet.serving.api.document import document
from productnet.serving.api.gate import Gate, Shedding
from productnet.serving.api.load import Load
from productnet.serving.api.metrics import ServingMetrics
from productnet.serving.api.reading import Pictures
from productnet.serving.api.routes import Served, operation, router
from productnet.serving.service.model_service import ModelService
from productnet.serving.service.watch import Mark, Watch
from productnet.settings import ImageSettings, Settings
from productnet.web.logs import RequestLog
from productnet.web.metrics import MetricsMiddleware
from productnet.web.middleware import SecureHeaders
from productnet.web.problems import RESPONSES, answer_with_problems, responses

# What the gate and the readers of bodies answer besides.
_ALSO = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.MISDIRECTED_REQUEST,
)

# Seconds that another server has for a picture: somebody waits for the answer.
_FETCH_SECONDS = 5.0


def create_app(
    service: ModelService,
    *,
    settings: Settings | None = None,
    doors: Doors | None = None,
    mark: Mark | None = None,
) -> FastAPI:
    """The application that serves this service, and closes it at the end.

    Args:
        service: What answers.
        settings: Of the project, if there is one.
        doors: Knows the API keys; None where none are needed, which serves this machine alone.
        mark: Changes whenever another model is to be served; never when None.
    """
    settings = settings or Settings()
    limits = service.settings
    load = Load(
        service,
        most_requests=limits.requests,
        most_bytes=limits.requests_mb * 1_000_000,
        rng=Random(settings.seed),
    )
    metrics = ServingMetrics(service, load)
    pictures = Pictures(load)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watch = Watch(service, mark) if mark is not None else None
        with _fetcher(settings.images) as pictures.fetcher:
            yield
        pictures.fetcher = None
        if watch is not None:
            watch.close()
        service.close()

    app = FastAPI(
        title="ProductNet model",
        version=__version__,
        summary="Categories, embeddings and similar products.",
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.state.served = Served(Answers(service, pictures), load, metrics)
    app.include_router(router, responses=RESPONSES | responses(*_ALSO))
    app.include_router(operation)
    answer_with_problems(app)
    app.add_middleware(
        Gate,
        load=load,
        doors=doors,
        metrics_open=settings.portal.metrics_open,
        refused=metrics.refuse,
    )
    app.add_middleware(SecureHeaders)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(RequestLog)
    app.add_middleware(Shedding, load=load, refused=metrics.refuse)
    return app


def _fetcher(images: ImageSettings) -> Fetcher:
    once = images.model_copy(update={"retries": 0, "timeout": min(images.timeout, _FETCH_SECONDS)})
    return Fetcher(once, transport=PublicHosts(allowed=images.private_hosts))
