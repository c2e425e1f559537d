"""Whether the portal lives, and whether it can work: what a load balancer or supervisor asks."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Response

from productnet.database.database import Database
from productnet.portal.problems import problem

# Seconds the database has to answer; it may be queueing somebody else's long work.
_PATIENCE = 1.0


def health_router(database: Database, *, opened: Callable[[], object]) -> APIRouter:
    """``/healthz`` and ``/readyz``, for anybody.

    Args:
        database: Asked whether it answers.
        opened: Gives the open pool, or raises.
    """
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", operation_id="get_health", include_in_schema=False)
    async def get_health() -> dict[str, str]:
        """The process lives and answers."""
        return {"status": "ok"}

    @router.get("/readyz", operation_id="get_readiness", include_in_schema=False)
    async def get_readiness() -> Response:
        """The database answers and the pool is open: requests can be served."""
        for name, check in (("database", database.ping), ("pool", opened)):
            try:
                await asyncio.wait_for(asyncio.to_thread(check), _PATIENCE)
            except TimeoutError:
                return _not_ready(f"The {name} did not answer within {_PATIENCE:g} s.")
            except Exception as error:
                # Whatever it is, somebody who asks whether it works must get an answer.
                return _not_ready(f"The {name} cannot be used: {type(error).__name__}.")
        return Response('{"status":"ready"}', media_type="application/json")

    return router


def _not_ready(detail: str) -> Response:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{detail} See the portal's log, and try again.",
        headers={"Retry-After": "5"},
    )
