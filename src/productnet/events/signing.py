"""Signatures of webhook messages after the Standard Webhooks scheme (standardwebhooks.com).

``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body`` under
the secret: the bytes that the base64 after ``whsec_`` stands for.
"""

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Mapping

from productnet.errors import WebhookError

_PREFIX = "whsec_"

# Seconds by which a message may be old, or early, before a receiver must take it for a replay.
TOLERANCE = 300


def new_secret() -> str:
    """A secret of 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed_headers(secret: str, *, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{_signature(secret, message, timestamp, body)}",
    }


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> None:
    """Raise WebhookError unless this body came from whoever holds the secret, and just now.

    Args:
        secret: As shown when the webhook was added.
        headers: Of the request; names in any case.
        body: As received, before anything decoded it.
        now: Unix time; the clock's when None.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        message, sent = named["webhook-id"], named["webhook-timestamp"]
        signatures = named["webhook-signature"].split()
        timestamp = int(sent)
    except (KeyError, ValueError) as error:
        raise WebhookError(f"The message lacks a header or has a bad one: {error}.") from None
    expected = f"v1,{_signature(secret, message, timestamp, body)}".encode()
    # A secret that is being changed gives several signatures; one that fits is enough.
    if not any(hmac.compare_digest(expected, given.encode()) for given in signatures):
        raise WebhookError("No signature of the message fits its body and this secret.")
    if abs((time.time() if now is None else now) - timestamp) > TOLERANCE:
        raise WebhookError(f"The message was signed at {timestamp}, too long ago or ahead of time.")


def _signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise WebhookError("The secret is not whsec_ and base64. Copy it whole.") from None
    content = f"{message}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
