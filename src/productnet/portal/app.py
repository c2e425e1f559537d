"""The web application: the API under ``/api/v1``, and the pages that use it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from productnet import __version__
from productnet.portal.housekeeping import keep_tidy
from productnet.portal.permissions import PERMISSIONS
from productnet.portal.portal import Portal
from productnet.portal.routes import (
    activity,
    dashboard,
    disputes,
    duplicates,
    flaws,
    leaf_quality,
    leaves,
    live,
    map,
    oidc,
    operation,
    people,
    products,
    recommendations,
    releases,
    rounds,
    session,
    suspects,
    taxonomy,
    webhooks,
    work,
)
from productnet.portal.security import guard, is_known
from productnet.web.logs import RequestLog
from productnet.web.metrics import MetricsMiddleware
from productnet.web.middleware import BodyLimit, SecureHeaders
from productnet.web.problems import RESPONSES, answer_with_problems

# Bytes of the largest picture, in base64, and what is around it; and of a sign-in.
_LARGEST_BODY = 40_000_000
_LARGEST_OF_STRANGERS = 64_000

STATIC = Path(__file__).parent / "static"

_ROUTERS = (
    session.router,
    taxonomy.router,
    leaves.router,
    products.router,
    work.router,
    dashboard.router,
    leaf_quality.router,
    rounds.router,
    releases.router,
    people.router,
    activity.router,
    webhooks.router,
    disputes.router,
    recommendations.router,
    suspects.router,
    duplicates.router,
    flaws.router,
    map.router,
    live.router,
)


def create_app(portal: Portal) -> FastAPI:
    """The application that serves this portal, and closes it at the end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tidying = asyncio.create_task(keep_tidy(portal))
        yield
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
        portal.close()

    app = FastAPI(
        title="ProductNet",
        version=__version__,
        summary="Label products leaf by leaf; audit, settle and release them.",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.portal = portal
    app.include_router(_api())
    answer_with_problems(app)
    app.add_middleware(
        BodyLimit,
        stranger=_LARGEST_OF_STRANGERS,
        known=_LARGEST_BODY,
        is_known=lambda request: is_known(request, portal),
    )
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    app.add_middleware(SecureHeaders)
    app.add_middleware(MetricsMiddleware, metrics=portal.metrics)
    app.add_middleware(RequestLog)
    app.include_router(operation.router)
    open_to_all = portal.project.settings.portal.metrics_open
    app.include_router(operation.metrics, dependencies=[] if open_to_all else [Depends(guard)])
    app.mount("/static", _Files(directory=STATIC), name="static")
    app.include_router(session.pages)
    app.include_router(oidc.pages)

    @app.get("/{page:path}", include_in_schema=False)
    async def index(page: str) -> FileResponse:
        """The one document of all pages; the browser finds out which it is."""
        if page.startswith(("api/", "static/")):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"There is nothing at /{page}.")
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    return app


def _api() -> APIRouter:
    api = APIRouter(prefix="/api/v1", dependencies=[Depends(guard)], responses=RESPONSES)
    for router in _ROUTERS:
        for route in router.routes:
            operation = getattr(route, "operation_id", None)
            if operation not in PERMISSIONS:
                raise LookupError(f"permissions.py has no line for operation {operation}.")
        api.include_router(router)
    return api


class _Files(StaticFiles):
    """Files of the front end: kept by the browser, and checked each time whether they changed."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response
