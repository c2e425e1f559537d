"""The line on which browsers are told what changes."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from productnet.portal.security import PortalOf, still_in

router = APIRouter(tags=["live"])


@router.get(
    "/events",
    operation_id="events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(portal: PortalOf, request: Request) -> StreamingResponse:
    """Server-sent events, for as long as one listens and is signed in.

    They are `progress`, `model`, `activated` and `job`.
    """
    return StreamingResponse(
        portal.updates.listen(still=lambda: still_in(request, portal)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
