"""What supervises the portal asks it: whether it lives, whether it can work, what it counted."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from productnet.portal.security import PortalOf
from productnet.web.problems import problem

# Seconds the database has to answer; it may be queueing somebody else's long work.
_PATIENCE = 1.0


router = APIRouter(tags=["operation"])
# Apart, since who may read it is for the application to say.
metrics = APIRouter(tags=["operation"])


@router.get("/healthz", operation_id="get_health", include_in_schema=False)
async def get_health() -> dict[str, str]:
    """The process lives and answers."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="get_readiness", include_in_schema=False)
async def get_readiness(portal: PortalOf) -> Response:
    """The database answers and the pool is open: requests can be served."""
    checks: dict[str, Callable[[], object]] = {
        "database": portal.database.ping,
        "pool": lambda: portal.resources.pool,
    }
    for name, check in checks.items():
        try:
            await asyncio.wait_for(asyncio.to_thread(check), _PATIENCE)
        except TimeoutError:
            return _not_ready(f"The {name} did not answer within {_PATIENCE:g} s.")
        except Exception as error:
            # Whatever it is, somebody who asks whether it works must get an answer.
            return _not_ready(f"The {name} cannot be used: {type(error).__name__}.")
    return Response('{"status":"ready"}', media_type="application/json")


@metrics.get("/metrics", operation_id="get_metrics", include_in_schema=False)
def get_metrics(portal: PortalOf) -> Response:
    """What this process counted."""
    return Response(portal.metrics.page(), media_type=CONTENT_TYPE_LATEST)


def _not_ready(detail: str) -> Response:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{detail} See the portal's log, and try again.",
        headers={"Retry-After": "5"},
    )
