"""The line on which browsers are told what changes."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from productnet.portal.security import PortalOf

router = APIRouter(tags=["live"])


@router.get(
    "/events",
    operation_id="events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(portal: PortalOf) -> StreamingResponse:
    """Server-sent events, for as long as one listens: `progress`, `model`, `activated`, `job`."""
    return StreamingResponse(
        portal.updates.listen(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
